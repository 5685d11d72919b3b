/** Top-1 accuracy as a count. */
import { countCorrectWgsl } from '@mudpt/shaders';
import { bytesPerElement, wgslType } from '../../dtype.ts';
import { kernel } from '../../kernels/kernel.ts';
import { defineOp } from '../../definition/op.ts';
import { empty } from '../../definition/views.ts';
import type { Tensor } from '../../tensor.ts';
import { contiguous } from '../views/copy.ts';
import { zeros } from '../create/create.ts';
import { expectLabelled } from '../../kernels/labels.ts';
import { rowLaunch, RowView } from '../../kernels/row-launch.ts';

const countKernel = kernel({ name: 'count_correct', source: countCorrectWgsl });

/**
 * How many rows of logits [..., classes] are largest at their label [...] (i32 or u32), of equal ones at the first: what a top-1 accuracy
 * counts, in one kernel, for batches. A label outside the classes counts for nothing, nor does a row with a NaN.
 * @returns a scalar, f32 so that it can be averaged
 * @throws ShapeError, DTypeError
 */
export const countCorrect = defineOp('countCorrect', (logits: Tensor, labels: Tensor): Tensor => {
  const { rows, width } = expectLabelled('countCorrect', logits, labels);
  const { device } = logits;
  if (logits.size === 0) return zeros([], { device });
  using input = new RowView(logits);
  using list = contiguous.run(labels);
  const result = empty(device, []);
  const { variant } = rowLaunch(device, 'loss', 1, width);
  countKernel.dispatch(device, {
    buffers: { x: input.tensor, labels: list, result },
    params: { rows, classes: width, x_offset: input.offset, x_stride: input.stride >>> 0, labels_offset: list.offset },
    grid: [1],
    defines: { T: wgslType(logits.dtype), W: 'f32', V: 1, ROWS: variant },
    flops: logits.size,
    bytes: logits.size * bytesPerElement(logits.dtype),
  });
  return result;
});
