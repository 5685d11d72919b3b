/** Softmax and its logarithm along any axis. */
import { softmaxBackwardWgsl, softmaxForwardWgsl } from '@mudpt/shaders';
import { bytesPerElement, wgslType } from '../../dtype.ts';
import { kernel } from '../../kernels/kernel.ts';
import { defineOp } from '../../definition/op.ts';
import { empty } from '../../definition/views.ts';
import type { Tensor } from '../../tensor.ts';
import { withAxisLast } from './normalize.ts';
import { unitOf } from '../../kernels/axes.ts';
import { expectRows, rowLaunch, RowView } from '../../kernels/row-launch.ts';

const forwardKernel = kernel({ name: 'softmax', source: softmaxForwardWgsl });
const backwardKernel = kernel({ name: 'softmax.backward', source: softmaxBackwardWgsl });

/** Bits of an f32 NaN, as kernels take it. */
export const NAN_BITS = 0x7fc00000;

function forward(x: Tensor, log: 0 | 1): Tensor {
  const { rows, width } = expectRows(log ? 'logSoftmax' : 'softmax', 'x', x);
  using input = new RowView(x);
  const unit = unitOf([width, input.offset, input.stride]);
  const { variant, grid } = rowLaunch(x.device, 'softmax', rows, width);
  const y = empty(x.device, x.shape, x.dtype);
  forwardKernel.dispatch(x.device, {
    buffers: { x: input.tensor, y },
    params: {
      rows,
      width: width / unit,
      x_offset: input.offset / unit,
      x_stride: (input.stride / unit) >>> 0,
      not_a_number: NAN_BITS,
    },
    grid,
    defines: { T: wgslType(x.dtype), W: 'f32', V: unit, ROWS: variant, LOG: log },
    flops: 5 * x.size,
    bytes: 2 * x.size * bytesPerElement(x.dtype),
  });
  return y;
}

function backward(y: Tensor, grad: Tensor, log: 0 | 1): Tensor {
  const { rows, width } = expectRows('softmaxBackward', 'y', y);
  expectRows('softmaxBackward', 'grad', grad);
  using output = new RowView(y);
  using cotangent = new RowView(grad);
  const unit = unitOf([width, output.offset, output.stride, cotangent.offset, cotangent.stride]);
  const { variant, grid } = rowLaunch(y.device, 'softmax', rows, width);
  const dx = empty(y.device, y.shape, y.dtype);
  backwardKernel.dispatch(y.device, {
    buffers: { y: output.tensor, grad: cotangent.tensor, dx },
    params: {
      rows,
      width: width / unit,
      y_offset: output.offset / unit,
      y_stride: (output.stride / unit) >>> 0,
      grad_offset: cotangent.offset / unit,
      grad_stride: (cotangent.stride / unit) >>> 0,
    },
    grid,
    defines: { T: wgslType(y.dtype), W: 'f32', V: unit, ROWS: variant, LOG: log },
    flops: 5 * y.size,
    bytes: 3 * y.size * bytesPerElement(y.dtype),
  });
  return dx;
}

/**
 * exp(x) over its sum along `axis` (default the last), safe for any size of values. Floats; x's shape and dtype. Minus infinity counts for 0; a line of nothing but minus infinity is
 * NaN, as in PyTorch.
 */
export const softmax = defineOp('softmax', (x: Tensor, axis: number = -1): Tensor => {
  x.expectLive('softmax');
  return withAxisLast('softmax', axis, [x], (last) => forward(last as Tensor, 0));
});

/** The logarithm of {@link softmax} along `axis` (default the last), without the rounding of taking it afterwards. Floats; x's shape and dtype. */
export const logSoftmax = defineOp('logSoftmax', (x: Tensor, axis: number = -1): Tensor => {
  x.expectLive('logSoftmax');
  return withAxisLast('logSoftmax', axis, [x], (last) => forward(last as Tensor, 1));
});

/** Gradient of {@link softmax} from its output: y * (grad - sum(grad * y)). */
export function softmaxBackward(y: Tensor, grad: Tensor, axis = -1): Tensor {
  return withAxisLast('softmaxBackward', axis, [y, grad], (last, turned) => backward(last as Tensor, turned as Tensor, 0));
}

/** Gradient of {@link logSoftmax} from its output: grad - exp(y) * sum(grad). */
export function logSoftmaxBackward(y: Tensor, grad: Tensor, axis = -1): Tensor {
  return withAxisLast('logSoftmaxBackward', axis, [y, grad], (last, turned) => backward(last as Tensor, turned as Tensor, 1));
}
