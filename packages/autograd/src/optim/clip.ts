import { add, clamp, div, mul, norm, type Tensor, TensorError } from '@mudpt/tensor';
import { nth } from '@mudpt/tensor/internal';
import { view } from '@mudpt/tensor/kernels';
import type { Gradients } from '../tape/gradients.ts';
import { noGrad } from '../parameter.ts';
import { layOut, packInto } from './arena.ts';

/**
 * Scales all gradients together so that their common 2-norm is at most `most` (torch's clip_grad_norm_). Nothing is read by the host.
 * @returns the norm before clipping, a scalar
 * @throws TensorError when there are no gradients
 */
export function clipGradNorm(gradients: Gradients, most: number): Tensor {
  return noGrad(() => {
    if (gradients.size === 0) throw new TensorError('clipGradNorm', 'there are no gradients', 'give those of a loss');
    const list = [...gradients.values()];
    const places = layOut(list);
    using flat = packInto(list, places);
    const length = norm(flat);
    using safe = add(length, 1e-6);
    using ratio = div(most, safe);
    using factor = clamp(ratio, 0, 1);
    using scaled = mul(flat, factor);
    for (const [index, [parameter, gradient]] of [...gradients].entries()) {
      const strides = gradient.shape.map((_, axis) => gradient.shape.slice(axis + 1).reduce((a, b) => a * b, 1));
      gradients.set(parameter, view(scaled, { shape: gradient.shape, strides, offset: nth(places.offsets, index) }));
      gradient.dispose();
    }
    return length;
  });
}
