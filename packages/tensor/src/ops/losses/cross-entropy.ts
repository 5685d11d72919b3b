/** Cross-entropy of logits with class labels, forward and gradient, without storing probabilities. */
import { lossCrossEntropyWgsl } from '@mudpt/shaders';
import { bytesPerElement, wgslType } from '../../dtype.ts';
import { LimitError } from '../../errors.ts';
import { kernel } from '../../kernels/kernel.ts';
import { defineOp } from '../../definition/op.ts';
import { expectOneOf } from '../../definition/options.ts';
import { sizeOf } from '../../shape.ts';
import { empty } from '../../definition/views.ts';
import type { Tensor } from '../../tensor.ts';
import { contiguous } from '../views/copy.ts';
import { checkIndices } from '../../kernels/index-check.ts';
import { expectLabelled } from '../../kernels/labels.ts';
import { type Counting, reduceLosses } from '../../kernels/loss-reduce.ts';
import { unitOf } from '../../kernels/axes.ts';
import { rowLaunch, RowView } from '../../kernels/row-launch.ts';
import { NAN_BITS } from '../norms/softmax.ts';
import { lastOf } from '../../values.ts';

const crossEntropyKernel = kernel({ name: 'loss.cross_entropy', source: lossCrossEntropyWgsl });

/** Options of {@link crossEntropy}. */
export type CrossEntropyOptions = {
  /** Default 'mean': over the rows whose label is not ignored (NaN if there are none). 'none' keeps one loss per row. */
  readonly reduction?: 'mean' | 'sum' | 'none';
  /** Part of the target spread evenly over all classes. Default 0. */
  readonly labelSmoothing?: number;
  /** Rows with this label count for nothing. Default -100. */
  readonly ignoreIndex?: number;
  /** Factor of the logits (temperature). Default 1. */
  readonly scale?: number;
};

/** The loss and what its gradient reads. */
export type CrossEntropyResult = {
  readonly loss: Tensor;
  /** Log of the sum of exponentials of every row, f32, for the gradient. */
  readonly lse: Tensor;
  /** How many rows count, for a mean. */
  readonly counted: Tensor | undefined;
};

/** The options of {@link crossEntropy}, settled. @throws ShapeError, DTypeError, LimitError, TensorError */
export function crossEntropyOptions(logits: Tensor, labels: Tensor, options: CrossEntropyOptions): Required<CrossEntropyOptions> {
  expectLabelled('crossEntropy', logits, labels);
  const { reduction = 'mean', labelSmoothing = 0, ignoreIndex = -100, scale = 1 } = options;
  expectOneOf('crossEntropy', 'reduction', reduction, ['mean', 'sum', 'none']);
  if (!(labelSmoothing >= 0 && labelSmoothing <= 1))
    throw new LimitError('crossEntropy', `labelSmoothing is ${labelSmoothing}`, 'give a number from 0 to 1');
  if (!Number.isInteger(ignoreIndex))
    throw new LimitError('crossEntropy', `ignoreIndex is ${ignoreIndex}`, 'give a whole number');
  return { reduction, labelSmoothing, ignoreIndex, scale };
}

/** Parameters of both passes: rows of logits in units of `unit` elements, a label a row. */
function rowParams(
  input: RowView,
  labels: Tensor,
  classes: number,
  unit: number,
  { ignoreIndex, labelSmoothing, scale }: Required<CrossEntropyOptions>,
) {
  return {
    rows: labels.size,
    width: classes / unit,
    classes,
    x_offset: input.offset / unit,
    x_stride: (input.stride / unit) >>> 0,
    labels_offset: labels.offset,
    ignored: ignoreIndex >>> 0,
    not_a_number: NAN_BITS,
    scale,
    smoothing: labelSmoothing,
  };
}

/** {@link crossEntropy} with what its gradient reads. */
export function crossEntropyForward(logits: Tensor, labels: Tensor, options: CrossEntropyOptions = {}): CrossEntropyResult {
  const settled = crossEntropyOptions(logits, labels, options);
  const { reduction, ignoreIndex } = settled;
  const { device } = logits;
  const rows = sizeOf(labels.shape);
  const classes = lastOf(logits.shape);
  using input = new RowView(logits);
  using list = contiguous.run(labels);
  checkIndices('crossEntropy', labels, classes, { isNegativeOutside: true, ignored: ignoreIndex, axis: logits.rank - 1 });
  const losses = empty(device, labels.shape);
  const lse = empty(device, labels.shape);
  const unit = unitOf([classes, input.offset, input.stride]);
  const { variant, grid } = rowLaunch(device, 'loss', rows, classes);
  using dx = empty(device, [1], logits.dtype);
  crossEntropyKernel.dispatch(device, {
    buffers: { x: input.tensor, labels: list, losses, lse, counted: input.tensor, grad: input.tensor, dx },
    params: {
      ...rowParams(input, list, classes, unit, settled),
      is_backward: false,
      grad_offset: 0,
      grad_stride: 0,
      is_mean: false,
    },
    grid,
    defines: { T: wgslType(logits.dtype), W: 'f32', V: unit, ROWS: variant },
    flops: 8 * logits.size,
    bytes: logits.size * bytesPerElement(logits.dtype),
  });
  if (reduction === 'none') return { loss: losses, lse, counted: undefined };
  const counted = reduction === 'mean' ? empty(device, []) : undefined;
  const counting: Counting | undefined = counted && { labels: list, ignored: ignoreIndex >>> 0, counted };
  const loss = reduceLosses(losses, 1, counting);
  losses.dispose();
  return { loss, lse, counted };
}

/**
 * Cross-entropy of logits [..., classes] with labels [...] (i32 or u32); a scalar, or one loss per label. Always f32.
 * A label outside the classes makes its loss NaN: the values are known to the GPU only. To find it, set `device.checkIndices`.
 * @throws ShapeError, DTypeError, LimitError for a smoothing outside 0..1 or an index that is not whole
 * @example
 * const loss = tensor([[0, 0], [0, 9]]).crossEntropy(tensor(Int32Array.of(0, -100)));
 * console.log((await loss.item()).toFixed(3)); // 0.693
 */
export const crossEntropy = defineOp(
  'crossEntropy',
  (logits: Tensor, labels: Tensor, options: CrossEntropyOptions = {}): Tensor => {
    const { loss, lse, counted } = crossEntropyForward(logits, labels, options);
    lse.dispose();
    counted?.dispose();
    return loss;
  },
);

/** Saved tensors and cotangent that the gradient of the logits is computed from. */
export type CrossEntropyBackward = Omit<CrossEntropyResult, 'loss'> & {
  readonly logits: Tensor;
  readonly labels: Tensor;
  /** Cotangent of the loss: a scalar, or one number per label for reduction 'none'; f32. */
  readonly grad: Tensor;
};

/** Gradient of {@link crossEntropy} with respect to the logits, in one pass: (p - target) * scale * grad. */
export function crossEntropyBackward(saved: CrossEntropyBackward, options: CrossEntropyOptions = {}): Tensor {
  const { logits, labels, lse, counted } = saved;
  const settled = crossEntropyOptions(logits, labels, options);
  const { reduction } = settled;
  const { device } = logits;
  const classes = lastOf(logits.shape);
  using input = new RowView(logits);
  using list = contiguous.run(labels);
  using grad = contiguous.run(saved.grad);
  const dx = empty(device, logits.shape, logits.dtype);
  const unit = unitOf([classes, input.offset, input.stride]);
  const { variant, grid } = rowLaunch(device, 'loss', labels.size, classes);
  using losses = empty(device, [1]);
  crossEntropyKernel.dispatch(device, {
    buffers: { x: input.tensor, labels: list, losses, lse, counted: counted ?? input.tensor, grad, dx },
    params: {
      ...rowParams(input, list, classes, unit, settled),
      is_backward: true,
      grad_offset: grad.offset,
      grad_stride: reduction === 'none' ? 1 : 0,
      is_mean: reduction === 'mean',
    },
    grid,
    defines: { T: wgslType(logits.dtype), W: 'f32', V: unit, ROWS: variant },
    flops: 6 * logits.size,
    bytes: 2 * logits.size * bytesPerElement(logits.dtype),
  });
  return dx;
}
