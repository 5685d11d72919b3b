/** Fused attention, forward and backward: memory in, passes launched, memory out. */
import { attentionDeltaWgsl, attentionReduceWgsl } from '@mudpt/shaders';
import { grid1d, kernel } from '../kernel.ts';
import type { Device } from '../../device.ts';
import { alias, empty, view } from '../../definition/views.ts';
import type { Tensor } from '../../tensor.ts';
import { nth, lastOf } from '../../values.ts';
import { contiguousCopy, copyInto } from '../copy.ts';
import { fill } from '../fill.ts';
import type { Shape } from '../../shape.ts';
import { launchKeyGradient, launchPrefixGradient, partialsTarget, type PrefixTarget, targetOf } from './launch-keys.ts';
import type { BackwardInputs, KernelInputs } from './launch-params.ts';
import { type ForwardResults, formsStats, launchForward, launchQueryGradient } from './launch-queries.ts';
import type { FloatDType } from '../../dtype.ts';
import type { AttentionProblem } from './problem.ts';
import {
  disposePair,
  emptyPairLike,
  geometryOf,
  isQuadAligned,
  narrowed,
  paddedDepth,
  type Pair,
  pairOf,
  quads,
} from './quads.ts';

const deltaKernel = kernel({ name: 'attention.delta', source: attentionDeltaWgsl });
const reduceKernel = kernel({ name: 'attention.reduce', source: attentionReduceWgsl });

/** Chunks that a GPU takes at once, and most queries of one: a step of the kernels, and as many as bound the number of sums. */
const GPU_CHUNKS = 32;
const GPU_CHUNK = { least: 32, most: 128 };

/**
 * Rows of a query chunk in the prefix gradient of `rows` queries: one workgroup walks through them, so they are few on GPUs, where all others are done
 * by then. The heads alone occupy a CPU adapter's cores, up to sums of so many rows that they would lose digits. Tests force others with
 * `tuner.force('attention.chunk', '512')`.
 */
export function prefixChunk({ adapter, tuner }: Device, rows: number): number {
  const { least, most } = GPU_CHUNK;
  const even = least * Math.ceil(rows / (GPU_CHUNKS * least));
  return Number(
    tuner.forcedVariant('attention.chunk') ?? (adapter.kind === 'gpu' ? Math.min(Math.max(even, least), most) : 4096),
  );
}

type Inputs = { readonly q: Tensor; readonly k: Tensor; readonly v: Tensor };
export type GradientName = 'q' | 'k' | 'v' | 'prefixK' | 'prefixV';
/** The requested gradients, each of its input's shape and of the problem's dtype of gradients. */
export type AttentionGradients = { [N in GradientName]?: Tensor };

function kernelInputs(problem: AttentionProblem, { q, k, v }: Inputs): KernelInputs {
  const prefix = problem.prefix && problem.prefixLength > 0 ? pairOf(problem.prefix.k, problem.prefix.v) : undefined;
  return { q: quads(q), k: quads(k), v: quads(v), prefix };
}

function disposeInputs({ q, k, v, prefix }: KernelInputs): void {
  for (const x of [q, k, v]) x.dispose();
  if (prefix) disposePair(prefix);
}

/** `x` with its true head dimension; the padded one is released. */
function cut(x: Tensor, depth: number): Tensor {
  if (x.shape.at(-1) === depth) return x;
  using padded = x;
  using inside = narrowed(padded, depth);
  return contiguousCopy(inside);
}

/** out [B, T, H, D] (or [N, H, D]) contiguous, lse [B, T, H] (or [N, H]) f32. */
export function fusedForward(problem: AttentionProblem, inputs: Inputs): { out: Tensor; lse: Tensor } {
  const { device, depth } = problem;
  const shape = inputs.q.shape;
  const prepared = kernelInputs(problem, inputs);
  const out = empty(device, [...shape.slice(0, -1), paddedDepth(depth)], problem.dtype);
  const lse = empty(device, shape.slice(0, -1), 'f32');
  launchForward(withoutEmptyPrefix(problem), prepared, { out, lse });
  disposeInputs(prepared);
  return { out: cut(out, depth), lse };
}

/** A prefix of no rows is no prefix: fewer pipelines. */
function withoutEmptyPrefix(problem: AttentionProblem): AttentionProblem {
  return problem.prefixLength > 0 ? problem : { ...problem, prefix: undefined };
}

export type Saved = Inputs & { readonly out: Tensor; readonly lse: Tensor; readonly grad: Tensor };
export type Needs = Readonly<Partial<Record<GradientName, boolean>>>;
export type Into = { readonly q?: Tensor; readonly k?: Tensor; readonly v?: Tensor };

/** The gradients that `needs` names. Those with a tensor in `into` are written there and returned as another handle of it. */
export function fusedBackward(whole: AttentionProblem, saved: Saved, needs: Needs, into: Into): AttentionGradients {
  const problem = withoutEmptyPrefix(whole);
  const prepared = kernelInputs(problem, saved);
  using out = quads(saved.out);
  using grad = quads(saved.grad);
  using stats = empty(problem.device, [...saved.lse.shape, 2], 'f32');
  const results = { out, lse: saved.lse };
  if (!needs.q || !formsStats(problem, lastOf(out.shape))) launchStats(problem, { ...results, grad }, stats);
  const inputs: BackwardInputs = { ...prepared, grad, stats };
  const gradients: AttentionGradients = {};
  if (needs.q) gradients.q = queryGradient(problem, inputs, results, into.q, saved.q);
  if (needs.k || needs.v) Object.assign(gradients, keyGradients(problem, inputs, saved.k, needs, into));
  if (whole.prefix && (needs.prefixK || needs.prefixV)) {
    Object.assign(gradients, prefixGradients(problem, whole.prefix.k.shape, inputs, needs));
  }
  disposeInputs(prepared);
  return gradients;
}

/**
 * What both gradients read of every query: `stats` [B, T, H, 2] (packed [N, H, 2]).
 * @param unasked the gradient [P, H, D] of queries of a prefix that were not asked, which becomes 0
 */
export function launchStats(
  problem: Pick<AttentionProblem, 'batch' | 'queries' | 'heads' | 'depth' | 'dtype' | 'gradDType' | 'device'>,
  { out, grad, lse }: Pick<Saved, 'out' | 'grad' | 'lse'>,
  stats: Tensor,
  unasked?: Tensor,
): void {
  const { batch, queries, heads, device, dtype, gradDType } = problem;
  const count = batch * queries * heads;
  const zero_count = unasked ? nth(unasked.shape, 0) * heads : 0;
  deltaKernel.dispatch(device, {
    buffers: { out, grad, lse, stats, ...(unasked && { dq: unasked.storage }) },
    params: {
      out: geometryOf(out),
      grad: geometryOf(grad),
      queries,
      heads,
      count,
      depth: lastOf(out.shape) / 4,
      ...(unasked && { zero_count, dq: geometryOf(unasked) }),
    },
    grid: grid1d(Math.max(count, zero_count), 64),
    defines: { T: dtype, G: gradDType, OUT: gradDType, SLICE: 4, ZERO: unasked ? 1 : 0 },
    flops: 2 * count * problem.depth,
  });
}

function queryGradient(
  problem: AttentionProblem,
  inputs: BackwardInputs,
  results: ForwardResults,
  into: Tensor | undefined,
  q: Tensor,
): Tensor {
  if (into && isTarget(problem, into)) {
    launchQueryGradient(problem, inputs, results, into);
    return alias(into);
  }
  const dq = empty(problem.device, inputs.q.shape, problem.gradDType);
  launchQueryGradient(problem, inputs, results, dq);
  return settle(cut(dq, lastOf(q.shape)), into);
}

/** Whether kernels can write a gradient into `x` where it lies. */
function isTarget({ gradDType }: AttentionProblem, x: Tensor): boolean {
  return x.dtype === gradDType && isQuadAligned(x);
}

/** Moves a result into the tensor the caller named, if any. */
function settle(result: Tensor, into: Tensor | undefined): Tensor {
  if (!into) return result;
  using done = result;
  copyInto(into, done);
  return alias(into);
}

function keyGradients(
  problem: AttentionProblem,
  inputs: BackwardInputs,
  k: Tensor,
  needs: Needs,
  into: Into,
): AttentionGradients {
  const direct = into.k && into.v && into.k.storage === into.v.storage && isTarget(problem, into.k) && isTarget(problem, into.v);
  const pair: Pair =
    direct && into.k && into.v
      ? { first: alias(into.k), second: alias(into.v), storage: into.k.storage }
      : emptyPairLike({ first: inputs.k, second: inputs.v, storage: inputs.k.storage }, problem.gradDType);
  launchKeyGradient(problem, inputs, pair);
  if (direct) return keepNeeded({ k: pair.first, v: pair.second }, needs);
  const depth = lastOf(k.shape);
  return keepNeeded({ k: settle(cut(pair.first, depth), into.k), v: settle(cut(pair.second, depth), into.v) }, needs);
}

/** Disposes gradients that were not requested: a pass that computes two at once computes both. */
function keepNeeded(gradients: AttentionGradients, needs: Needs): AttentionGradients {
  const kept: AttentionGradients = {};
  for (const [name, gradient] of Object.entries(gradients) as [GradientName, Tensor][]) {
    if (needs[name]) kept[name] = gradient;
    else gradient.dispose();
  }
  return kept;
}

/** @param shape of the prefix's keys, and of its values */
function prefixGradients(problem: AttentionProblem, shape: Shape, inputs: BackwardInputs, needs: Needs): AttentionGradients {
  const { device, depth, batch, queries, gradDType } = problem;
  const { prefix } = inputs;
  const rows = batch * queries;
  if (!prefix || rows === 0) {
    const nothing = (): Tensor => fill(device, shape, gradDType, 0);
    return keepNeeded({ prefixK: nothing(), prefixV: nothing() }, needs);
  }
  const padded = lastOf(inputs.q.shape);
  const chunk = prefixChunk(device, rows);
  const chunks = Math.ceil(rows / chunk);
  using q = flatRows(inputs.q);
  using grad = flatRows(inputs.grad);
  const sums = emptyPairLike(prefix, gradDType);
  const launch = (target: PrefixTarget): void =>
    launchPrefixGradient(problem, { q, grad, stats: inputs.stats }, prefix, target, { chunk });
  if (chunks === 1 && gradDType === 'f32') launch(targetOf(sums));
  else {
    using partials = empty(device, [chunks, 2, ...shape.slice(0, -1), padded], 'f32');
    launch(partialsTarget(partials));
    addChunks(partials, sums, gradDType);
  }
  return keepNeeded({ prefixK: cut(sums.first, depth), prefixV: cut(sums.second, depth) }, needs);
}

/**
 * The sum of `partials` f32 [chunks, 2, P, H, D], in their order, into a pair of [P, H, D].
 * @param unasked as in {@link launchStats}, in the memory of the pair
 */
export function addChunks(partials: Tensor, sums: Pair, dtype: FloatDType, unasked?: Tensor): void {
  const [chunks = 0, , rows = 0, heads = 0, depth = 0] = partials.shape;
  const count = (rows * heads * depth) / 4;
  reduceKernel.dispatch(partials.device, {
    buffers: { partials, dkv: sums.storage },
    params: {
      dk: geometryOf(sums.first),
      dv: geometryOf(sums.second),
      chunks,
      heads,
      depth: depth / 4,
      count,
      ...(unasked && { dq: geometryOf(unasked) }),
    },
    grid: grid1d(2 * count, 64),
    defines: { OUT: dtype, ZERO: unasked ? 1 : 0 },
  });
}

/** [B, T, H, D] as rows [B * T, H, D]: batches that follow each other at the row stride are walked as one. */
function flatRows(x: Tensor): Tensor {
  if (x.rank === 3) return alias(x);
  const [batch, queries, ...row] = x.shape as [number, number, ...number[]];
  const flat = batch <= 1 || nth(x.strides, 0) === nth(x.strides, 1) * queries;
  using lined = flat ? alias(x) : contiguousCopy(x);
  return view(lined, { shape: [batch * queries, ...row], strides: lined.strides.slice(1), offset: lined.offset });
}
