/** The three passes of fused attention as launches of a kernel variant; what all variants share is decided here. */
import { wgsl } from '@mudpt/shaders';
import type { Device } from '../../device/device.ts';
import { grid1d, type Kernel, kernel } from '../../kernel.ts';
import type { Tensor } from '../../tensor.ts';
import { flashDefines, type FlashVariant, flashVariants, isFlash } from './flash.ts';
import { pairsOf, type AttentionProblem } from './problem.ts';
import { geometryOf, type Geometry, type Pair } from './quads.ts';

/** Kernel variants of fused attention. */
export type Variant = 'subgroup' | 'tile' | FlashVariant;

/** Invocations of a workgroup of the tile variant. */
const TILE_LANES = 32;

/** Subgroups of this size (lavapipe) skip a branch that no lane takes: there dq reads a prefix or none in one pipeline. */
const BRANCHING_LANES = 8;

/**
 * Variants that run on this device for heads of `depth`, the presumably best first: on GPUs tiles of many rows that share staged keys, then
 * broadcasts within a subgroup, or the same tiling through workgroup memory within WebGPU's default limits. Packed sequences are shorter than tall
 * tiles, most of whose rows would be idle.
 */
export function fusedVariants(device: Device, depth = 64, packed = false): readonly Variant[] {
  const small: Variant[] = device.subgroupSize > 0 ? ['subgroup', 'tile'] : ['tile'];
  const flash = flashVariants(device, depth, packed);
  if (device.adapter.kind !== 'gpu') return [...small, ...flash];
  return packed ? [...small.slice(0, 1), ...flash, ...small.slice(1)] : [...flash, ...small];
}

/** Inputs as the kernels read them: head dimension padded to a multiple of 4. */
export type KernelInputs = {
  readonly q: Tensor;
  readonly k: Tensor;
  readonly v: Tensor;
  readonly prefix: Pair | undefined;
};

export type BackwardInputs = KernelInputs & { readonly grad: Tensor; readonly stats: Tensor };

/** Register tile of one subgroup. */
type Tile = { readonly rows: number; readonly keys: number };

/** The three passes. */
type Kernels = { readonly forward: Kernel; readonly dq: Kernel; readonly dkv: Kernel };

/** One subgroup, or 32 invocations, a workgroup. */
const smallKernels: Kernels = {
  forward: kernel({ name: 'attention.forward', source: wgsl['attention.forward.wgsl'] }),
  dq: kernel({ name: 'attention.dq', source: wgsl['attention.dq.wgsl'] }),
  dkv: kernel({ name: 'attention.dkv', source: wgsl['attention.dkv.wgsl'] }),
};
const flashKernels: Kernels = {
  forward: kernel({ name: 'attention.flash.forward', source: wgsl['attention.flash.forward.wgsl'] }),
  dq: kernel({ name: 'attention.flash.dq', source: wgsl['attention.flash.dq.wgsl'] }),
  dkv: kernel({ name: 'attention.flash.dkv', source: wgsl['attention.flash.dkv.wgsl'] }),
};

type Defines = Record<string, string | number>;

/** Head dimensions up to each of these share pipelines: the sizes of models in use, and their halves. */
const DEPTHS = [64, 128] as const;

/** How one lane's share of the head dimension is cut: SLICE elements at a time, COLUMNS times; `apart` as attention.block.wgsl has it. */
function sliceOf(lanes: number, whole: number, depth: number): { SLICE: 2 | 4; COLUMNS: number; apart: 0 | 1 } {
  const SLICE = whole / 2 <= lanes ? 2 : 4;
  const COLUMNS = Math.ceil(whole / SLICE / lanes);
  return { SLICE, COLUMNS, apart: 2 * depth <= COLUMNS * lanes * SLICE ? 1 : 0 };
}

/** Tall tiles reuse each loaded key longest; long heads leave fewer registers for rows. Barriers, and SwiftShader
 * (4 lanes), make compilation of tall tiles take many seconds. */
function tileOf(variant: Variant, lanes: number, columns: number): Tile {
  if (variant === 'tile' || lanes < 8) return { rows: 8, keys: 1 };
  return { rows: columns <= 2 ? 16 : 8, keys: lanes <= 16 ? 2 : 1 };
}

/** Which pipeline serves a problem, and what it is told of it. */
type Plan = {
  readonly kernels: Kernels;
  readonly defines: Defines & { readonly ROWS: number };
  /** Elements that results are written by. */
  readonly slice: 2 | 4;
  readonly lanes: number;
  /** Parameters of all three kernels. */
  readonly shared: { readonly depth: number; readonly ahead: number; readonly apart: number };
};

/** More keys than there are, and a sum with them stays below 2^32. */
const ALL_KEYS = 0x7fffffff;

/** @param depth padded head dimension; @param out dtype of what is written */
function planOf(problem: AttentionProblem, depth: number, out: string): Plan {
  const { device, causal, sequences } = problem;
  const whole = depth <= DEPTHS[0] ? DEPTHS[0] : DEPTHS[1];
  const key = `${sequences ? 'packed' : problem.queries > 256 ? 'long' : 'short'}/${whole}`;
  const variant = device.tuner.choose('attention', fusedVariants(device, problem.depth, sequences !== undefined), key);
  const ahead = causal ? 0 : ALL_KEYS;
  if (isFlash(variant)) {
    const defines = { T: problem.dtype, OUT: out, ...flashDefines(variant, depth) };
    return { kernels: flashKernels, defines, slice: 4, lanes: 0, shared: { depth: depth / 4, ahead, apart: 0 } };
  }
  const isTile = variant === 'tile';
  const lanes = isTile ? TILE_LANES : device.subgroupSize;
  const { apart, ...slice } = sliceOf(lanes, whole, depth);
  const { rows, keys } = tileOf(variant, lanes, slice.COLUMNS);
  const tile: Defines = isTile ? { TILE: 1, DEPTH: whole / 4 } : { TILE: 0 };
  return {
    kernels: smallKernels,
    defines: { T: problem.dtype, OUT: out, ...tile, ROWS: rows, KEYS: keys, ...slice },
    slice: slice.SLICE,
    lanes,
    shared: { depth: depth / 4, ahead, apart: isTile || lanes < 8 ? 0 : apart },
  };
}

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
