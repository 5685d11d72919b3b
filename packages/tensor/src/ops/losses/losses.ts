/** Losses between two tensors of one shape: Kullback-Leibler divergence of logits, mean or summed absolute and squared error. */
import { lossKlWgsl, lossPairWgsl } from '@mudpt/shaders';
import { bytesPerElement, expectDType, wgslType } from '../../dtype.ts';
import { ShapeError } from '../../errors.ts';
import { grid1d, kernel } from '../../kernels/kernel.ts';
import { defineOp } from '../../definition/op.ts';
import { expectOneOf } from '../../definition/options.ts';
import { sameShape, showShape } from '../../shape.ts';
import { empty } from '../../definition/views.ts';
import type { Tensor } from '../../tensor.ts';
import { contiguous } from '../views/copy.ts';
import { reduceLosses } from '../../kernels/loss-reduce.ts';
import { evaluate } from '../../pointwise/evaluate.ts';
import { unitOf } from '../../kernels/axes.ts';
import { expectRows, rowLaunch, RowView } from '../../kernels/row-launch.ts';
import { NAN_BITS } from '../norms/softmax.ts';
import { lastOf } from '../../values.ts';

const klKernel = kernel({ name: 'loss.kl', source: lossKlWgsl });
const pairKernel = kernel({ name: 'loss.pair', source: lossPairWgsl });

function expectPair(op: string, x: Tensor, target: Tensor): void {
  x.expectLive(op);
  target.expectLive(op);
  expectDType(op, 'x', x.dtype, ['f32', 'f16']);
  expectDType(op, 'target', target.dtype, [x.dtype]);
  if (!sameShape(x.shape, target.shape)) {
    throw new ShapeError(op, `x has shape ${showShape(x.shape)}, target ${showShape(target.shape)}`, 'give both one shape');
  }
}

/** Options of {@link klDiv}. */
export type KlDivOptions = {
  /** 'mean' (default) divides by all elements, 'batchmean' by rows, 'sum' by nothing. */
  readonly reduction?: 'mean' | 'batchmean' | 'sum';
};

/** The divergence and what its gradient reads. */
export type KlDivResult = {
  readonly loss: Tensor;
  /** Log of the sums of exponentials of x and target, [..., 2], for the gradient. */
  readonly lse: Tensor;
};

/** What the sum of terms of {@link klDiv} is multiplied by. @throws ShapeError, DTypeError, TensorError for what klDiv does not take */
export function klFactor(x: Tensor, target: Tensor, { reduction = 'mean' }: KlDivOptions): number {
  expectRows('klDiv', 'x', x);
  expectPair('klDiv', x, target);
  expectOneOf('klDiv', 'reduction', reduction, ['mean', 'batchmean', 'sum']);
  const width = lastOf(x.shape);
  return reduction === 'sum' ? 1 : 1 / (reduction === 'mean' ? x.size : x.size / width);
}

/** {@link klDiv} with what its gradient reads. */
export function klDivForward(x: Tensor, target: Tensor, options: KlDivOptions = {}): KlDivResult {
  const factor = klFactor(x, target, options);
  const { rows, width } = expectRows('klDiv', 'x', x);
  using input = new RowView(x);
  using wanted = new RowView(target);
  using losses = empty(x.device, [rows]);
  const lse = empty(x.device, [...x.shape.slice(0, -1), 2]);
  const unit = unitOf([width, input.offset, input.stride, wanted.offset, wanted.stride]);
  const { variant, grid } = rowLaunch(x.device, 'loss', rows, width);
  klKernel.dispatch(x.device, {
    buffers: { x: input.tensor, wanted: wanted.tensor, losses, lse },
    params: rowParams(rows, width, unit, input, wanted),
    grid,
    defines: { T: wgslType(x.dtype), W: 'f32', V: unit, ROWS: variant, MODE: 'forward' },
    flops: 16 * x.size,
    bytes: 2 * x.size * bytesPerElement(x.dtype),
  });
  return { loss: reduceLosses(losses, factor), lse };
}

function rowParams(rows: number, width: number, unit: number, input: RowView, wanted: RowView): Record<string, number> {
  return {
    rows,
    width: width / unit,
    x_offset: input.offset / unit,
    x_stride: (input.stride / unit) >>> 0,
    wanted_offset: wanted.offset / unit,
    wanted_stride: (wanted.stride / unit) >>> 0,
    not_a_number: NAN_BITS,
  };
}

/**
 * Kullback-Leibler divergence sum(q (log q - log p)) of p = softmax(x) from q = softmax(target) along the last axis, both given as
 * logits; a scalar. The target is a constant: it gets no gradient. (PromptSRC's loss with the default reduction.)
 */
export const klDiv = defineOp('klDiv', (x: Tensor, target: Tensor, options: KlDivOptions = {}): Tensor => {
  const { loss, lse } = klDivForward(x, target, options);
  lse.dispose();
  return loss;
});

/** Gradient of {@link klDiv} with respect to x: (p - q) * grad / divisor. */
export function klDivBackward(
  saved: { readonly x: Tensor; readonly target: Tensor; readonly lse: Tensor; readonly grad: Tensor },
  options: KlDivOptions = {},
): Tensor {
  const { x, target, lse, grad } = saved;
  const { rows, width } = expectRows('klDivBackward', 'x', x);
  using input = new RowView(x);
  using wanted = new RowView(target);
  const dx = empty(x.device, x.shape, x.dtype);
  const unit = unitOf([width, input.offset, input.stride, wanted.offset, wanted.stride]);
  const { variant, grid } = rowLaunch(x.device, 'loss', rows, width);
  klKernel.dispatch(x.device, {
    buffers: { x: input.tensor, wanted: wanted.tensor, lse, grad, dx },
    params: { ...rowParams(rows, width, unit, input, wanted), grad_offset: grad.offset, factor: klFactor(x, target, options) },
    grid,
    defines: { T: wgslType(x.dtype), W: 'f32', V: unit, ROWS: variant, MODE: 'backward' },
    flops: 8 * x.size,
    bytes: 3 * x.size * bytesPerElement(x.dtype),
  });
  return dx;
}

/** Options of {@link l1Loss} and {@link mseLoss}. */
export type PairLossOptions = {
  /** 'mean' (default) divides by all elements; 'none' keeps a term for each, f32. */
  readonly reduction?: 'mean' | 'sum' | 'none';
};
type Kind = 'l1' | 'mse';

/** Elements added up by one row of threads before the last step. */
const CHUNK = 1024;

function pairFactor(x: Tensor, { reduction = 'mean' }: PairLossOptions): number {
  return reduction === 'mean' ? 1 / x.size : 1;
}

/** The reduction of {@link l1Loss} or {@link mseLoss}. @throws ShapeError, DTypeError, TensorError for what they do not take */
export function pairReduction(
  op: string,
  x: Tensor,
  target: Tensor,
  { reduction = 'mean' }: PairLossOptions,
): 'mean' | 'sum' | 'none' {
  expectPair(op, x, target);
  expectOneOf(op, 'reduction', reduction, ['mean', 'sum', 'none']);
  return reduction;
}

function pairLoss(op: string, kind: Kind, x: Tensor, target: Tensor, options: PairLossOptions): Tensor {
  const reduction = pairReduction(op, x, target, options);
  if (reduction === 'none') return termsOf(kind, x, target);
  using left = contiguous.run(x);
  using right = contiguous.run(target);
  const rows = Math.ceil(x.size / CHUNK);
  using losses = empty(x.device, [rows]);
  const { variant, grid } = rowLaunch(x.device, 'loss', rows, CHUNK);
  pairKernel.dispatch(x.device, {
    buffers: { x: left, wanted: right, losses },
    params: { count: x.size, x_offset: left.offset, wanted_offset: right.offset, rows, chunk: CHUNK },
    grid,
    defines: { T: wgslType(x.dtype), W: 'f32', V: 1, ROWS: variant, KIND: kind, MODE: 'forward' },
    flops: 3 * x.size,
    bytes: 2 * x.size * bytesPerElement(x.dtype),
  });
  return reduceLosses(losses, pairFactor(x, options));
}

/** A term for each element: f32, as the sums of them are. */
function termsOf(kind: Kind, x: Tensor, target: Tensor): Tensor {
  const terms = empty(x.device, x.shape);
  const expression = kind === 'l1' ? 'abs(x - y)' : '(x - y) * (x - y)';
  evaluate(x.device, { name: `loss.${kind}`, expression, compute: 'f32', operands: { x, y: target }, result: terms });
  return terms;
}

function pairBackward(op: string, kind: Kind, saved: PairLossSaved, options: PairLossOptions): Tensor {
  const { x, target, grad } = saved;
  expectPair(op, x, target);
  using left = contiguous.run(x);
  using right = contiguous.run(target);
  const dx = empty(x.device, x.shape, x.dtype);
  pairKernel.dispatch(x.device, {
    buffers: { x: left, wanted: right, grad, dx },
    params: {
      count: x.size,
      x_offset: left.offset,
      wanted_offset: right.offset,
      grad_offset: grad.offset,
      factor: pairFactor(x, options),
    },
    grid: grid1d(x.size, 64),
    defines: { T: wgslType(x.dtype), W: 'f32', V: 1, ROWS: 'row', KIND: kind, MODE: 'backward' },
    flops: 3 * x.size,
    bytes: 3 * x.size * bytesPerElement(x.dtype),
  });
  return dx;
}

/** Saved tensors and cotangent that the gradient of a loss between two tensors is computed from. */
export type PairLossSaved = {
  readonly x: Tensor;
  readonly target: Tensor;
  /** Cotangent of the loss, a scalar. */
  readonly grad: Tensor;
};

/** Mean, sum or all of |x - target|, floats of one shape. @throws ShapeError, DTypeError */
export const l1Loss = defineOp('l1Loss', (x: Tensor, target: Tensor, options: PairLossOptions = {}): Tensor => {
  return pairLoss('l1Loss', 'l1', x, target, options);
});

/** Mean, sum or all of (x - target)^2, floats of one shape. @throws ShapeError, DTypeError */
export const mseLoss = defineOp('mseLoss', (x: Tensor, target: Tensor, options: PairLossOptions = {}): Tensor => {
  return pairLoss('mseLoss', 'mse', x, target, options);
});

/** Gradient of {@link l1Loss} with respect to x; that of the target is its negative. 0 where both are equal. */
export function l1LossBackward(saved: PairLossSaved, options: PairLossOptions = {}): Tensor {
  return pairBackward('l1LossBackward', 'l1', saved, options);
}

/** Gradient of {@link mseLoss} with respect to x; that of the target is its negative. */
export function mseLossBackward(saved: PairLossSaved, options: PairLossOptions = {}): Tensor {
  return pairBackward('mseLossBackward', 'mse', saved, options);
}
