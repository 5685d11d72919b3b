/** Axis views: a tensor as lines along one axis, for kernels that iterate over it. */
import { collapse, contiguousStrides, MAX_RANK, padFront, type Shape } from '../shape.ts';
import type { Tensor } from '../tensor.ts';
import { nth } from '../values.ts';

/** A tensor seen as lines along one axis, for kernels that work on such lines (sort, scan). */
export type AxisView = {
  readonly lines: number;
  readonly length: number;
  /** Parameters: sizes across the lines, strides there and along them, of x and of a contiguous y. */
  readonly params: {
    readonly lines: number;
    readonly length: number;
    readonly x_offset: number;
    readonly x_step: number;
    readonly y_step: number;
    readonly shape: readonly number[];
    readonly x_strides: readonly number[];
    readonly y_strides: readonly number[];
  };
};

/** Lines of `x` along `axis` (normalised), and where they lie in a contiguous tensor of `yShape`, which may differ along the axis. */
export function axisView(x: Tensor, axis: number, yShape: Shape = x.shape): AxisView {
  const across = <V>(list: readonly V[]): V[] => list.filter((_, at) => at !== axis);
  const yStrides = contiguousStrides(yShape);
  const merged = collapse(across(x.shape), [across(x.strides), across(yStrides)]);
  const length = nth(x.shape, axis);
  const lines = across(x.shape).reduce((product, size) => product * size, 1);
  const wrap = (list: readonly number[] | undefined): number[] => padFront(list ?? [], MAX_RANK, 0).map((stride) => stride >>> 0);
  return {
    lines,
    length,
    params: {
      lines,
      length,
      x_offset: x.offset,
      x_step: nth(x.strides, axis) >>> 0,
      y_step: nth(yStrides, axis),
      shape: padFront(merged.shape, MAX_RANK, 1),
      x_strides: wrap(merged.strides[0]),
      y_strides: wrap(merged.strides[1]),
    },
  };
}
