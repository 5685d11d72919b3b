/** Gradients of layer norm and RMS norm; only the requested ones are computed. */
import { normParametersWgsl } from '@mudpt/shaders';
import { bytesPerElement, promote, wgslType } from '../../dtype.ts';
import { ShapeError } from '../../errors.ts';
import { grid1d, kernel } from '../../kernels/kernel.ts';
import { sameShape, showShape, sizeOf } from '../../shape.ts';
import { empty, view } from '../../definition/views.ts';
import type { Tensor } from '../../tensor.ts';
import { lastOf } from '../../values.ts';
import { columnSum } from '../../kernels/column-sum.ts';
import { contiguous } from '../views/copy.ts';
import { unitOf } from '../../kernels/axes.ts';
import { expectRows, heldByLane, rowLaunch, RowView } from '../../kernels/row-launch.ts';
import { CotangentRows, normBackwardKernel } from './norm-cotangents.ts';
import { BACKWARD_BUFFERS, cotangentParts } from './norm-parts.ts';

const parametersKernel = kernel({ name: 'norm.parameters', source: normParametersWgsl });

/** Which gradients to compute. */
export type NormNeeds = { readonly x?: boolean; readonly weight?: boolean; readonly bias?: boolean };

/** Saved tensors and cotangent that the gradients of a normalisation are computed from. */
export type NormBackward = {
  /** The input of the norm (the sum, for addLayerNorm). */
  readonly x: Tensor;
  readonly weight?: Tensor | undefined;
  /** Those of the forward, contiguous [2 or more, ...rows]: means, and what they lost where they were rounded. Leave out for RMS norm. */
  readonly moments?: Tensor | undefined;
  readonly rstd: Tensor;
  /** Cotangent of the normalized output. */
  readonly grad: Tensor;
  /** Cotangent of the sum itself, for addLayerNorm: added to the gradient of x. */
  readonly sumGrad?: Tensor | undefined;
  readonly needs: NormNeeds;
};

/** The requested gradients: x in its shape and the wider dtype of x and grad, weight and bias [width]. */
export type NormGradients = { readonly x?: Tensor; readonly weight?: Tensor; readonly bias?: Tensor };

/** Gradients of layerNorm, addLayerNorm (its x and residual have the same one) and rmsNorm: only those `needs` names. */
export function layerNormBackward(given: NormBackward): NormGradients {
  const { x, needs, grad } = given;
  expectRows('layerNormBackward', 'x', x);
  expectRows('layerNormBackward', 'grad', grad);
  if (!sameShape(x.shape, grad.shape)) {
    throw new ShapeError(
      'layerNormBackward',
      `grad has shape ${showShape(grad.shape)}, x ${showShape(x.shape)}`,
      'give the cotangent of the output',
    );
  }
  using input = new RowView(x);
  using cotangents = new CotangentRows(grad, given.sumGrad, x);
  const needsParameters = (needs.weight ?? false) || (needs.bias ?? false);
  if (needs.x && needsParameters && takesBoth(given, cotangents)) {
    using parameters = empty(x.device, [2, lastOf(x.shape)]);
    return { x: inputGradient(given, input, cotangents, parameters), ...namedParameters(parameters, needs) };
  }
  const dx = needs.x ? inputGradient(given, input, cotangents) : undefined;
  const parameters = needsParameters ? parameterGradients(given, input, cotangents) : {};
  return { ...(dx ? { x: dx } : {}), ...parameters };
}

/** Whether one dispatch forms all gradients: of few rows, which threads of columns can add up. */
function takesBoth({ x, weight, moments }: NormBackward, cotangents: CotangentRows): boolean {
  const rows = sizeOf(x.shape.slice(0, -1));
  return (
    moments !== undefined && rows > 0 && rows <= MIN_CHUNK && [weight ?? x, x, cotangents].every(({ dtype }) => dtype === 'f32')
  );
}

/** Gradients of rmsNorm. */
export function rmsNormBackward(problem: Omit<NormBackward, 'moments' | 'sumGrad'>): NormGradients {
  return layerNormBackward({ ...problem, needs: { ...problem.needs, bias: false } });
}

/** @param parameters f32 [2, width], where the gradients of weight and bias go too */
function inputGradient(
  { x, weight, moments, rstd }: NormBackward,
  input: RowView,
  cotangents: CotangentRows,
  parameters?: Tensor,
): Tensor {
  const { rows, width } = expectRows('layerNormBackward', 'x', x);
  using scale = contiguous.run(weight ?? x);
  const unit = unitOf([width, input.offset, input.stride, ...cotangents.steps, weight ? scale.offset : 0]);
  const { variant, grid, threads } = rowLaunch(x.device, 'norm', rows, width);
  const row_groups = grid.reduce((product, size) => product * size, 1);
  const dtype = promote(x.dtype, cotangents.dtype);
  const dx = empty(x.device, x.shape, dtype);
  const parts = moments && !parameters ? cotangentParts(cotangents.grad, BACKWARD_BUFFERS, unit) : undefined;
  normBackwardKernel.dispatch(x.device, {
    buffers: {
      x: input.tensor,
      ...cotangents.buffers,
      weight: scale,
      rstd,
      dx,
      ...(moments ? { moments } : {}),
      ...(parameters && { dparameters: parameters }),
      ...parts?.buffers,
    },
    params: {
      rows,
      width: width / unit,
      x_offset: input.offset / unit,
      x_stride: (input.stride / unit) >>> 0,
      ...cotangents.params(unit),
      weight_offset: weight ? scale.offset / unit : 0,
      has_weight: weight !== undefined,
      per_element: 1 / width,
      stats_offset: rstd.offset,
      ...(moments ? { moments_offset: moments.offset } : {}),
      ...(parameters && { row_groups }),
      ...parts?.params,
    },
    grid: parameters ? grid1d(row_groups + Math.ceil(width / unit / threads), 1) : grid,
    defines: {
      T: wgslType(x.dtype),
      G: wgslType(cotangents.dtype),
      D: wgslType(dtype),
      W: wgslType((weight ?? x).dtype),
      V: unit,
      ROWS: variant,
      CENTERED: moments ? 1 : 0,
      PREFIX: 0,
      PARAMETERS: parameters ? 1 : 0,
      NORMALISED: 0,
      PARTS: parts ? 1 : 0,
      HELD: heldByLane(x.device, variant, width, unit),
    },
    flops: 12 * x.size,
    bytes: (1 + cotangents.passes) * x.size * bytesPerElement(dtype),
  });
  return dx;
}

/** Rows one thread adds up before the second stage: enough chunks to fill a GPU, few enough to keep the partials small and the sums exact. */
const MIN_CHUNK = 64;
const MAX_CHUNK = 1024;
const MAX_CHUNKS = 256;

function parameterGradients(
  { x, weight, moments, rstd, needs }: NormBackward,
  input: RowView,
  { grad: cotangent, dtype }: CotangentRows,
): NormGradients {
  const { rows, width } = expectRows('layerNormBackward', 'x', x);
  const perChunk = Math.min(MAX_CHUNK, Math.max(MIN_CHUNK, Math.ceil(rows / MAX_CHUNKS)));
  const chunks = Math.ceil(rows / perChunk);
  const partials = empty(x.device, [chunks, 2 * width]);
  parametersKernel.dispatch(x.device, {
    buffers: { x: input.tensor, grad: cotangent.tensor, rstd, partials, ...(moments ? { moments } : {}) },
    params: {
      width,
      chunks,
      rows,
      rows_per_chunk: perChunk,
      x_offset: input.offset,
      x_stride: input.stride >>> 0,
      grad_offset: cotangent.offset,
      grad_stride: cotangent.stride >>> 0,
      stats_offset: rstd.offset,
      ...(moments ? { moments_offset: moments.offset } : {}),
    },
    grid: grid1d(width * chunks, 64),
    defines: { T: wgslType(x.dtype), G: wgslType(dtype), CENTERED: moments ? 1 : 0 },
    flops: 5 * x.size,
    bytes: x.size * (bytesPerElement(x.dtype) + bytesPerElement(dtype)),
  });
  using both = sumOfChunks(partials, (weight ?? x).dtype);
  return namedParameters(both, needs);
}

/** Views of the gradients of weight and bias, one after the other in `both`. */
function namedParameters(both: Tensor, needs: NormNeeds): NormGradients {
  const width = both.size / 2;
  const part = (index: number): Tensor => view(both, { shape: [width], strides: [1], offset: index * width });
  return { ...(needs.weight ? { weight: part(0) } : {}), ...(needs.bias ? { bias: part(1) } : {}) };
}

/** The sum of `partials` [chunks, columns] over chunks, which takes them over: one chunk is its sum already. */
function sumOfChunks(partials: Tensor, dtype: Tensor['dtype']): Tensor {
  const [chunks = 0] = partials.shape;
  if (chunks === 1 && dtype === 'f32') return partials;
  using all = partials;
  return columnSum(all, chunks, 1, dtype);
}
