/** Resizing: the gradient of a matrix along an axis is its transpose. */
import { banded, transposedBand } from '@mudpt/tensor/internal';
import { defineRule } from '../rule.ts';

defineRule(banded, (_, x, axis, band) => ({
  output: banded(x, axis, band),
  backward: (grad) => [banded(grad, axis, transposedBand(band))],
}));
