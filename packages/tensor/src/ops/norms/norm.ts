/** Layer norm and RMS norm over the last axis, alone or fused with the residual addition before them. Gradients are in norm-backward.ts. */
import { normForwardWgsl } from '@mudpt/shaders';
import { bytesPerElement, type DType, expectDType, type FloatDType, wgslType } from '../../dtype.ts';
import { ShapeError } from '../../errors.ts';
import { kernel } from '../../kernels/kernel.ts';
import { defineOp } from '../../definition/op.ts';
import { sameShape, showShape } from '../../shape.ts';
import { empty } from '../../definition/views.ts';
import type { Tensor } from '../../tensor.ts';
import { contiguous } from '../views/copy.ts';
import { unitOf } from '../../kernels/axes.ts';
import { expectRows, heldByLane, rowLaunch, RowView } from '../../kernels/row-launch.ts';
import { FORWARD_BUFFERS, partsOf } from './norm-parts.ts';

/** The kernel that rows after a prefix use too, see norm-prefixed.ts. */
export const normKernel = kernel({ name: 'norm', source: normForwardWgsl });

/**
 * The output, and what is saved for the gradient, f32: the reciprocal deviation of every row, in x's shape without its last axis, and three `moments` of
 * every row, [3, ...] of that shape: its mean, what the mean lost where it was rounded, and its variance.
 */
export type LayerNormResult = { readonly out: Tensor; readonly moments: Tensor; readonly rstd: Tensor };
/** The output, and what is saved for the gradient: the reciprocal root mean square of every row, f32, x's shape without its last axis. */
export type RmsNormResult = { readonly out: Tensor; readonly rstd: Tensor };

type Normed = {
  readonly out: Tensor;
  readonly moments?: Tensor;
  readonly rstd: Tensor;
  readonly sum?: Tensor;
  readonly normalised?: Tensor;
};
type Norming = {
  readonly op: string;
  readonly centered: boolean;
  readonly weight: Tensor | undefined;
  readonly bias: Tensor | undefined;
  readonly residual: Tensor | undefined;
  readonly eps: number;
  /** dtype of the normalised rows. Default: that of x. */
  readonly dtype?: FloatDType | undefined;
  /** Whether rows before weight and bias are stored too, in that dtype. */
  readonly keepsNormalised?: boolean;
};

/** @throws ShapeError or DTypeError unless `vector` has one value for each of `width` channels */
export function expectChannels(op: string, name: string, vector: Tensor | undefined, x: Tensor): void {
  if (!vector) return;
  vector.expectLive(op);
  expectDType(op, name, vector.dtype, x.dtype === 'f16' ? ['f16', 'f32'] : [x.dtype]);
  const width = x.shape.at(-1) ?? 1;
  if (vector.rank !== 1 || vector.size !== width) {
    throw new ShapeError(
      op,
      `${name} has shape ${showShape(vector.shape)}, x ${showShape(x.shape)}`,
      `give ${name} [${width}], one value for each channel of the last axis`,
    );
  }
}

/** The dtype of what a norm of x gives. @throws DTypeError for one that is not floating */
export function resultDType(op: string, x: Tensor, asked: FloatDType | undefined): DType {
  if (asked !== undefined) expectDType(op, 'the result', asked, ['f32', 'f16']);
  return asked ?? x.dtype;
}

/** @throws ShapeError, DTypeError for what a norm does not take */
export function expectNorm(
  op: string,
  x: Tensor,
  { weight, bias, residual }: Partial<Pick<Norming, 'weight' | 'bias' | 'residual'>>,
): void {
  expectRows(op, 'x', x);
  expectChannels(op, 'weight', weight, x);
  expectChannels(op, 'bias', bias, x);
  if (weight && bias) expectDType(op, 'bias', bias.dtype, [weight.dtype]);
  if (residual) {
    residual.expectLive(op);
    expectDType(op, 'residual', residual.dtype, [x.dtype]);
    if (!sameShape(residual.shape, x.shape))
      throw new ShapeError(op, `residual has shape ${showShape(residual.shape)}, x ${showShape(x.shape)}`, 'give both one shape');
  }
}

function normalize(
  x: Tensor,
  { op, centered, weight, bias, residual, eps, dtype: asked, keepsNormalised = false }: Norming,
): Normed {
  expectNorm(op, x, { weight, bias, residual });
  const { rows, width } = expectRows(op, 'x', x);
  const dtype = resultDType(op, x, asked);
  const { device } = x;
  using input = new RowView(x);
  using added = new RowView(residual ?? x);
  using scale = contiguous.run(weight ?? x);
  using shift = contiguous.run(bias ?? x);
  const steps = [width, input.offset, input.stride, added.offset, added.stride];
  const unit = unitOf([...steps, weight ? scale.offset : 0, bias ? shift.offset : 0]);
  const { variant, grid } = rowLaunch(device, 'norm', rows, width);
  const out = empty(device, x.shape, dtype);
  const moments = centered ? empty(device, [3, ...x.shape.slice(0, -1)]) : undefined;
  const rstd = empty(device, x.shape.slice(0, -1));
  const sum = residual ? empty(device, x.shape, x.dtype) : undefined;
  const normalised = keepsNormalised ? empty(device, x.shape, dtype) : undefined;
  const parts = centered && !sum ? partsOf(x, normalised ? FORWARD_BUFFERS + 1 : FORWARD_BUFFERS, unit) : undefined;
  normKernel.dispatch(device, {
    buffers: {
      x: input.tensor,
      ...parts?.buffers,
      weight: scale,
      bias: shift,
      out,
      rstd,
      ...(moments ? { moments } : {}),
      ...(sum ? { residual: added.tensor, sum } : {}),
      ...(normalised ? { normalised } : {}),
    },
    params: {
      rows,
      width: width / unit,
      x_offset: input.offset / unit,
      x_stride: (input.stride / unit) >>> 0,
      weight_offset: weight ? scale.offset / unit : 0,
      bias_offset: bias ? shift.offset / unit : 0,
      has_weight: weight !== undefined,
      has_bias: bias !== undefined,
      eps,
      per_element: 1 / width,
      ...(sum ? { residual_offset: added.offset / unit, residual_stride: (added.stride / unit) >>> 0 } : {}),
      ...parts?.params,
    },
    grid,
    defines: {
      T: wgslType(x.dtype),
      O: wgslType(dtype),
      W: wgslType((weight ?? bias ?? x).dtype),
      V: unit,
      ROWS: variant,
      CENTERED: centered ? 1 : 0,
      ADD: sum ? 1 : 0,
      PREFIX: 0,
      NORMALISED: normalised ? 1 : 0,
      PARTS: parts ? 1 : 0,
      HELD: heldByLane(device, variant, width, unit),
    },
    flops: 8 * x.size,
    bytes: x.size * ((sum ? 3 : 1) * bytesPerElement(x.dtype) + (normalised ? 2 : 1) * bytesPerElement(dtype)),
  });
  return { out, rstd, ...(moments ? { moments } : {}), ...(sum ? { sum } : {}), ...(normalised ? { normalised } : {}) };
}

/** {@link layerNorm} with what its gradient needs. */
export function layerNormForward(x: Tensor, weight?: Tensor, bias?: Tensor, eps = 1e-5, dtype?: FloatDType): LayerNormResult {
  const asked = { op: 'layerNorm', centered: true, weight, bias, residual: undefined, eps, dtype };
  const { out, moments, rstd } = normalize(x, asked);
  return { out, moments: moments ?? rstd, rstd };
}

/** {@link layerNorm} with its rows before weight and bias, of the result's dtype, which its gradient may read in place of x (norm-normalised.ts). */
export function layerNormNormalised(
  x: Tensor,
  weight?: Tensor,
  bias?: Tensor,
  eps = 1e-5,
  dtype?: FloatDType,
): { readonly out: Tensor; readonly normalised: Tensor; readonly rstd: Tensor } {
  const asked = { op: 'layerNorm', centered: true, weight, bias, residual: undefined, eps, dtype, keepsNormalised: true };
  const { out, rstd, moments, normalised = out } = normalize(x, asked);
  moments?.dispose();
  return { out, normalised, rstd };
}

/**
 * (x - mean) / sqrt(variance + eps) over the last axis, times weight, plus bias; variance in two passes, divided by the width. x [..., width],
 * f32 or f16. (Ba, Kiros, Hinton, Layer Normalization, arXiv:1607.06450.)
 * @param weight [width], of x's dtype (or f32 with an x of f16); default 1
 * @param bias [width], of the weight's dtype; left out for 0
 * @param eps default 1e-5
 * @param dtype of the result, f32 or f16; default that of x. Statistics are f32 in either case
 * @throws ShapeError, DTypeError
 */
export const layerNorm = defineOp(
  'layerNorm',
  (x: Tensor, weight?: Tensor, bias?: Tensor, eps: number = 1e-5, dtype?: FloatDType): Tensor => {
    const { out, moments, rstd } = layerNormForward(x, weight, bias, eps, dtype);
    moments.dispose();
    rstd.dispose();
    return out;
  },
);

/** {@link addLayerNorm} with what its gradient needs. */
export function addLayerNormForward(
  x: Tensor,
  residual: Tensor,
  weight?: Tensor,
  bias?: Tensor,
  eps = 1e-5,
): LayerNormResult & { readonly sum: Tensor } {
  const { out, moments, rstd, sum } = normalize(x, { op: 'addLayerNorm', centered: true, weight, bias, residual, eps });
  return { out, moments: moments ?? rstd, rstd, sum: sum ?? out };
}

/**
 * sum = x + residual and out = {@link layerNorm}(sum) in one pass over memory, as between the halves of a pre-norm block. x and residual
 * have one shape and dtype, so have both results.
 * @throws ShapeError, DTypeError
 */
export const addLayerNorm = defineOp(
  'addLayerNorm',
  (
    x: Tensor,
    residual: Tensor,
    weight?: Tensor,
    bias?: Tensor,
    eps: number = 1e-5,
  ): { readonly sum: Tensor; readonly out: Tensor } => {
    const { sum, out, moments, rstd } = addLayerNormForward(x, residual, weight, bias, eps);
    moments.dispose();
    rstd.dispose();
    return { sum, out };
  },
);

/** {@link rmsNorm} with what its gradient needs. */
export function rmsNormForward(x: Tensor, weight?: Tensor, eps = 1e-6): RmsNormResult {
  const { out, rstd } = normalize(x, { op: 'rmsNorm', centered: false, weight, bias: undefined, residual: undefined, eps });
  return { out, rstd };
}

/**
 * x / sqrt(mean(x^2) + eps) over the last axis, times weight [width]; x [..., width], f32 or f16. (Zhang, Sennrich, Root Mean Square Layer
 * Normalization, arXiv:1910.07467.)
 * @param eps default 1e-6
 * @throws ShapeError, DTypeError
 */
export const rmsNorm = defineOp('rmsNorm', (x: Tensor, weight?: Tensor, eps: number = 1e-6): Tensor => {
  const { out, rstd } = rmsNormForward(x, weight, eps);
  rstd.dispose();
  return out;
});
