/** Resizing: the gradient of a matrix along an axis is its transpose. */
import { banded, transposedBand } from '@mudpt/tensor/internal';
import { ruleFor } from '../rule.ts';

export const bandedRule = ruleFor(banded, (_, x, axis, band) => ({
  output: banded(x, axis, band),
  backward: (grad) => [banded(grad, axis, transposedBand(band))],
}));
