/** Normalisation by channel of x [N, C, ...]: over images (batch), over groups of channels, over neighbouring ones. Made of other ops. */
import { expectDType } from '../../dtype.ts';
import { LimitError, ShapeError } from '../../errors.ts';
import { defineOp } from '../../definition/op.ts';
import { add, addcmul, div, mul, pow, rsqrt, square, sub } from '../../pointwise/ops.ts';
import { scope } from '../../scope.ts';
import { showShape, sizeOf } from '../../shape.ts';
import type { Tensor } from '../../tensor.ts';
import { nth } from '../../values.ts';
import { cast } from '../views/copy.ts';
import { layerNorm, layerNormForward } from './norm.ts';
import { avgPool2d } from '../images/pool.ts';
import { select } from '../views/slices.ts';
import { permute, reshape } from '../views/views.ts';

/** @throws DTypeError, ShapeError unless x is [N, C, ...] */
function expectImages(op: string, x: Tensor, least: number): void {
  x.expectLive(op);
  expectDType(op, 'x', x.dtype, ['f32', 'f16']);
  if (x.rank < least)
    throw new ShapeError(op, `x has shape ${showShape(x.shape)}`, `give [images, channels${least > 2 ? ', ...sizes' : ''}]`);
}

/** `vector` [C] as [C, 1, ...], to meet x. @throws DTypeError, ShapeError */
function perChannel(op: string, name: string, vector: Tensor, x: Tensor): Tensor {
  vector.expectLive(op);
  expectDType(op, name, vector.dtype, x.dtype === 'f16' ? ['f16', 'f32'] : ['f32']);
  const channels = nth(x.shape, 1);
  if (vector.rank !== 1 || vector.size !== channels)
    throw new ShapeError(
      op,
      `${name} has shape ${showShape(vector.shape)}, x ${showShape(x.shape)}`,
      `give ${name} [${channels}], one value a channel`,
    );
  return reshape(vector, [channels, ...x.shape.slice(2).map(() => 1)]);
}

/** y times weight, plus bias, in y's dtype. */
function scaled(op: string, y: Tensor, weight: Tensor | undefined, bias: Tensor | undefined): Tensor {
  const factor = weight && perChannel(op, 'weight', weight, y);
  const shift = bias && perChannel(op, 'bias', bias, y);
  if (factor && shift) return cast(addcmul(shift, y, factor), y.dtype);
  if (factor) return cast(mul(y, factor), y.dtype);
  return shift ? cast(add(y, shift), y.dtype) : y;
}

/**
 * (x - mean) / sqrt(variance + eps) times weight, plus bias, by channel, with statistics that are given: batch norm of inference. x [N, C, ...]; all
 * others [C]. (Ioffe, Szegedy, arXiv:1502.03167.) Differentiable in all.
 * @param eps default 1e-5
 * @throws ShapeError, DTypeError
 */
export const batchNorm = defineOp(
  'batchNorm',
  (x: Tensor, mean: Tensor, variance: Tensor, weight?: Tensor, bias?: Tensor, eps: number = 1e-5): Tensor =>
    scope(() => {
      const op = 'batchNorm';
      expectImages(op, x, 2);
      const centred = sub(x, perChannel(op, 'mean', mean, x));
      const deviation = rsqrt(add(perChannel(op, 'variance', variance, x), eps));
      const factor = weight ? mul(deviation, perChannel(op, 'weight', weight, x)) : deviation;
      const shift = bias && perChannel(op, 'bias', bias, x);
      return cast(shift ? addcmul(shift, centred, factor) : mul(centred, factor), x.dtype);
    }),
);

/** What {@link batchNormTraining} gives. */
export type BatchNormResult = { readonly out: Tensor; readonly mean: Tensor; readonly variance: Tensor };

/** Rows [C, M] normalised, with their means and variances [C], f32: {@link batchNormTraining} in one pass over memory. */
export const normalizeRows = defineOp('normalizeRows', (rows: Tensor, eps: number): BatchNormResult => {
  const { out, moments, rstd } = layerNormForward(rows, undefined, undefined, eps);
  using kept = moments;
  rstd.dispose();
  return { out, mean: select.run(kept, 0, 0), variance: select.run(kept, 0, 2) };
});

/**
 * Batch norm with the statistics of x [N, C, ...] itself, over all axes but C, and these statistics: mean and (divided by the number of elements)
 * variance [C], f32. Differentiable in all three results.
 * @param eps default 1e-5
 * @throws ShapeError, DTypeError
 */
export const batchNormTraining = defineOp(
  'batchNormTraining',
  (x: Tensor, weight?: Tensor, bias?: Tensor, eps: number = 1e-5): BatchNormResult =>
    scope(() => {
      const op = 'batchNormTraining';
      expectImages(op, x, 2);
      const channels = nth(x.shape, 1);
      const count = x.size / Math.max(1, channels);
      if (count < 1) throw new ShapeError(op, `x has shape ${showShape(x.shape)}`, 'give at least one value a channel');
      const first = [1, 0, ...x.shape.map((_, axis) => axis).slice(2)];
      const turned = permute(x, first);
      const { out, mean, variance } = normalizeRows(reshape(turned, [channels, count]), eps);
      return { out: scaled(op, permute(reshape(out, turned.shape), first), weight, bias), mean, variance };
    }),
);

function groupsNormed(
  op: string,
  x: Tensor,
  groups: number,
  weight: Tensor | undefined,
  bias: Tensor | undefined,
  eps: number,
): Tensor {
  const [images = 0, channels = 0, ...rest] = x.shape;
  if (!(Number.isInteger(groups) && groups >= 1 && channels % groups === 0))
    throw new LimitError(op, `groups is ${groups}, x has ${channels} channels`, 'give a number that divides the channels');
  const rows = reshape(x, [images * groups, (channels / groups) * sizeOf(rest)]);
  return scaled(op, reshape(layerNorm(rows, undefined, undefined, eps), x.shape), weight, bias);
}

/**
 * x [N, C, ...] normalised over each of `groups` groups of channels of every image, times weight [C], plus bias [C].
 * (Wu, He, Group Normalization, arXiv:1803.08494.)
 * @param eps default 1e-5
 * @throws ShapeError, DTypeError; LimitError unless groups divides C
 */
export const groupNorm = defineOp(
  'groupNorm',
  (x: Tensor, groups: number, weight?: Tensor, bias?: Tensor, eps: number = 1e-5): Tensor =>
    scope(() => {
      expectImages('groupNorm', x, 2);
      return groupsNormed('groupNorm', x, groups, weight, bias, eps);
    }),
);

/**
 * x [N, C, ...] normalised over every channel of every image, times weight [C], plus bias [C]. (Ulyanov et al., arXiv:1607.08022.)
 * @param eps default 1e-5
 * @throws ShapeError, DTypeError
 */
export const instanceNorm = defineOp(
  'instanceNorm',
  (x: Tensor, weight?: Tensor, bias?: Tensor, eps: number = 1e-5): Tensor =>
    scope(() => {
      expectImages('instanceNorm', x, 3);
      return groupsNormed('instanceNorm', x, Math.max(1, nth(x.shape, 1)), weight, bias, eps);
    }),
);

/** Options of {@link localResponseNorm}. */
export type LocalResponseNormOptions = {
  /** Default 1e-4. */
  readonly alpha?: number;
  /** Default 0.75. */
  readonly beta?: number;
  /** Default 1. */
  readonly k?: number;
};

/**
 * x [N, C, ...] over (k + alpha / size * sum of squares)^beta, the sum over the `size` channels around each: from c - floor(size / 2) to
 * c + floor((size - 1) / 2), zeros beyond the ends. (PyTorch's local_response_norm; ONNX's LRN for odd sizes.)
 * @throws ShapeError, DTypeError, LimitError
 */
export const localResponseNorm = defineOp(
  'localResponseNorm',
  (x: Tensor, size: number, { alpha = 1e-4, beta = 0.75, k = 1 }: LocalResponseNormOptions = {}): Tensor =>
    scope(() => {
      const op = 'localResponseNorm';
      expectImages(op, x, 2);
      if (!(Number.isInteger(size) && size >= 1))
        throw new LimitError(op, `size is ${size}`, 'give a whole number of at least 1');
      const [images = 0, channels = 0, ...rest] = x.shape;
      const planes = reshape(square(x), [images, 1, channels, sizeOf(rest)]);
      const padding = [Math.floor(size / 2), 0, Math.floor((size - 1) / 2), 0] as const;
      const means = reshape(avgPool2d(planes, [size, 1], { stride: 1, padding }), x.shape);
      return div(x, pow(add(mul(means, alpha), k), beta));
    }),
);
