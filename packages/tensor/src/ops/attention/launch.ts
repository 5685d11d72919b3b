/** The three passes of fused attention as launches of a kernel variant; what all variants share is decided here. */
import { grid1d } from '../../kernel.ts';
import type { Tensor } from '../../tensor.ts';
import { planOf } from './plan.ts';
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

/** Where queries, keys and values lie, and those of the prefix. */
function inputGeometry({ q, k, v, prefix }: KernelInputs) {
  return {
    q: geometryOf(q),
    k: geometryOf(k),
    v: geometryOf(v),
    prefixK: prefix ? geometryOf(prefix.first) : NOWHERE,
    prefixV: prefix ? geometryOf(prefix.second) : NOWHERE,
  };
}

export function launchForward(problem: AttentionProblem, inputs: KernelInputs, out: Tensor, lse: Tensor): void {
  const { device, prefixLength } = problem;
  const { q, k, v, prefix } = inputs;
  const depth = q.shape.at(-1) ?? 0;
  const { kernels, defines, slice, shared } = planOf(problem, depth, problem.dtype);
  const { grid, blocks, entries } = gridOf(problem, problem.queries, defines.ROWS, q);
  kernels.forward.dispatch(device, {
    buffers: { q, k, v, out, lse, blocks, ...(prefix && { prefix: prefix.storage }) },
    params: {
      ...inputGeometry(inputs),
      out: geometryOf(out, slice),
      lse: rowGeometry(problem),
      queries: problem.queries,
      keys: problem.keys,
      prefix: prefixLength,
      ...shared,
      blocks: entries,
      scale: problem.scale * Math.LOG2E,
    },
    grid,
    defines: { ...defines, PREFIX: prefix ? 1 : 0 },
    flops: 4 * problem.heads * pairsOf(problem) * problem.depth,
  });
}

export function launchQueryGradient(problem: AttentionProblem, inputs: BackwardInputs, dq: Tensor): void {
  const { device, prefixLength } = problem;
  const { q, k, v, prefix, grad, stats } = inputs;
  const depth = q.shape.at(-1) ?? 0;
  const { kernels, defines, slice, lanes, shared } = planOf(problem, depth, problem.dtype);
  const { grid, blocks, entries } = gridOf(problem, problem.queries, defines.ROWS, q);
  const withPrefix = prefix !== undefined || lanes === BRANCHING_LANES;
  kernels.dq.dispatch(device, {
    buffers: { q, k, v, grad, stats, dq, blocks, ...(withPrefix && { prefix: prefix?.storage ?? k }) },
    params: {
      ...inputGeometry(inputs),
      grad: geometryOf(grad),
      dq: geometryOf(dq, slice),
      stats: rowGeometry(problem),
      queries: problem.queries,
      keys: problem.keys,
      prefix: prefixLength,
      ...shared,
      blocks: entries,
      scale: problem.scale,
    },
    grid,
    defines: { ...defines, PREFIX: withPrefix ? 1 : 0 },
    flops: 6 * problem.heads * pairsOf(problem) * problem.depth,
  });
}

/** Gradients of a sequence's own keys and values. `dkv` are two geometries in one buffer. */
export function launchKeyGradient(problem: AttentionProblem, inputs: BackwardInputs, dkv: Pair): void {
  const { device } = problem;
  const { q, k, v, grad, stats } = inputs;
  const depth = q.shape.at(-1) ?? 0;
  const { kernels, defines, slice, shared } = planOf(problem, depth, problem.dtype);
  const { grid, blocks, entries } = gridOf(problem, problem.keys, defines.ROWS, q);
  kernels.dkv.dispatch(device, {
    buffers: { q, k, v, grad, stats, dkv: dkv.storage, blocks },
    params: {
      q: geometryOf(q),
      k: geometryOf(k),
      v: geometryOf(v),
      grad: geometryOf(grad),
      dk: geometryOf(dkv.first, slice),
      dv: geometryOf(dkv.second, slice),
      stats: rowGeometry(problem),
      queries: problem.queries,
      rows: problem.batch * problem.queries,
      keys: problem.keys,
      ...shared,
      blocks: entries,
      scale: problem.scale,
    },
    grid,
    defines,
    flops: 8 * problem.heads * pairsOf({ ...problem, prefixLength: 0 }) * problem.depth,
  });
}

/**
 * Gradients of the shared prefix: its keys see every query of the batch, whatever sequence it is in. Queries are cut into chunks of `chunk`
 * rows; each writes its partial sums to `pieces` f32 [chunks, 2, P, H, D], to be added in order.
 */
export function launchPrefixGradient(
  problem: AttentionProblem,
  inputs: BackwardInputs,
  prefix: Pair,
  pieces: Tensor,
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
  kernels.dkv.dispatch(device, {
    buffers: { q, k: prefix.first, v: prefix.second, grad, stats, dkv: pieces, blocks: q },
    params: {
      q: chunked(geometryOf(q)),
      k: geometryOf(prefix.first),
      v: geometryOf(prefix.second),
      grad: chunked(geometryOf(grad)),
      dk: place(0),
      dv: place(1),
      stats: chunked(rowGeometry(problem)),
      queries: chunk,
      rows,
      keys: prefixLength,
      ...shared,
      blocks: 0,
      scale: problem.scale,
    },
    grid: [Math.ceil(prefixLength / defines.ROWS), heads, Math.ceil(rows / chunk)],
    defines,
    flops: 8 * heads * rows * prefixLength * problem.depth,
  });
}
