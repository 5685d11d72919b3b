/** The plan of a pass of fused attention: kernel variant, how it is compiled, its parameters, its grid in parts. */
import { attentionDkvWgsl, attentionDqWgsl, attentionForwardWgsl } from '@mudpt/shaders';
import type { Device } from '../../device.ts';
import type { Choice } from '../../engine/tuner.ts';
import type { Tensor } from '../../tensor.ts';
import { grid1d, type Kernel, kernel } from '../kernel.ts';
import { flashDefines, flashKernel, type FlashVariant, flashVariants, isFlash, type Pass } from './flash.ts';
import { type Part, partsOf } from './parts.ts';
import type { AttentionProblem } from './problem.ts';

/** Kernel variants of fused attention. */
export type Variant = 'subgroup' | 'tile' | FlashVariant;

/** Invocations of a workgroup of the tile variant. */
const TILE_THREADS = 32;

/** The properties of a problem that decide the order of variants. */
export type Extent = { readonly depth: number; readonly queries: number; readonly packed: boolean };

/** Rows of a block of the subgroup variant; with fewer queries a taller tile has idle rows only. */
const FEW_QUERIES = 16;
/** From here on few rows of blocks of 64 are idle. */
const SOME_QUERIES = 128;
const MANY_QUERIES = 256;

/**
 * Variants of a pass that run on this device, the presumably best first: on GPUs tall tiles that share staged keys, unless most of their rows would be
 * idle (few queries; packed sequences are short); on CPU adapters broadcasts within a subgroup. The same tiling through workgroup memory runs within
 * WebGPU's default limits, and comes before broadcasts on GPUs (docs/kernels/attention.md). Both backward passes have the same ones, which the forward
 * has, too: only these can be forced for all three at once.
 */
export function fusedVariants(device: Device, extent: Extent, pass: Pass): readonly Variant[] {
  const small: Variant[] = device.subgroupSize > 0 ? ['subgroup', 'tile'] : ['tile'];
  const { depth, queries, packed } = extent;
  const flash = flashVariants(device, pass, depth, packed);
  if (device.adapter.kind !== 'gpu') return [...small, ...flash];
  const [tile = 'tile', ...others] = small.toReversed();
  if (packed || queries <= FEW_QUERIES) return [tile, ...flash, ...others];
  const best = BEST[pass === 'forward' && queries <= SOME_QUERIES ? 'short' : pass];
  return [...best.filter((variant) => flash.includes(variant)), tile, ...others];
}

/** Flash variants on an H200, the best first; `short`: forward of few queries. */
const BEST: Readonly<Record<Pass | 'short', readonly FlashVariant[]>> = {
  forward: ['wide64', 'flash64', 'flash32'],
  short: ['flash32', 'wide64', 'flash64'],
  dq: ['flash64', 'flash32'],
  dkv: ['flash64', 'flash32'],
};

export type { Pass };
type Kernels = Readonly<Record<Pass, Kernel>>;

/** A workgroup is one subgroup, or 32 invocations that exchange through workgroup memory. */
const subgroupKernels: Kernels = {
  forward: kernel({ name: 'attention.forward', source: attentionForwardWgsl }),
  dq: kernel({ name: 'attention.dq', source: attentionDqWgsl }),
  dkv: kernel({ name: 'attention.dkv', source: attentionDkvWgsl }),
};

/** Head dimensions up to each of these share pipelines: the sizes of models in use, and their halves. */
const DEPTHS = [64, 128] as const;

const sharedDepth = (depth: number): 64 | 128 => (depth <= DEPTHS[0] ? DEPTHS[0] : DEPTHS[1]);

/**
 * Variants that run a pass of a problem, and its class: on GPUs the passes prefer different ones, so that each has classes of its own; on CPU adapters
 * one choice serves all.
 */
export function attentionChoice(device: Device, extent: Extent, pass: Pass): Choice<Variant> {
  const { depth, queries, packed } = extent;
  const kind = packed ? 'packed' : queries > MANY_QUERIES ? 'long' : 'short';
  const key = `${kind}/${sharedDepth(depth)}`;
  return { candidates: fusedVariants(device, extent, pass), key: device.adapter.kind === 'gpu' ? `${pass}/${key}` : key };
}

/** How one thread's share of the head dimension is cut: SLICE elements at a time, COLUMNS times; `split` as attention/subgroup.wgsl has it. */
function sliceOf(threads: number, whole: number, depth: number): { SLICE: 2 | 4; COLUMNS: number; split: 0 | 1 } {
  const SLICE = whole / 2 <= threads ? 2 : 4;
  const COLUMNS = Math.ceil(whole / SLICE / threads);
  return { SLICE, COLUMNS, split: 2 * depth <= COLUMNS * threads * SLICE ? 1 : 0 };
}

/** Register tile of a workgroup. Tall tiles reuse each loaded key longest; long heads leave fewer registers for rows. Barriers, and SwiftShader
 * (subgroups of 4), make compilation of tall tiles take many seconds. */
function tileOf(variant: Variant, threads: number, columns: number): { readonly ROWS: number; readonly KEYS: number } {
  if (variant === 'tile' || threads < 8) return { ROWS: 8, KEYS: 1 };
  return { ROWS: columns <= 2 ? 16 : 8, KEYS: threads <= 16 ? 2 : 1 };
}

/** The kernel of a pass and its defines, and whether a head of this dimension is split between halves of the lanes. */
type Compiled = {
  readonly kernel: Kernel;
  readonly defines: Readonly<Record<string, string | number>> & { readonly ROWS: number };
  /** Elements that results are written by. */
  readonly slice: 2 | 4;
  readonly split: 0 | 1;
};

function compiledFor(variant: Variant, pass: Pass, device: Device, depth: number): Compiled {
  if (isFlash(variant))
    return { kernel: flashKernel(variant, pass), defines: flashDefines(variant, device, depth), slice: 4, split: 0 };
  const isTile = variant === 'tile';
  const threads = isTile ? TILE_THREADS : device.subgroupSize;
  const whole = sharedDepth(depth);
  const { split, ...slices } = sliceOf(threads, whole, depth);
  const tile: Readonly<Record<string, number>> = isTile ? { TILE: 1, DEPTH: whole / 4 } : { TILE: 0 };
  return {
    kernel: subgroupKernels[pass],
    defines: { ...tile, ...tileOf(variant, threads, slices.COLUMNS), ...slices },
    slice: slices.SLICE,
    split: isTile || threads < 8 ? 0 : split,
  };
}

/** How a pass is launched. */
export type Plan = {
  readonly kernel: Kernel;
  readonly defines: Readonly<Record<string, string | number>>;
  /** Rows of a block. */
  readonly rows: number;
  /** Elements that results are written by. */
  readonly slice: 2 | 4;
  /** Whether the kernel binds a prefix. */
  readonly hasPrefix: boolean;
  /** Parameters that do not differ between parts. */
  readonly params: {
    readonly depth: number;
    readonly causal_offset: number;
    readonly split: 0 | 1;
    readonly block_count: number;
  };
  /** Whether the kernel of dq forms the statistics of queries, which the pass dkv reads, and no other has to. */
  readonly formsStats: boolean;
  /** Whether the kernel also takes a prefix in one projection with the sequences: as keys in dkv, else as queries of causal packed rows. */
  readonly sharesPrefix: boolean;
  /** Whether the kernel knows grouped heads, windows and masks. */
  readonly isGeneral: boolean;
  /** The table of row blocks, of packed rows. */
  readonly blocks: Tensor | undefined;
  readonly parts: readonly Part[];
};

/** Larger than any number of keys, and small enough that a sum with one stays below 2^32. */
export const ALL_KEYS = 0x7fffffff;

/** Whether kernels may do work of neighbouring passes as well: SwiftShader compiles branches and loops around loads for minutes. */
const isEasyToCompile = ({ adapter }: Device): boolean => adapter.kind !== 'swiftshader';

/** Storage buffers that dq takes where it forms statistics; every device has 8. */
const STATS_BUFFERS = 10;

/** Subgroups of this size (lavapipe) skip a branch that no lane takes: there dq reads a prefix or none in one pipeline. */
const BRANCHING_SUBGROUP = 8;

/** The plan of a pass. @param depth padded head dimension */
export function planOf(problem: AttentionProblem, pass: Pass, depth: number): Plan {
  const { device, dtype, gradDType, batch, isGeneral, lastKey } = problem;
  const heads = pass === 'dkv' ? problem.keyHeads : problem.heads;
  const { variant, compiled } = chosenFor(problem, pass, depth);
  const { ROWS: rows } = compiled.defines;
  const table = problem.sequences?.table(rows);
  const [x, z] = table ? grid1d(table.entries, 1) : [Math.ceil((pass === 'dkv' ? problem.keys : problem.queries) / rows), batch];
  const block_count = table?.entries ?? 0; // without a table kernels count the blocks themselves
  const branches = pass === 'dq' && variant === 'subgroup' && device.subgroupSize === BRANCHING_SUBGROUP;
  const formsStats =
    pass === 'dq' && isEasyToCompile(device) && device.gpu.limits.maxStorageBuffersPerShaderStage >= STATS_BUFFERS;
  const sharesPrefix =
    pass === 'dkv'
      ? !isGeneral && !isFlash(variant) && isEasyToCompile(device)
      : !isGeneral && !isFlash(variant) && table !== undefined && lastKey === 0;
  const hasPrefix = pass !== 'dkv' && !isGeneral && (problem.prefix !== undefined || branches);
  return {
    kernel: compiled.kernel,
    defines: {
      T: dtype,
      ...(pass === 'forward' ? { OUT: dtype } : { G: gradDType, OUT: gradDType }),
      ...compiled.defines,
      ...(pass !== 'dkv' && { PREFIX: hasPrefix ? 1 : 0 }),
      ...(pass === 'dq' && { DELTA: formsStats ? 1 : 0 }),
      ...(pass === 'dkv' && !isFlash(variant) && { SHARED: sharesPrefix ? 1 : 0, CHUNKED: 0 }),
      GENERAL: isGeneral ? 1 : 0,
    },
    rows,
    slice: compiled.slice,
    hasPrefix,
    formsStats,
    sharesPrefix,
    isGeneral,
    params: {
      depth: depth / 4,
      causal_offset: isGeneral || lastKey === undefined ? ALL_KEYS : lastKey,
      split: compiled.split,
      block_count,
    },
    blocks: table?.tensor,
    parts: partsOf(device, [x, heads, z], block_count > 0),
  };
}

/** The plan of the gradient of a shared prefix: the pass dkv with the prefix as keys, seen by every query, and `chunks` of queries as batches. */
export function prefixPlanOf(problem: AttentionProblem, depth: number, chunks: number): Plan {
  const { device, dtype, gradDType, heads, prefixLength } = problem;
  const { variant, compiled } = chosenFor(problem, 'dkv', depth);
  const { ROWS: rows } = compiled.defines;
  return {
    kernel: compiled.kernel,
    defines: {
      T: dtype,
      G: gradDType,
      OUT: 'f32',
      ...compiled.defines,
      GENERAL: 0,
      ...(!isFlash(variant) && { SHARED: isEasyToCompile(device) ? 1 : 0, CHUNKED: 0 }),
    },
    rows,
    slice: compiled.slice,
    hasPrefix: false,
    formsStats: false,
    sharesPrefix: false,
    isGeneral: false,
    params: { depth: depth / 4, causal_offset: ALL_KEYS, split: compiled.split, block_count: 0 },
    blocks: undefined,
    parts: partsOf(device, [Math.ceil(prefixLength / rows), heads, chunks], false),
  };
}

function chosenFor(
  problem: AttentionProblem,
  pass: Pass,
  depth: number,
): { readonly variant: Variant; readonly compiled: Compiled } {
  const { device, queries, sequences } = problem;
  const { candidates, key } = attentionChoice(device, { depth: problem.depth, queries, packed: sequences !== undefined }, pass);
  const variant = device.tuner.choose('attention', candidates, key);
  return { variant, compiled: compiledFor(variant, pass, device, depth) };
}
