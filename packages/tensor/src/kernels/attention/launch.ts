/** The three passes of fused attention, launched as their plans say, part by part. */
import type { Tensor } from '../../tensor.ts';
import { lastOf, nth } from '../../values.ts';
import { MOST_WORKGROUPS, type Part, shifted } from './parts.ts';
import { ALL_KEYS, type Pass, type Plan, planOf, prefixPlanOf } from './plan.ts';
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

const lseGeometry = (problem: AttentionProblem, lse: Tensor): Geometry => rowGeometry(problem, lse, 1);
const statsGeometry = (problem: AttentionProblem, stats: Tensor): Geometry => rowGeometry(problem, stats, 2);

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

/** Parameters of a part for kernels whose blocks are queries: the queries from its first row on, which attend to as many more keys. */
function queryParams({ queries, keys, prefixLength }: AttentionProblem, { params }: Plan, row: number, asksPrefix: boolean) {
  return {
    queries: queries - row,
    keys,
    prefix_len: prefixLength,
    asks_prefix: asksPrefix ? 1 : 0,
    ...params,
    causal_offset: params.causal_offset + row,
  };
}

/** Pairs of queries and keys of a launch. @param asksPrefix whether those of the prefix with itself, causal, are among them */
function pairsAsked(problem: AttentionProblem, asksPrefix: boolean): number {
  const { prefixLength } = problem;
  return pairsOf(problem) + (asksPrefix ? (prefixLength * (prefixLength + 1)) / 2 : 0);
}

/** The grid of a part, with the blocks of a prefix that is asked. */
function askingGrid(problem: AttentionProblem, plan: Plan, part: Part, asksPrefix: boolean): readonly number[] {
  return (asksPrefix && sharedGrid(problem, plan, part, problem.prefixLength)?.grid) || part.grid;
}

const NO_MASK = { mask: NOWHERE, mask_key: 0, mask_kind: 0 };

/**
 * Parameters of general kernels for a part that begins at query `row` and key `key`.
 * @returns nothing for the others
 */
function generalParams(problem: AttentionProblem, { isGeneral }: Plan, part: Part, row: number, key: number) {
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
const maskBuffer = ({ mask }: AttentionProblem, { isGeneral }: Plan, k: Tensor): { mask?: Tensor } =>
  isGeneral ? { mask: mask?.tensor ?? k } : {};

/** @param asksPrefix whether the rows before the sequences, those of the prefix, are asked too: see {@link canShare} */
export function launchForward(
  problem: AttentionProblem,
  inputs: KernelInputs,
  { out, lse }: ForwardResults,
  asksPrefix = false,
): void {
  const { q, k, v, prefix } = inputs;
  const plan = planOf(problem, 'forward', lastOf(q.shape));
  for (const part of plan.parts) {
    const row = part.block * plan.rows;
    plan.kernel.dispatch(problem.device, {
      buffers: {
        q,
        k,
        v,
        out,
        lse,
        blocks: plan.blocks ?? q,
        ...(prefix && { prefix: prefix.storage }),
        ...maskBuffer(problem, plan, k),
      },
      params: {
        ...inputGeometry(inputs, plan, part, row),
        ...generalParams(problem, plan, part, row, 0),
        out: shifted(geometryOf(out, plan.slice), part, row),
        lse: shifted(lseGeometry(problem, lse), part, row),
        ...queryParams(problem, plan, row, asksPrefix),
        scale: problem.scale * Math.LOG2E,
      },
      grid: askingGrid(problem, plan, part, asksPrefix),
      defines: plan.defines,
      flops: (4 * problem.heads * pairsAsked(problem, asksPrefix) * problem.depth) / plan.parts.length,
    });
  }
}

/** Results of the forward pass, which the statistics of queries are formed of. */
export type ForwardResults = { readonly out: Tensor; readonly lse: Tensor };

/** Whether {@link launchQueryGradient} forms `stats` itself. @param depth padded head dimension */
export function formsStats(problem: AttentionProblem, depth: number): boolean {
  return planOf(problem, 'dq', depth).formsStats;
}

/** Where {@link formsStats}, `stats` is written, of `results`; else it is read. @param asksPrefix as in {@link launchForward} */
export function launchQueryGradient(
  problem: AttentionProblem,
  inputs: BackwardInputs,
  { out, lse }: ForwardResults,
  dq: Tensor,
  asksPrefix = false,
): void {
  const { q, k, v, prefix, grad, stats } = inputs;
  const plan = planOf(problem, 'dq', lastOf(q.shape));
  for (const part of plan.parts) {
    const row = part.block * plan.rows;
    plan.kernel.dispatch(problem.device, {
      buffers: {
        q,
        k,
        v,
        grad,
        stats,
        dq,
        blocks: plan.blocks ?? q,
        ...(plan.hasPrefix && { prefix: prefix?.storage ?? k }),
        ...(plan.formsStats && { out, lse }),
        ...maskBuffer(problem, plan, k),
      },
      params: {
        ...inputGeometry(inputs, plan, part, row),
        ...generalParams(problem, plan, part, row, 0),
        grad: shifted(geometryOf(grad), part, row),
        dq: shifted(geometryOf(dq, plan.slice), part, row),
        stats: shifted(statsGeometry(problem, stats), part, row),
        ...(plan.formsStats && {
          out: shifted(geometryOf(out), part, row),
          lse: shifted(lseGeometry(problem, lse), part, row),
        }),
        ...queryParams(problem, plan, row, asksPrefix),
        scale: problem.scale,
      },
      grid: askingGrid(problem, plan, part, asksPrefix),
      defines: plan.defines,
      flops: (6 * problem.heads * pairsAsked(problem, asksPrefix) * problem.depth) / plan.parts.length,
    });
  }
}

/**
 * A prefix in one projection with the sequences, whose gradient joins theirs in `dkv`: [P, H, D] views of the same buffers, and the queries that
 * attend to it.
 */
export type SharedPrefix = {
  readonly asked: PrefixQueries;
  readonly keys: Pair;
  readonly dk: Tensor;
  readonly dv: Tensor;
  /** Whether the first queries are the prefix's, which attend to keys up to themselves. */
  readonly isCausal: boolean;
  /** The gradient of the prefix's queries where they were not asked: becomes 0. */
  readonly unasked: Tensor | undefined;
};

const NO_SHARED = {
  shared_begin: 0xffffffff,
  shared_keys: 0,
  shared_queries: 0,
  shared_causal: 0,
  shared_q: 0,
  shared_k: 0,
  shared_v: 0,
  shared_grad: 0,
  shared_stats: 0,
  shared_dk: 0,
  shared_dv: 0,
  shared_dq: 0,
  has_unasked: 0,
};

function sharedParams(begin: number, { asked, keys, dk, dv, isCausal, unasked }: SharedPrefix, { slice }: Plan) {
  return {
    shared_begin: begin,
    shared_keys: nth(dk.shape, 0),
    shared_queries: nth(asked.q.shape, 0),
    shared_causal: isCausal ? 0 : ALL_KEYS,
    shared_q: asked.q.offset / 4,
    shared_k: keys.first.offset / 4,
    shared_v: keys.second.offset / 4,
    shared_grad: asked.grad.offset / 4,
    shared_stats: asked.stats.offset / 2,
    shared_dk: dk.offset / slice,
    shared_dv: dv.offset / slice,
    shared_dq: (unasked?.offset ?? 0) / slice,
    has_unasked: unasked ? 1 : 0,
  };
}

/**
 * Whether a prefix of `rows` can join the sequences in one dispatch of a pass, which then has more workgroups: as queries that attend to each other, in
 * `dkv` as keys.
 */
export function canShare(problem: AttentionProblem, pass: Pass, depth: number, rows: number): boolean {
  const plan = planOf(problem, pass, depth);
  const [part, ...others] = plan.parts;
  return plan.sharesPrefix && part !== undefined && others.length === 0 && sharedGrid(problem, plan, part, rows) !== undefined;
}

/** The grid with the blocks of a prefix of `rows` after those of the sequences; undefined where they do not fit in. */
function sharedGrid(
  { batch }: AttentionProblem,
  plan: Plan,
  { grid: [x = 1, y = 1, z = 1] }: Part,
  rows: number,
): { readonly grid: readonly number[]; readonly begin: number } | undefined {
  const blocks = Math.ceil(rows / plan.rows);
  const { block_count } = plan.params;
  if (block_count === 0) return blocks <= x && z < MOST_WORKGROUPS ? { grid: [x, y, z + 1], begin: batch } : undefined;
  if (x * z < MOST_WORKGROUPS - blocks) return { grid: [block_count + blocks, y, 1], begin: block_count };
  return undefined;
}

/**
 * Gradients of the keys and values of the sequences. `dkv` are two geometries in one buffer.
 * @param shared see {@link canShare}
 */
export function launchKeyGradient(problem: AttentionProblem, inputs: BackwardInputs, dkv: Pair, shared?: SharedPrefix): void {
  const { q, k, v, grad, stats } = inputs;
  const plan = planOf(problem, 'dkv', lastOf(q.shape));
  for (const part of plan.parts) {
    const row = part.block * plan.rows;
    // No query before the first that attends to a part's first key attends to any of them.
    const isBounded = !plan.isGeneral && problem.lastKey !== undefined;
    const first = isBounded ? Math.min(Math.max(0, row - problem.lastKey), problem.queries) : 0;
    const causal_offset = isBounded ? Math.max(0, problem.lastKey + first - row) : plan.params.causal_offset;
    const grown = shared && sharedGrid(problem, plan, part, nth(shared.dk.shape, 0));
    const ofQueries = plan.isGeneral ? { ...part, head: 0 } : part; // general kernels count heads of queries from the first
    plan.kernel.dispatch(problem.device, {
      buffers: { q, k, v, grad, stats, dkv: dkv.storage, blocks: plan.blocks ?? q, ...maskBuffer(problem, plan, k) },
      params: {
        ...generalParams(problem, plan, part, 0, row),
        q: shifted(geometryOf(q), ofQueries, first),
        k: shifted(geometryOf(k), part, row),
        v: shifted(geometryOf(v), part, row),
        grad: shifted(geometryOf(grad), ofQueries, first),
        dk: shifted(geometryOf(dkv.first, plan.slice), part, row),
        dv: shifted(geometryOf(dkv.second, plan.slice), part, row),
        stats: shifted(statsGeometry(problem, stats), ofQueries, first),
        queries: problem.queries - first,
        rows: (problem.batch - part.batch) * (problem.queries - first),
        keys: problem.keys - row,
        ...plan.params,
        causal_offset,
        ...(plan.isGeneral ? {} : grown && shared ? sharedParams(grown.begin, shared, plan) : NO_SHARED),
        scale: problem.scale,
      },
      grid: grown?.grid ?? part.grid,
      defines: plan.defines,
      flops:
        (8 * problem.heads * pairsOf(shared ? problem : { ...problem, prefixLength: 0 }) * problem.depth) / plan.parts.length,
    });
  }
}

/** Queries of all sequences, one after the other: q and grad [rows, H, D], stats [rows, H, 2]. */
type PrefixQueries = { readonly q: Tensor; readonly grad: Tensor; readonly stats: Tensor };

/** Where the gradients of a prefix go: dk and dv of each chunk, in units of the plan's slice. */
export type PrefixTarget = { readonly storage: Tensor['storage']; dk(slice: number): Geometry; dv(slice: number): Geometry };

/** f32 [chunks, 2, P, H, D], to be added in order; the chunks begin at `first`. */
export function partialsTarget(partials: Tensor, first = 0): PrefixTarget {
  const [, , rows = 0, heads = 0, depth = 0] = partials.shape;
  const half = rows * heads * depth;
  const at = (index: 0 | 1, slice: number): Geometry => [
    ((2 * first + index) * half) / slice,
    (2 * half) / slice,
    (heads * depth) / slice,
    depth / slice,
  ];
  return { storage: partials.storage, dk: (slice) => at(0, slice), dv: (slice) => at(1, slice) };
}

/** A pair of [P, H, D], of one chunk. */
export function targetOf({ first, second, storage }: Pair): PrefixTarget {
  return { storage, dk: (slice) => geometryOf(first, slice), dv: (slice) => geometryOf(second, slice) };
}

/**
 * Gradients of the shared prefix: every query of the batch attends to its keys, whatever sequence it is in; with `isCausal` query i to keys up to i.
 * Queries are cut into chunks of `chunk` rows, each with a place in the target.
 */
export function launchPrefixGradient(
  problem: AttentionProblem,
  { q, grad, stats }: PrefixQueries,
  prefix: Pair,
  target: PrefixTarget,
  { chunk, isCausal = false }: { readonly chunk: number; readonly isCausal?: boolean },
): void {
  const { heads, prefixLength } = problem;
  const [rows = 0, , depth = 0] = q.shape;
  const plan = prefixPlanOf(problem, depth, Math.ceil(rows / chunk));
  const { slice } = plan;
  const chunked = ([offset, , row, head]: Geometry): Geometry => [offset, row * chunk, row, head];
  for (const part of plan.parts) {
    const row = part.block * plan.rows;
    plan.kernel.dispatch(problem.device, {
      buffers: { q, k: prefix.first, v: prefix.second, grad, stats, dkv: target.storage, blocks: q },
      params: {
        q: shifted(chunked(geometryOf(q)), part, 0),
        k: shifted(geometryOf(prefix.first), part, row),
        v: shifted(geometryOf(prefix.second), part, row),
        grad: shifted(chunked(geometryOf(grad)), part, 0),
        dk: shifted(target.dk(slice), part, row),
        dv: shifted(target.dv(slice), part, row),
        stats: shifted(chunked(statsGeometry(problem, stats)), part, 0),
        queries: chunk,
        rows: rows - part.batch * chunk,
        keys: prefixLength - row,
        ...plan.params,
        ...(isCausal && { causal_offset: 0 }),
        ...NO_SHARED,
        scale: problem.scale,
      },
      grid: part.grid,
      defines: plan.defines,
      flops: (8 * heads * rows * prefixLength * problem.depth) / plan.parts.length,
    });
  }
}
