/** Additions in place, for gradient accumulation and optimizers. */
import { isFloat } from '../../dtype.ts';
import { DTypeError, ShapeError } from '../../errors.ts';
import { broadcastShapes, expectDistinct, sameShape, showShape } from '../../shape.ts';
import { noteWork } from '../../definition/op.ts';
import { Tensor } from '../../tensor.ts';
import { evaluate, type Operand } from '../../pointwise/evaluate.ts';

/**
 * target += alpha * x, in place. `target` is any view of floats, `x` broadcasts to it; they must not share memory. Not differentiable.
 * @throws ShapeError when x does not broadcast to the target's shape; DTypeError when the target is no float; TensorError when memory is shared
 * @example
 * const total = zeros([2]);
 * addInto(total, tensor([1, 2]), 0.5);
 * console.log(await total.data()); // [0.5,1]
 */
export function addInto(target: Tensor, x: Tensor, alpha: Operand = 1): void {
  target.expectLive('addInto');
  x.expectLive('addInto');
  if (!isFloat(target.dtype)) throw new DTypeError('addInto', `target has dtype ${target.dtype}`, 'use f32 or f16');
  if (!sameShape(broadcastShapes('addInto', target.shape, x.shape), target.shape)) {
    throw new ShapeError(
      'addInto',
      `x of shape ${showShape(x.shape)} does not broadcast to the target's ${showShape(target.shape)}`,
      'sum it to the shape of the target first',
    );
  }
  expectDistinct('addInto', target.shape, target.strides);
  noteWork('addInto', () => ({ reads: alpha instanceof Tensor ? [x, alpha] : [x], writes: [target] }));
  const isPlain = alpha === 1;
  evaluate(target.device, {
    name: 'addInto',
    expression: isPlain ? 'o + x' : 'o + y * x',
    compute: 'f32',
    operands: isPlain ? { x } : { x, y: alpha },
    result: target,
    inPlace: true,
  });
}
