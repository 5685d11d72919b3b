/** Records a product: normal form, variant, splits of k, one or two dispatches. */
import type { Device } from '../../device.ts';
import { wgslType } from '../../dtype.ts';
import { grid1d } from '../kernel.ts';
import { contiguousStrides, sizeOf } from '../../shape.ts';
import { empty, view } from '../../definition/views.ts';
import type { Tensor } from '../../tensor.ts';
import { contiguousCopy } from '../copy.ts';
import { gemmKernels, reduceKernel } from './kernels.ts';
import { dispatchMatrix, planMatrix } from './matrix.ts';
import { bindEpilogue } from './epilogue.ts';
import { candidates, keyOf, splitsFor } from './candidates.ts';
import { accessOf, type Facts, paramsOf, storesVectors, tilingOf, type Variant } from './plan.ts';
import { MAX_BATCH_DIMS, normalize, type Operand, type Product } from './problem.ts';

/**
 * Records c[z] = epilogue(a[z] x b[z]). Operands are checked by the callers; a, b, bias, `grad` and `residual` are f32 or f16,
 * c, `save`, `grad` and `residual` have one dtype and the same strides. k = 0 gives the epilogue of 0. Nothing is recorded for an empty result.
 */
export function gemm(product: Product): void {
  if (sizeOf(product.batch) === 0 || product.m === 0 || product.n === 0) return;
  const p = normalize(product);
  if (p.batch.length > MAX_BATCH_DIMS) withMergedBatch(product, gemm);
  else record(p);
}

function record(p: Product): void {
  const { device } = p.c.tensor;
  const matrix = planMatrix(p);
  const facts: Facts = { ...factsOf(device), matrix: matrix !== undefined };
  const variant = device.tuner.choose('gemm', candidates(p, facts), keyOf(p, facts));
  const tiling = tilingOf(variant, p, facts);
  const tiles = Math.ceil(p.m / tiling.rows) * Math.ceil(p.n / tiling.columns) * sizeOf(p.batch);
  const splits = splitsFor(variant, p, tiles, facts, forcedSplits(device));
  if (splits === 1 && variant !== 'matrix') {
    dispatch(p, variant, 1, 0);
    return;
  }
  // Partial sums first, contiguous and without epilogue; then their sum with it.
  using partial = empty(device, [splits, ...p.batch, p.m, p.n]);
  const batch = contiguousStrides([...p.batch, p.m, p.n]).slice(0, -2);
  const c: Operand = { tensor: partial, offset: 0, row: p.n, col: 1, batch };
  if (matrix && variant === 'matrix') dispatchMatrix(p, matrix, partial, splits);
  else dispatch({ ...p, c, epilogue: {} }, variant, splits, sizeOf(p.batch) * p.m * p.n);
  reduce(p, partial, splits);
}

/** What plans ask of a device; a product adds whether subgroup matrices can take it. */
export function factsOf(device: Device): Omit<Facts, 'matrix'> {
  const { maxComputeWorkgroupStorageSize, maxComputeInvocationsPerWorkgroup } = device.limits;
  return {
    cpu: device.adapter.kind !== 'gpu',
    subgroupSize: device.subgroupSize,
    workgroupBytes: maxComputeWorkgroupStorageSize,
    invocations: maxComputeInvocationsPerWorkgroup,
  };
}

/** Tests force a number of splits with `tuner.force('gemm.split', '3')`. */
function forcedSplits(device: Device): number | undefined {
  const forced = device.tuner.forcedVariant('gemm.split');
  return forced === undefined ? undefined : Number(forced);
}

function dispatch(p: Product, variant: Variant, splits: number, splitStride: number): void {
  const { device } = p.c.tensor;
  const facts = factsOf(device);
  const tiling = tilingOf(variant, p, facts);
  const params = { ...paramsOf(p, tiling, splits), c_split: splitStride };
  const tiles = Math.ceil(p.m / tiling.rows) * Math.ceil(p.n / tiling.columns) * sizeOf(p.batch);
  const access = accessOf(variant, p, facts);
  const epilogue = bindEpilogue(p, facts.cpu && access['VA'] !== 'm');
  const count = sizeOf(p.batch) * p.m * p.n;
  gemmKernels[variant].dispatch(device, {
    buffers: { a: p.a.tensor, b: p.b.tensor, c: p.c.tensor, ...epilogue.buffers },
    params,
    grid: grid1d(tiles * splits, 1),
    defines: {
      TA: wgslType(p.a.tensor.dtype),
      TB: wgslType(p.b.tensor.dtype),
      ...access,
      ...tiling.defines,
      ...epilogue.defines,
      CPU: facts.cpu ? 1 : 0,
    },
    flops: 2 * count * p.k,
    bytes: 4 * (count + sizeOf(p.batch) * p.k * (p.m + p.n)),
  });
}

function reduce(p: Product, partial: Tensor, splits: number): void {
  const { device } = p.c.tensor;
  const facts = factsOf(device);
  const quads = sizeOf(p.batch) * p.m * Math.ceil(p.n / 4);
  const epilogue = bindEpilogue(p, facts.cpu);
  reduceKernel.dispatch(device, {
    buffers: { partial, c: p.c.tensor, ...epilogue.buffers },
    params: paramsOf(p, tilingOf('plain', p, facts), splits),
    grid: grid1d(quads, 64),
    defines: {
      VP: p.n % 4 === 0 ? 1 : 0,
      VC: storesVectors(p) ? 1 : 0,
      ...epilogue.defines,
      CPU: facts.cpu ? 1 : 0,
    },
    bytes: 4 * partial.size,
  });
}

/** Batch dimensions that do not merge (broadcast on one side, then the other, and again): repeats are written out once. */
function withMergedBatch(p: Product, body: (merged: Product) => void): void {
  const copyOf = (x: Operand, rows: number, columns: number): Tensor => {
    using full = view(x.tensor, { shape: [...p.batch, rows, columns], strides: [...x.batch, x.row, x.col], offset: x.offset });
    return contiguousCopy(full);
  };
  const operandOf = (t: Tensor): Operand => ({
    tensor: t,
    offset: 0,
    batch: t.strides.slice(0, -2),
    row: t.strides.at(-2) ?? 0,
    col: t.strides.at(-1) ?? 0,
  });
  using a = copyOf(p.a, p.m, p.k);
  using b = copyOf(p.b, p.k, p.n);
  body({ ...p, a: operandOf(a), b: operandOf(b) });
}
