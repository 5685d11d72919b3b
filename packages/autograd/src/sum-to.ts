import { alias, cast, linearBackwardBias, permute, reshape, type Tensor } from '@mudpt/tensor';

/**
 * Undoes a broadcast: sums `gradient` over the axes along which a tensor of `shape` was repeated. The one place where that happens.
 * Returns a new handle.
 */
export function sumTo(gradient: Tensor, shape: readonly number[]): Tensor {
  if (gradient.shape.join() === shape.join()) return alias(gradient);
  const lead = gradient.rank - shape.length;
  const axes = gradient.shape.map((_, axis) => axis);
  const isSummed = (axis: number): boolean => axis < lead || (shape[axis - lead] === 1 && gradient.shape[axis] !== 1);
  const kept = axes.filter((axis) => !isSummed(axis));
  const size = shape.reduce((product, extent) => product * extent, 1);
  // Summed axes first, as rows; the sums of columns are what is left.
  using turned = permute(gradient, [...axes.filter(isSummed), ...kept]);
  using rows = reshape(turned, [size === 0 ? 0 : gradient.size / size, size]);
  using sums = linearBackwardBias(rows);
  using shaped = reshape(sums, shape);
  return cast(shaped, gradient.dtype);
}
