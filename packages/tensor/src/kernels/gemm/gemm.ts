/** A product from problem to launch: normal form, plan, one or two dispatches. */
import { bytesPerElement, type DType, wgslType } from '../../dtype.ts';
import { LimitError } from '../../errors.ts';
import { contiguousStrides, sizeOf } from '../../shape.ts';
import { empty } from '../../definition/views.ts';
import { grid1d } from '../kernel.ts';
import type { Tuner } from '../../engine/tuner.ts';
import { exactAccess } from './problem/access.ts';
import { candidatesFor, splitsOf, tilesOf, tuningKey } from './choices.ts';
import { bindEpilogue, reduceKernel } from './epilogue.ts';
import { normalize, withMergedBatch } from './problem/normal-form.ts';
import { paramsOf } from './params.ts';
import { type Matrices, MAX_BATCH_DIMS, type Problem, type Product } from './problem/problem.ts';
import { type DeviceTraits, traitsOf } from './problem/traits.ts';
import { noteSums } from './unsummed.ts';
import type { GemmVariant, Step, SumsStep, Tiling } from './variants/index.ts';

/**
 * Records c[z] = epilogue(a[z] x b[z]). Operands are checked by the callers; a, b, bias, c and `grad` are f32 or f16, `save` and `residual` of the dtype
 * of c; c, `save`, `grad` and `residual` have the same strides. k = 0 gives the epilogue of 0. Nothing is recorded for an empty result.
 */
export function gemm(product: Product): void {
  if (sizeOf(product.batch) === 0 || product.m === 0 || product.n === 0) return;
  const normal = normalize(product);
  if (normal.batch.length > MAX_BATCH_DIMS) withMergedBatch(product, gemm);
  else launch(planOf(normal));
}

/** Everything that is decided about a product before it is recorded; `explainPlan` prints it. */
export type Plan = {
  /** In normal form. */
  readonly product: Product;
  /** Its class in the tuner's table. */
  readonly key: string;
  readonly variant: GemmVariant;
  readonly splits: number;
  readonly sums: SumsStep;
  /** Adds partial sums [splits, batch, m, n] up and applies the epilogue; undefined where the variant writes the result itself. */
  readonly reduce: Step | undefined;
};

/** The plan of a product in normal form on its device. */
export function planOf(p: Product): Plan {
  const { device } = p.c.tensor;
  return planProduct(p, traitsOf(device), device.tuner);
}

/** The plan of a product in normal form. @param tuner its choice, and splits that tests force with `tuner.force('gemm.split', '3')` */
export function planProduct(p: Product, traits: DeviceTraits, tuner: Pick<Tuner, 'choose' | 'forcedVariant'>): Plan {
  const key = tuningKey(p, traits);
  const variant = choose(candidatesFor(p, traits), key, tuner);
  const forced = tuner.forcedVariant('gemm.split');
  const splits = splitsOf(variant, p, traits, forced === undefined ? undefined : Number(forced));
  const isPartial = splits > 1 || variant.sumsOnly === true;
  const sums = sumsStep(isPartial ? partialSums(p) : wholeSums(p), variant, traits, splits);
  return { product: p, key, variant, splits, sums, reduce: isPartial ? reduceStep(p, sums.tiling, traits, splits) : undefined };
}

/** Records the dispatches of a plan. */
function launch({ product, variant, splits, sums, reduce }: Plan): void {
  const { batch, m, n, c } = product;
  if (!reduce) {
    variant.dispatch(sums, c.tensor);
    return;
  }
  using partial = empty(c.tensor.device, [splits, ...batch, m, n]);
  variant.dispatch(sums, partial);
  reduceKernel.dispatch(c.tensor.device, { ...reduce, buffers: { ...reduce.buffers, partial, c: c.tensor } });
  noteSums(product, partial, splits);
}

function choose(candidates: readonly GemmVariant[], key: string, tuner: Pick<Tuner, 'choose'>): GemmVariant {
  const name = tuner.choose(
    'gemm',
    candidates.map((candidate) => candidate.name),
    key,
  );
  const variant = candidates.find((candidate) => candidate.name === name);
  if (!variant) throw new LimitError('gemm', `the tuner chose "${name}", which is no candidate`, 'choose among the candidates');
  return variant;
}

/** A product whose c is the kernel's own output, with the layout and dtype of its sums, and the stride between splits. */
type Sums = Problem & { readonly c: Matrices & { readonly dtype: DType; readonly splitStride: number } };

const wholeSums = (p: Product): Sums => ({ ...p, c: { ...p.c, dtype: p.c.tensor.dtype, splitStride: 0 } });

/** Sums without epilogue, one split after the other. Their alignment may differ from that of the result, and so may access and tile. */
function partialSums(p: Product): Sums {
  const { batch, m, n } = p;
  const strides = contiguousStrides([...batch, m, n]).slice(0, -2);
  const c = { offset: 0, row: n, col: 1, batch: strides, dtype: 'f32', splitStride: sizeOf(batch) * m * n } as const;
  return { ...p, c, epilogue: {} };
}

function sumsStep(p: Sums, variant: GemmVariant, traits: DeviceTraits, splits: number): SumsStep {
  const { cpu } = traits;
  const [tiling, access] = [variant.tiling(p, traits), (variant.access ?? exactAccess)(p, traits)];
  const batches = sizeOf(p.batch);
  const size = batches * p.m * p.n;
  const epilogue = bindEpilogue(p, p.c.dtype, cpu && access.VA !== 'm');
  return {
    tiling,
    access,
    buffers: { a: p.a.tensor, b: p.b.tensor, ...epilogue.buffers },
    params: paramsOf(p, tiling, splits, p.c.splitStride),
    grid: grid1d(tilesOf(p, tiling) * splits, 1),
    defines: {
      TA: wgslType(p.a.tensor.dtype),
      TB: wgslType(p.b.tensor.dtype),
      ...access,
      ...variant.defines(p, traits),
      ...epilogue.defines,
      CPU: cpu ? 1 : 0,
    },
    flops: 2 * size * p.k,
    bytes:
      size * bytesPerElement(p.c.dtype) +
      batches * p.k * (p.m * bytesPerElement(p.a.tensor.dtype) + p.n * bytesPerElement(p.b.tensor.dtype)),
  };
}

function reduceStep(p: Product, tiling: Tiling, { cpu }: DeviceTraits, splits: number): Step {
  const size = sizeOf(p.batch) * p.m * p.n;
  const epilogue = bindEpilogue(p, p.c.tensor.dtype, cpu);
  return {
    buffers: epilogue.buffers,
    params: paramsOf(p, tiling, splits, 0),
    grid: grid1d(sizeOf(p.batch) * p.m * Math.ceil(p.n / 4), 64),
    defines: { VP: p.n % 4 === 0 ? 1 : 0, VC: exactAccess(p).VC, ...epilogue.defines, CPU: cpu ? 1 : 0 },
    flops: 0,
    bytes: 4 * splits * size,
  };
}
