/** Class labels of logits, checked for losses and accuracies. */
import { expectDType } from '../dtype.ts';
import { ShapeError } from '../errors.ts';
import { sameShape, showShape } from '../shape.ts';
import type { Tensor } from '../tensor.ts';
import { expectRows } from './row-launch.ts';

/**
 * @returns rows and width of `logits` [..., classes], of which every row has a label in `labels` [...] (i32 or u32)
 * @throws ShapeError, DTypeError
 */
export function expectLabelled(op: string, logits: Tensor, labels: Tensor): ReturnType<typeof expectRows> {
  const rows = expectRows(op, 'logits', logits);
  labels.expectLive(op);
  expectDType(op, 'labels', labels.dtype, ['i32', 'u32']);
  if (!sameShape(labels.shape, logits.shape.slice(0, -1))) {
    throw new ShapeError(
      op,
      `labels have shape ${showShape(labels.shape)}, logits ${showShape(logits.shape)}`,
      'give one label for every row: logits [..., classes], labels [...]',
    );
  }
  return rows;
}
