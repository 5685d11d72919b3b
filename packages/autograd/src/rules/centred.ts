/** Differences from a mean, for the gradients of variances and norms. */
import { mean, sub, type Tensor } from '@mudpt/tensor/functions';

/** x less its mean over `axes`; the mean of what is left goes, too: it is what the first lost where it was rounded. */
export function centred(x: Tensor, axes: number | readonly number[]): Tensor {
  const near = sub(x, mean(x, axes, { keepdim: true }));
  return sub(near, mean(near, axes, { keepdim: true }));
}
