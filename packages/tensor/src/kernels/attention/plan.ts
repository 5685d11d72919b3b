/** Which kernel variant of fused attention serves a problem, and how it is compiled. */
import { wgsl } from '@mudpt/shaders';
import type { Device } from '../../device.ts';
import type { Choice } from '../../engine/tuner.ts';
import { type Kernel, kernel } from '../kernel.ts';
import { flashDefines, type FlashVariant, flashVariants, isFlash } from './flash.ts';
import type { AttentionProblem } from './problem.ts';

/** Kernel variants of fused attention. */
export type Variant = 'subgroup' | 'tile' | FlashVariant;

/** Invocations of a workgroup of the tile variant. */
const TILE_LANES = 32;

/** What the order of variants depends on. */
export type Extent = { readonly depth: number; readonly queries: number; readonly packed: boolean };

/** Rows of a block of the subgroup variant; with fewer queries a taller tile has idle rows only. */
const FEW_QUERIES = 16;
const MANY_QUERIES = 256;
/** An image of ViT-B/16. */
const USUAL: Extent = { depth: 64, queries: 197, packed: false };

/**
 * Variants that run on this device, the presumably best first: on GPUs tall tiles that share staged keys, unless most of their rows would be idle
 * (few queries; packed sequences are short); on CPU adapters broadcasts within a subgroup. The same tiling through workgroup memory runs within
 * WebGPU's default limits, and beats broadcasts on an H100 by a quarter to a half.
 */
export function fusedVariants(device: Device, extent: Extent = USUAL): readonly Variant[] {
  const small: Variant[] = device.subgroupSize > 0 ? ['subgroup', 'tile'] : ['tile'];
  const { depth, queries, packed } = extent;
  const flash = flashVariants(device, depth, packed);
  if (device.adapter.kind !== 'gpu') return [...small, ...flash];
  const [tile = 'tile', ...others] = small.toReversed();
  if (packed || queries <= FEW_QUERIES) return [tile, ...flash, ...others];
  return [...(queries > MANY_QUERIES ? flash.toReversed() : flash), tile, ...others];
}

/** Register tile of one subgroup. */
type Tile = { readonly rows: number; readonly keys: number };

/** The three passes. */
type Kernels = { readonly forward: Kernel; readonly dq: Kernel; readonly dkv: Kernel };

/** One subgroup, or 32 invocations, a workgroup. */
const smallKernels: Kernels = {
  forward: kernel({ name: 'attention.forward', source: wgsl['attention/forward.wgsl'] }),
  dq: kernel({ name: 'attention.dq', source: wgsl['attention/dq.wgsl'] }),
  dkv: kernel({ name: 'attention.dkv', source: wgsl['attention/dkv.wgsl'] }),
};
const flashKernels: Kernels = {
  forward: kernel({ name: 'attention.flash.forward', source: wgsl['attention/flash.forward.wgsl'] }),
  dq: kernel({ name: 'attention.flash.dq', source: wgsl['attention/flash.dq.wgsl'] }),
  dkv: kernel({ name: 'attention.flash.dkv', source: wgsl['attention/flash.dkv.wgsl'] }),
};

type Defines = Record<string, string | number>;

/** Head dimensions up to each of these share pipelines: the sizes of models in use, and their halves. */
const DEPTHS = [64, 128] as const;

const sharedDepth = (depth: number): 64 | 128 => (depth <= DEPTHS[0] ? DEPTHS[0] : DEPTHS[1]);

/** Variants that run a problem, and its class. */
export function attentionChoice(device: Device, extent: Extent): Choice<Variant> {
  const { depth, queries, packed } = extent;
  const kind = packed ? 'packed' : queries > MANY_QUERIES ? 'long' : 'short';
  return { candidates: fusedVariants(device, extent), key: `${kind}/${sharedDepth(depth)}` };
}

/** How one lane's share of the head dimension is cut: SLICE elements at a time, COLUMNS times; `split` as attention/subgroup.wgsl has it. */
function sliceOf(lanes: number, whole: number, depth: number): { SLICE: 2 | 4; COLUMNS: number; split: 0 | 1 } {
  const SLICE = whole / 2 <= lanes ? 2 : 4;
  const COLUMNS = Math.ceil(whole / SLICE / lanes);
  return { SLICE, COLUMNS, split: 2 * depth <= COLUMNS * lanes * SLICE ? 1 : 0 };
}

/** Tall tiles reuse each loaded key longest; long heads leave fewer registers for rows. Barriers, and SwiftShader
 * (4 lanes), make compilation of tall tiles take many seconds. */
function tileOf(variant: Variant, lanes: number, columns: number): Tile {
  if (variant === 'tile' || lanes < 8) return { rows: 8, keys: 1 };
  return { rows: columns <= 2 ? 16 : 8, keys: lanes <= 16 ? 2 : 1 };
}

/** Which pipeline serves a problem, and what it is told of it. */
export type Plan = {
  readonly kernels: Kernels;
  readonly defines: Defines & { readonly ROWS: number };
  /** Elements that results are written by. */
  readonly slice: 2 | 4;
  readonly lanes: number;
  /** Parameters of all three kernels. */
  readonly shared: { readonly depth: number; readonly causal_offset: number; readonly split: 0 | 1 };
};

/** More keys than there are, and a sum with them stays below 2^32. */
const ALL_KEYS = 0x7fffffff;

/** @param depth padded head dimension; @param out dtype of what is written */
export function planOf(problem: AttentionProblem, depth: number, out: string): Plan {
  const { device, causal, queries } = problem;
  const whole = sharedDepth(depth);
  const { candidates, key } = attentionChoice(device, { depth: problem.depth, queries, packed: problem.sequences !== undefined });
  const variant = device.tuner.choose('attention', candidates, key);
  const causal_offset = causal ? 0 : ALL_KEYS;
  if (isFlash(variant)) {
    const defines = { T: problem.dtype, OUT: out, ...flashDefines(variant, depth) };
    return { kernels: flashKernels, defines, slice: 4, lanes: 0, shared: { depth: depth / 4, causal_offset, split: 0 } };
  }
  const isTile = variant === 'tile';
  const lanes = isTile ? TILE_LANES : device.subgroupSize;
  const { split, ...slice } = sliceOf(lanes, whole, depth);
  const { rows, keys } = tileOf(variant, lanes, slice.COLUMNS);
  const tile: Defines = isTile ? { TILE: 1, DEPTH: whole / 4 } : { TILE: 0 };
  return {
    kernels: smallKernels,
    defines: { T: problem.dtype, OUT: out, ...tile, ROWS: rows, KEYS: keys, ...slice },
    slice: slice.SLICE,
    lanes,
    shared: { depth: depth / 4, causal_offset, split: isTile || lanes < 8 ? 0 : split },
  };
}
