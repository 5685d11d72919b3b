/** Launches of reductions: any axes of any view become one strided loop for each output, split in chunks where outputs are few. */
import { argreduceWgsl, mathBaseWgsl, mathPowerWgsl, reduceMomentsWgsl, reduceWgsl } from '@mudpt/shaders';
import type { Device } from '../device.ts';
import { bytesPerElement, type DType, wgslType } from '../dtype.ts';
import type { Choice } from '../engine/tuner.ts';
import { grid1d, type Kernel, kernel } from './kernel.ts';
import { collapse, MAX_RANK, normalizeAxes, padFront, type Shape } from '../shape.ts';
import { alias, empty, view } from '../definition/views.ts';
import type { Tensor } from '../tensor.ts';
import { contiguous } from './copy.ts';
import { nth } from '../values.ts';

/** How the result of a reduction is shaped. */
export type ReduceOptions = {
  /** Keep reduced axes with size 1. Default false. */
  readonly keepdim?: boolean;
};
/** One axis, several, or (undefined) all. */
export type Axes = number | readonly number[] | undefined;

export type Recipe = {
  /** Appears in errors and profiles. */
  readonly name: string;
  readonly op: 'sum' | 'prod' | 'max' | 'min';
  readonly result: DType;
  /** WGSL of the element x and `center`; default x. */
  readonly map?: string;
  /** WGSL of the combination a, of n and `center`; default a. */
  readonly finish?: string;
  /** f32, contiguous, one element an output. */
  readonly center?: Tensor;
  readonly n?: number;
  /** Sums that are kept of every output, as a vector of f32; `map` and `finish` take and give vectors, the last `finish` a number. Default: one. */
  readonly terms?: 2 | 4;
  /** One with the functions that `map` and `finish` call, and with math.base.wgsl where floats are compared. Default: none. */
  readonly kernel?: Kernel;
};

const reduceKernel = kernel({ name: 'reduce', source: reduceWgsl });
/** The kernel with the functions of math.base.wgsl. */
export const reduceWithMath = kernel({ name: 'reduce', source: reduceWgsl, library: [mathBaseWgsl] });
/** The kernel with those of reduce.moments.wgsl, for recipes of several terms. */
export const reduceWithMoments = kernel({ name: 'reduce', source: reduceWgsl, library: [reduceMomentsWgsl] });
/** The kernel with those of math.base.wgsl and math.power.wgsl. */
export const reduceWithPowers = kernel({ name: 'reduce', source: reduceWgsl, library: [mathBaseWgsl, mathPowerWgsl] });
const argKernel = kernel({ name: 'argreduce', source: argreduceWgsl });

/** Elements one lane combines before a second pass takes over, and the least that is worth a chunk. */
const MOST_A_LANE = 4096;
const LEAST_A_LANE = 64;
/** Outputs times chunks that keep any adapter busy. */
const ENOUGH_TASKS = 4096;

/** A reduction in the form that the kernels take. */
type Problem = {
  /** The tensor to read; the caller disposes it. */
  readonly source: Tensor;
  readonly outputs: number;
  readonly length: number;
  readonly stride: number;
  readonly shape: readonly number[];
  readonly strides: readonly number[];
};

/** Shape of the result of reducing `axes` of `shape`. */
export function reducedShape(shape: Shape, axes: readonly number[], keepdim = false): number[] {
  return keepdim ? shape.map((size, axis) => (axes.includes(axis) ? 1 : size)) : shape.filter((_, axis) => !axes.includes(axis));
}

/** Number of elements that make one output. */
export function reducedLength(shape: Shape, axes: readonly number[]): number {
  return axes.reduce((product, axis) => product * nth(shape, axis), 1);
}

function pose(x: Tensor, axes: readonly number[]): Problem {
  const kept = x.shape.map((_, axis) => axis).filter((axis) => !axes.includes(axis));
  const pick = (list: readonly number[], which: readonly number[]): number[] => which.map((axis) => nth(list, axis));
  const reduced = collapse(pick(x.shape, axes), [pick(x.strides, axes)]);
  const outer = collapse(pick(x.shape, kept), [pick(x.strides, kept)]);
  const length = reducedLength(x.shape, axes);
  const outputs = kept.reduce((product, axis) => product * nth(x.shape, axis), 1);
  if (reduced.shape.length > 1 && x.size > 0) {
    // Several loops do not fit one stride: bring the reduced axes together, after the kept ones.
    const order = [...kept, ...axes];
    using turned = view(x, { shape: pick(x.shape, order), strides: pick(x.strides, order) });
    return { source: contiguous(turned), outputs, length, stride: 1, shape: [outputs], strides: [length] };
  }
  return {
    source: alias(x),
    outputs,
    length,
    stride: reduced.strides[0]?.[0] ?? 0,
    shape: outer.shape,
    strides: outer.strides[0] ?? [],
  };
}

function geometry(problem: Problem, chunk: number, chunks: number): Record<string, number | number[]> {
  return {
    outputs: problem.outputs,
    chunks,
    chunk,
    length: problem.length,
    n: problem.length,
    count: problem.length,
    offset: problem.source.offset,
    stride: problem.stride >>> 0,
    shape: padFront(problem.shape, MAX_RANK, 1),
    strides: padFront(problem.strides, MAX_RANK, 0).map((stride) => stride >>> 0),
  };
}

/** All variants of reduce.wgsl. */
export const REDUCE_VARIANTS = ['thread', 'few', 'subgroup', 'tree'] as const;
type Variant = (typeof REDUCE_VARIANTS)[number];

/** The inputs of the choice of variant: outputs, the stride of their elements, and the stride between outputs. */
type Layout = Pick<Problem, 'outputs' | 'length' | 'stride' | 'strides'>;

/** Variants that run a reduction, and its class. */
export function reduceChoice(device: Device, { outputs, length, stride, strides }: Layout): Choice<Variant> {
  const shared: Variant[] = device.subgroupSize > 0 ? ['subgroup', 'tree'] : ['tree'];
  const neighbour = Math.abs(strides.at(-1) ?? length);
  const isCoalesced = Math.abs(stride) < neighbour;
  const onGpu = device.adapter.kind === 'gpu' && isCoalesced && length >= 32;
  const alone: Variant[] = device.adapter.kind === 'gpu' ? ['thread', 'few'] : ['few', 'thread'];
  const candidates: Variant[] = onGpu ? [...shared, ...alone] : [...alone, ...shared];
  return { candidates, key: `${isCoalesced ? 'row' : 'column'}/${outputs > 4096 ? 'many' : 'few'}` };
}

/** Reduces `axes` (normalised) of `x` by `recipe`. */
export function reduce(x: Tensor, axes: readonly number[], keepdim: boolean | undefined, recipe: Recipe): Tensor {
  const shape = reducedShape(x.shape, axes, keepdim);
  const out = empty(x.device, shape, recipe.result);
  const problem = pose(x, axes);
  try {
    reduceStage(problem, recipe, out);
  } finally {
    problem.source.dispose();
  }
  return out;
}

/** @param first the length of what the problem's source was made of, where that is partial results */
function reduceStage(problem: Problem, recipe: Recipe, out: Tensor, first?: number): void {
  const { source, outputs, length } = problem;
  const { device } = source;
  const { candidates, key } = reduceChoice(device, problem);
  const variant = device.tuner.choose('reduce', candidates, key);
  const lanes = variant === 'thread' || variant === 'few' ? 1 : variant === 'tree' ? 64 : device.subgroupSize;
  const wanted = Math.max(1, Math.ceil(ENOUGH_TASKS / (Math.max(1, outputs) * lanes)));
  const chunk = Math.max(LEAST_A_LANE * lanes, Math.min(MOST_A_LANE * lanes, Math.ceil(length / wanted)));
  const chunks = Math.max(1, Math.ceil(length / chunk));
  const isLast = chunks === 1;
  const arithmetic = source.dtype === 'i32' ? 'i32' : source.dtype === 'u32' || source.dtype === 'bool' ? 'u32' : 'f32';
  const isReal = arithmetic === 'f32' || recipe.result === 'f32';
  const { terms } = recipe;
  const whole = isReal ? 'f32' : recipe.result === 'i32' ? 'i32' : arithmetic;
  const A = terms ? `vec${terms}f` : whole;
  const partial = isLast ? undefined : empty(device, terms ? [chunks, outputs, terms] : [chunks, outputs], whole);
  const target = partial ?? out;
  const finish = isLast ? (recipe.finish ?? 'a') : 'a';
  const map = recipe.map ?? 'x';
  const usesCenter = recipe.center !== undefined && `${map} ${finish}`.includes('center');
  const callsMath = `${map} ${finish}`.includes('math_') || (A === 'f32' && (recipe.op === 'max' || recipe.op === 'min'));
  const launched = ((terms || callsMath) && recipe.kernel) || reduceKernel;
  launched.dispatch(device, {
    buffers: { x_values: source, result: target, ...(usesCenter && recipe.center ? { centers: recipe.center } : {}) },
    params: { ...geometry(problem, chunk, chunks), n: recipe.n ?? first ?? length, count: first ?? length },
    grid: grid1d(outputs * chunks, variant === 'thread' ? 64 : variant === 'few' ? 8 : 1),
    defines: {
      T: terms && first !== undefined ? A : wgslType(source.dtype),
      A,
      TR: terms && partial ? A : wgslType(target.dtype),
      OP: recipe.op,
      MAP: map,
      FINISH: finish,
      CENTER: usesCenter ? 1 : 0,
      VARIANT: variant,
    },
    flops: source.size,
    bytes: outputs * length * bytesPerElement(source.dtype),
  });
  if (!partial) return;
  const rest: Problem = { source: partial, outputs, length: chunks, stride: outputs, shape: [outputs], strides: [1] };
  reduceStage(rest, { ...recipe, map: 'x' }, out, first ?? length);
  partial.dispose();
}

/** Positions (i32) of the first largest or smallest element along `axes`, counted in row-major order of these axes. */
export function argReduce(x: Tensor, axes: readonly number[], keepdim: boolean | undefined, best: 'max' | 'min'): Tensor {
  const { device } = x;
  const out = empty(device, reducedShape(x.shape, axes, keepdim), 'i32');
  const problem = pose(x, axes);
  const { source, outputs, length } = problem;
  const wanted = Math.max(1, Math.ceil(ENOUGH_TASKS / Math.max(1, outputs)));
  const chunk = Math.max(LEAST_A_LANE, Math.ceil(length / wanted));
  const chunks = Math.max(1, Math.ceil(length / chunk));
  const T = wgslType(source.dtype);
  const defines = { T, A: T === 'f16' ? 'f32' : T, BEST: best };
  const bytes = outputs * length * bytesPerElement(source.dtype);
  const dispatch = (result: Tensor, size: number, count: number, total: number, candidates?: Tensor): void =>
    argKernel.dispatch(device, {
      buffers: { x_values: source, result, ...(candidates ? { candidates } : {}) },
      params: { ...geometry(problem, size, count), length: total },
      grid: grid1d(outputs * count, 64),
      defines: { ...defines, CANDIDATES: candidates ? 1 : 0 },
      flops: outputs * total,
      bytes: candidates ? 8 * outputs * total : bytes,
    });
  if (chunks === 1) dispatch(out, chunk, 1, length);
  else {
    using partial = empty(device, [chunks, outputs], 'i32');
    dispatch(partial, chunk, chunks, length);
    dispatch(out, chunks, 1, chunks, partial);
  }
  source.dispose();
  return out;
}

/** Checks and normalises the axes of `op`. */
export function axesOf(op: string, x: Tensor, axes: Axes): number[] {
  x.expectLive(op);
  return normalizeAxes(op, axes, x.shape);
}
