/** Differences from a mean, for the gradients of variances and norms. */
import { mean, sub, type Tensor } from '@mudpt/tensor/functions';

/** x less its mean over `axes`. The mean of the difference is subtracted as well: it is the rounding error of the first mean. */
export function centred(x: Tensor, axes: number | readonly number[]): Tensor {
  const near = sub(x, mean(x, axes, { keepdim: true }));
  return sub(near, mean(near, axes, { keepdim: true }));
}
