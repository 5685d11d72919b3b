/** Parameters and buffers that launches of fused attention have in common: where operands lie for a part, masks, counted work. */
import type { Tensor } from '../../tensor.ts';
import { type Part, shifted } from './parts.ts';
import type { Plan } from './plan.ts';
import { pairsOf, type AttentionMask, type AttentionProblem } from './problem.ts';
import { geometryOf, type Geometry, type Pair } from './quads.ts';

/** Inputs as the kernels read them: head dimension padded to a multiple of 4. */
export type KernelInputs = {
  readonly q: Tensor;
  readonly k: Tensor;
  readonly v: Tensor;
  readonly prefix: Pair | undefined;
};

export type BackwardInputs = KernelInputs & { readonly grad: Tensor; readonly stats: Tensor };

const NOWHERE: Geometry = [0, 0, 0, 0];

/** [B, T, H] in units of one row's entry, `offset` elements of `unit` from the start of its memory. */
function rowGeometry(problem: AttentionProblem, { offset }: Tensor, unit: number): Geometry {
  return [offset / unit, problem.queries * problem.heads, problem.heads, 1];
}

export const lseGeometry = (problem: AttentionProblem, lse: Tensor): Geometry => rowGeometry(problem, lse, 1);
export const statsGeometry = (problem: AttentionProblem, stats: Tensor): Geometry => rowGeometry(problem, stats, 2);

/** Where queries, keys and values lie for a part that begins at query `row`, and those of the prefix. */
function inputGeometry({ q, k, v, prefix }: KernelInputs, plan: Plan, part: Part, row: number) {
  const ofKeys = plan.isGeneral ? { ...part, head: 0 } : part; // general kernels count heads of keys from the first
  return {
    q: shifted(geometryOf(q), part, row),
    k: shifted(geometryOf(k), ofKeys, 0),
    v: shifted(geometryOf(v), ofKeys, 0),
    prefix_k: prefix ? shifted(geometryOf(prefix.first), part, 0) : NOWHERE,
    prefix_v: prefix ? shifted(geometryOf(prefix.second), part, 0) : NOWHERE,
  };
}

/** Parameters of a part for kernels whose blocks are queries: its inputs, and the queries from its first row on, which attend to as many more keys. */
export function queryParams(problem: AttentionProblem, inputs: KernelInputs, plan: Plan, part: Part, asksPrefix: boolean) {
  const { queries, keys, prefixLength } = problem;
  const { params } = plan;
  const row = part.block * plan.rows;
  return {
    ...inputGeometry(inputs, plan, part, row),
    ...generalParams(problem, plan, part, row, 0),
    queries: queries - row,
    keys,
    prefix_len: prefixLength,
    asks_prefix: asksPrefix ? 1 : 0,
    ...params,
    causal_offset: params.causal_offset + row,
  };
}

/** Pairs of queries and keys of a launch. @param asksPrefix whether those of the prefix with itself, causal, are among them */
export function pairsAsked(problem: AttentionProblem, asksPrefix: boolean): number {
  const { prefixLength } = problem;
  return pairsOf(problem) + (asksPrefix ? (prefixLength * (prefixLength + 1)) / 2 : 0);
}

const NO_MASK = { mask: NOWHERE, mask_key: 0, mask_kind: 0 };

/**
 * Parameters of general kernels for a part that begins at query `row` and key `key`.
 * @returns nothing for the others
 */
export function generalParams(problem: AttentionProblem, { isGeneral }: Plan, part: Part, row: number, key: number) {
  if (!isGeneral) return undefined;
  const { mask, heads, keyHeads, firstKey = -FAR, lastKey = FAR } = problem;
  return {
    ...(mask ? maskParams(mask, part, row, key) : NO_MASK),
    group: heads / keyHeads,
    first_head: part.head,
    first_key: firstKey + row - key,
    last_key: lastKey + row - key,
  };
}

/** Beyond any key, and sums with rows stay within i32. */
const FAR = 2 ** 29;

/** The mask as seen from a part; heads are counted from the first. */
function maskParams({ tensor, strides }: AttentionMask, part: Part, row: number, key: number) {
  const [batch, , query, along] = strides;
  const offset = tensor.offset + part.batch * batch + row * query + key * along;
  const [b, h, q, k] = strides.map((stride) => stride >>> 0) as [number, number, number, number];
  return { mask: [offset >>> 0, b, h, q], mask_key: k, mask_kind: tensor.dtype === 'bool' ? 1 : 2 };
}

/** The buffer bound as mask: that of the keys if there is none. */
export const maskBuffer = ({ mask }: AttentionProblem, { isGeneral }: Plan, k: Tensor): { mask?: Tensor } =>
  isGeneral ? { mask: mask?.tensor ?? k } : {};
