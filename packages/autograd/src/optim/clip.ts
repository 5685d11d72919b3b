/** Clipping of gradients, of all together in one pass over memory. */
import { add, clamp, div, mul, norm, type Tensor, TensorError } from '@mudpt/tensor/functions';
import { nth } from '@mudpt/tensor/internal';
import { view } from '@mudpt/tensor/kernels';
import type { Gradients } from '../tape/gradients.ts';
import { noGrad } from '../parameter.ts';
import { layOut, packInto } from './arena.ts';

/**
 * Scales all gradients together so that their common 2-norm is at most `most` (torch's clip_grad_norm_). Nothing is read by the host.
 * @returns the norm before clipping, a scalar
 * @throws TensorError when there are no gradients, or `most` is below 0
 */
export function clipGradNorm(gradients: Gradients, most: number): Tensor {
  if (!(most >= 0)) throw new TensorError('clipGradNorm', `most is ${most}`, 'give a number of at least 0');
  return together('clipGradNorm', gradients, (flat) => {
    const length = norm(flat);
    using safe = add(length, 1e-6);
    using ratio = div(most, safe);
    using factor = clamp(ratio, 0, 1);
    return { clipped: mul(flat, factor), result: length };
  });
}

/**
 * Brings every element of the gradients into -most..most (torch's clip_grad_value_).
 * @throws TensorError when there are no gradients, or `most` is not positive
 */
export function clipGradValue(gradients: Gradients, most: number): void {
  if (!(most > 0)) throw new TensorError('clipGradValue', `most is ${most}`, 'give a number above 0');
  together('clipGradValue', gradients, (flat) => ({ clipped: clamp(flat, -most, most), result: undefined }));
}

/** Replaces the gradients by views of what `clip` makes of all of them side by side. */
function together<R>(
  op: string,
  gradients: Gradients,
  clip: (flat: Tensor) => { readonly clipped: Tensor; readonly result: R },
): R {
  return noGrad(() => {
    if (gradients.size === 0) throw new TensorError(op, 'there are no gradients', 'give those of a loss');
    const list = [...gradients.values()];
    const places = layOut(list);
    using flat = packInto(list, places);
    const { clipped, result } = clip(flat);
    for (const [index, [parameter, gradient]] of [...gradients].entries()) {
      const strides = gradient.shape.map((_, axis) => gradient.shape.slice(axis + 1).reduce((a, b) => a * b, 1));
      gradients.set(parameter, view(clipped, { shape: gradient.shape, strides, offset: nth(places.offsets, index) }));
      gradient.dispose();
    }
    clipped.dispose();
    return result;
  });
}
