/** A prefix that joins the dispatches of its sequences: whether it can, with which grid and parameters. */
import type { Tensor } from '../../tensor.ts';
import { nth } from '../../values.ts';
import { MOST_WORKGROUPS, type Part } from './parts.ts';
import { ALL_KEYS, type Pass, type Plan, planOf } from './plan.ts';
import type { AttentionProblem } from './problem.ts';
import type { Pair } from './quads.ts';

/** Queries of all sequences, one after the other: q and grad [rows, H, D], stats [rows, H, 2]. */
export type PrefixQueries = { readonly q: Tensor; readonly grad: Tensor; readonly stats: Tensor };

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
  /** Where its queries go in chunks, each in workgroups of its own: partial gradients f32 [chunks, 2, P, H, D], and queries of a chunk. */
  readonly chunked?: { readonly partials: Tensor; readonly size: number } | undefined;
};

export const NO_SHARED = {
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
  shared_blocks: 0,
  shared_chunk: 0,
};

export function sharedParams(
  begin: number,
  { asked, keys, dk, dv, isCausal, unasked, chunked }: SharedPrefix,
  { slice, rows }: Plan,
) {
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
    shared_blocks: Math.ceil(nth(dk.shape, 0) / rows),
    shared_chunk: chunked?.size ?? 0,
  };
}

/**
 * Whether a prefix of `rows` can join the sequences in one dispatch of a pass, which then has more workgroups: as queries that attend to each other, in
 * `dkv` as keys, whose queries may go in `chunks`.
 */
export function canShare(problem: AttentionProblem, pass: Pass, depth: number, rows: number, chunks = 1): boolean {
  const plan = planOf(problem, pass, depth);
  const [part, ...others] = plan.parts;
  return (
    plan.sharesPrefix && part !== undefined && others.length === 0 && sharedGrid(problem, plan, part, rows, chunks) !== undefined
  );
}

/** The grid with the blocks of a prefix of `rows`, as many for each chunk, after those of the sequences; undefined where they do not fit in. */
export function sharedGrid(
  { batch }: AttentionProblem,
  plan: Plan,
  { grid: [x = 1, y = 1, z = 1] }: Part,
  rows: number,
  chunks = 1,
): { readonly grid: readonly number[]; readonly begin: number } | undefined {
  const blocks = Math.ceil(rows / plan.rows);
  const { block_count } = plan.params;
  if (block_count === 0)
    return blocks <= x && z + chunks <= MOST_WORKGROUPS ? { grid: [x, y, z + chunks], begin: batch } : undefined;
  if (x * z < MOST_WORKGROUPS - blocks * chunks) return { grid: [block_count + blocks * chunks, y, 1], begin: block_count };
  return undefined;
}

/** The grid of a part, with the blocks of a prefix that is asked. */
export function askingGrid(problem: AttentionProblem, plan: Plan, part: Part, asksPrefix: boolean): readonly number[] {
  return (asksPrefix && sharedGrid(problem, plan, part, problem.prefixLength)?.grid) || part.grid;
}
