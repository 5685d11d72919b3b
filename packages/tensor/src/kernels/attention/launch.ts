/** The three passes of fused attention as launches of a kernel variant; what all variants share is decided here. */
import { grid1d } from '../kernel.ts';
import type { Tensor } from '../../tensor.ts';
import { type Part, partsOf, shifted } from './parts.ts';
import { type Plan, planOf } from './plan.ts';
import { pairsOf, type AttentionProblem } from './problem.ts';
import { geometryOf, type Geometry, type Pair } from './quads.ts';

/** Subgroups of this size (lavapipe) skip a branch that no lane takes: there dq reads a prefix or none in one pipeline. */
const BRANCHING_LANES = 8;

/** Inputs as the kernels read them: head dimension padded to a multiple of 4. */
export type KernelInputs = {
  readonly q: Tensor;
  readonly k: Tensor;
  readonly v: Tensor;
  readonly prefix: Pair | undefined;
};

export type BackwardInputs = KernelInputs & { readonly grad: Tensor; readonly stats: Tensor };

/**
 * Row blocks by heads by batches; for packed rows the entries of the block table, folded into z.
 * @param unused bound in the table's place where there is none
 */
function gridOf(
  problem: AttentionProblem,
  rows: number,
  height: number,
  unused: Tensor,
): { grid: number[]; blocks: Tensor; entries: number } {
  const table = problem.sequences?.table(height);
  if (!table) return { grid: [Math.ceil(rows / height), problem.heads, problem.batch], blocks: unused, entries: 0 };
  const [x, z] = grid1d(table.entries, 1);
  return { grid: table.entries === 0 ? [0] : [x, problem.heads, z], blocks: table.tensor, entries: table.entries };
}

const NOWHERE: Geometry = [0, 0, 0, 0];

/** [B, T, H] in units of one row's entry. */
function rowGeometry(problem: AttentionProblem): Geometry {
  return [0, problem.queries * problem.heads, problem.heads, 1];
}

/** Where queries, keys and values lie for a part that begins at query `row`, and those of the prefix. */
function inputGeometry({ q, k, v, prefix }: KernelInputs, part: Part, row: number) {
  return {
    q: shifted(geometryOf(q), part, row),
    k: shifted(geometryOf(k), part, 0),
    v: shifted(geometryOf(v), part, 0),
    prefix_k: prefix ? shifted(geometryOf(prefix.first), part, 0) : NOWHERE,
    prefix_v: prefix ? shifted(geometryOf(prefix.second), part, 0) : NOWHERE,
  };
}

/** What kernels that own rows of queries are told of a part: the queries from its first row on, which see as many more keys. */
function queryParams({ queries, keys, prefixLength }: AttentionProblem, shared: Plan['shared'], row: number) {
  return { queries: queries - row, keys, prefix_len: prefixLength, ...shared, causal_offset: shared.causal_offset + row };
}

export function launchForward(problem: AttentionProblem, inputs: KernelInputs, out: Tensor, lse: Tensor): void {
  const { device } = problem;
  const { q, k, v, prefix } = inputs;
  const depth = q.shape.at(-1) ?? 0;
  const { kernels, defines, slice, shared } = planOf(problem, depth, problem.dtype);
  const { grid, blocks, entries } = gridOf(problem, problem.queries, defines.ROWS, q);
  const parts = partsOf(device, grid, entries > 0);
  for (const part of parts) {
    const row = part.block * defines.ROWS;
    kernels.forward.dispatch(device, {
      buffers: { q, k, v, out, lse, blocks, ...(prefix && { prefix: prefix.storage }) },
      params: {
        ...inputGeometry(inputs, part, row),
        out: shifted(geometryOf(out, slice), part, row),
        lse: shifted(rowGeometry(problem), part, row),
        ...queryParams(problem, shared, row),
        block_count: entries,
        scale: problem.scale * Math.LOG2E,
      },
      grid: part.grid,
      defines: { ...defines, PREFIX: prefix ? 1 : 0 },
      flops: (4 * problem.heads * pairsOf(problem) * problem.depth) / parts.length,
    });
  }
}

export function launchQueryGradient(problem: AttentionProblem, inputs: BackwardInputs, dq: Tensor): void {
  const { device } = problem;
  const { q, k, v, prefix, grad, stats } = inputs;
  const depth = q.shape.at(-1) ?? 0;
  const { kernels, defines, slice, lanes, shared } = planOf(problem, depth, problem.dtype);
  const { grid, blocks, entries } = gridOf(problem, problem.queries, defines.ROWS, q);
  const withPrefix = prefix !== undefined || lanes === BRANCHING_LANES;
  const parts = partsOf(device, grid, entries > 0);
  for (const part of parts) {
    const row = part.block * defines.ROWS;
    kernels.dq.dispatch(device, {
      buffers: { q, k, v, grad, stats, dq, blocks, ...(withPrefix && { prefix: prefix?.storage ?? k }) },
      params: {
        ...inputGeometry(inputs, part, row),
        grad: shifted(geometryOf(grad), part, row),
        dq: shifted(geometryOf(dq, slice), part, row),
        stats: shifted(rowGeometry(problem), part, row),
        ...queryParams(problem, shared, row),
        block_count: entries,
        scale: problem.scale,
      },
      grid: part.grid,
      defines: { ...defines, PREFIX: withPrefix ? 1 : 0 },
      flops: (6 * problem.heads * pairsOf(problem) * problem.depth) / parts.length,
    });
  }
}

/** Gradients of a sequence's own keys and values. `dkv` are two geometries in one buffer. */
export function launchKeyGradient(problem: AttentionProblem, inputs: BackwardInputs, dkv: Pair): void {
  const { device } = problem;
  const { q, k, v, grad, stats } = inputs;
  const depth = q.shape.at(-1) ?? 0;
  const { kernels, defines, slice, shared } = planOf(problem, depth, problem.dtype);
  const { grid, blocks, entries } = gridOf(problem, problem.keys, defines.ROWS, q);
  const parts = partsOf(device, grid, entries > 0);
  for (const part of parts) {
    const row = part.block * defines.ROWS;
    // No query before its own row sees a causal key: a part of the keys begins at the same query.
    const first = problem.causal ? Math.min(row, problem.queries) : 0;
    kernels.dkv.dispatch(device, {
      buffers: { q, k, v, grad, stats, dkv: dkv.storage, blocks },
      params: {
        q: shifted(geometryOf(q), part, first),
        k: shifted(geometryOf(k), part, row),
        v: shifted(geometryOf(v), part, row),
        grad: shifted(geometryOf(grad), part, first),
        dk: shifted(geometryOf(dkv.first, slice), part, row),
        dv: shifted(geometryOf(dkv.second, slice), part, row),
        stats: shifted(rowGeometry(problem), part, first),
        queries: problem.queries - first,
        rows: (problem.batch - part.batch) * (problem.queries - first),
        keys: problem.keys - row,
        ...shared,
        block_count: entries,
        scale: problem.scale,
      },
      grid: part.grid,
      defines,
      flops: (8 * problem.heads * pairsOf({ ...problem, prefixLength: 0 }) * problem.depth) / parts.length,
    });
  }
}

/**
 * Gradients of the shared prefix: its keys see every query of the batch, whatever sequence it is in. Queries are cut into chunks of `chunk`
 * rows; each writes its partial sums to `partials` f32 [chunks, 2, P, H, D], to be added in order.
 */
export function launchPrefixGradient(
  problem: AttentionProblem,
  inputs: BackwardInputs,
  prefix: Pair,
  partials: Tensor,
  chunk: number,
): void {
  const { device, heads, prefixLength } = problem;
  const { q, grad, stats } = inputs;
  const depth = q.shape.at(-1) ?? 0;
  const rows = problem.batch * problem.queries;
  const { kernels, defines, slice, shared } = planOf({ ...problem, causal: false }, depth, 'f32');
  const chunked = ([offset, , row, head]: Geometry): Geometry => [offset, row * chunk, row, head];
  const place = (part: number): Geometry => {
    const unit = slice;
    const half = prefixLength * heads * depth;
    return [(part * half) / unit, (2 * half) / unit, (heads * depth) / unit, depth / unit];
  };
  const parts = partsOf(device, [Math.ceil(prefixLength / defines.ROWS), heads, Math.ceil(rows / chunk)], false);
  for (const part of parts) {
    const row = part.block * defines.ROWS;
    kernels.dkv.dispatch(device, {
      buffers: { q, k: prefix.first, v: prefix.second, grad, stats, dkv: partials, blocks: q },
      params: {
        q: shifted(chunked(geometryOf(q)), part, 0),
        k: shifted(geometryOf(prefix.first), part, row),
        v: shifted(geometryOf(prefix.second), part, row),
        grad: shifted(chunked(geometryOf(grad)), part, 0),
        dk: shifted(place(0), part, row),
        dv: shifted(place(1), part, row),
        stats: shifted(chunked(rowGeometry(problem)), part, 0),
        queries: chunk,
        rows: rows - part.batch * chunk,
        keys: prefixLength - row,
        ...shared,
        block_count: 0,
        scale: problem.scale,
      },
      grid: part.grid,
      defines,
      flops: (8 * heads * rows * prefixLength * problem.depth) / parts.length,
    });
  }
}
