/** Special points of structured ops: their type, and inputs that several of them have. */
import type { Nested, Tensor } from '@mudpt/tensor';

export const [inf, nan] = [Infinity, NaN];

/** A structured op at a point of one tensor: its value, and the gradient of the sum of its values, or of `weights` times them. */
export type SpecialCase = {
  readonly name: string;
  readonly run: (x: Tensor) => Tensor;
  readonly x: Nested;
  readonly value: readonly number[];
  readonly weights?: readonly number[];
  readonly gradient?: readonly number[];
};

export const rowOfNaN = [
  [1, nan, 2],
  [0, 0, 0],
];
export const none = [
  [-inf, -inf, -inf],
  [0, 0, 0],
];
export const nans = [nan, nan, nan];
