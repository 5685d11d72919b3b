/** The pass of fused attention whose blocks are keys, launched as its plan says, part by part: gradients of keys and values, and those of a prefix. */
import type { Tensor } from '../../tensor.ts';
import { lastOf, nth } from '../../values.ts';
import { type BackwardInputs, generalParams, maskBuffer, statsGeometry } from './launch-params.ts';
import { shifted } from './parts.ts';
import { planOf, prefixPlanOf } from './plan.ts';
import { pairsOf, type AttentionProblem } from './problem.ts';
import { geometryOf, type Geometry, type Pair } from './quads.ts';
import { NO_SHARED, type PrefixQueries, sharedGrid, type SharedPrefix, sharedParams } from './shared-prefix.ts';

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
    const partials = shared?.chunked?.partials;
    const grown = shared && sharedGrid(problem, plan, part, nth(shared.dk.shape, 0), partials?.shape[0]);
    const ofQueries = plan.isGeneral ? { ...part, head: 0 } : part; // general kernels count heads of queries from the first
    plan.kernel.dispatch(problem.device, {
      buffers: {
        q,
        k,
        v,
        grad,
        stats,
        dkv: dkv.storage,
        blocks: plan.blocks ?? q,
        ...maskBuffer(problem, plan, k),
        ...(partials && { partials }),
      },
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
      defines: partials ? { ...plan.defines, CHUNKED: 1 } : plan.defines,
      flops:
        (8 * problem.heads * pairsOf(shared ? problem : { ...problem, prefixLength: 0 }) * problem.depth) / plan.parts.length,
    });
  }
}

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
