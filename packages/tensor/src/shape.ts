/** Shapes, strides and axes. */
import { LimitError, ShapeError } from './errors.ts';
import { nth } from './values.ts';

/** Sizes of the axes, outermost first; [] for a scalar. */
export type Shape = readonly number[];

/** Most dimensions a tensor may have; kernels carry that many sizes and strides in their parameters. */
export const MAX_RANK = 8;

/** Number of elements; 1 for a scalar shape []. */
export function sizeOf(shape: Shape): number {
  return shape.reduce((product, size) => product * size, 1);
}

/** Row-major strides in elements. */
export function contiguousStrides(shape: Shape): number[] {
  const strides: number[] = Array.from({ length: shape.length }, () => 1);
  for (let axis = shape.length - 2; axis >= 0; axis -= 1)
    strides[axis] = nth(strides, axis + 1) * Math.max(1, nth(shape, axis + 1));
  return strides;
}

/** Whether elements lie in row-major order without gaps; strides of dimensions of size 1 do not matter. */
export function isContiguous(shape: Shape, strides: readonly number[]): boolean {
  let expected = 1;
  for (let axis = shape.length - 1; axis >= 0; axis -= 1) {
    const size = nth(shape, axis);
    if (size === 0) return true;
    if (size !== 1 && strides[axis] !== expected) return false;
    expected *= size;
  }
  return true;
}

/** Whether two shapes are equal, axis by axis. */
export function sameShape(a: Shape, b: Shape): boolean {
  return a.length === b.length && a.every((size, axis) => size === b[axis]);
}

/** A shape as messages show it: `[2, 3]`. */
export function showShape(shape: Shape): string {
  return `[${shape.join(', ')}]`;
}

/** Throws unless `shape` has whole non-negative sizes, at most {@link MAX_RANK} of them, and fewer than 2^32 elements. */
export function expectShape(op: string, shape: Shape): void {
  if (!Array.isArray(shape))
    throw new ShapeError(op, `shape is ${typeof shape} ${String(shape)}, not a list of sizes`, 'give a list: [2, 3]');
  if (shape.length > MAX_RANK)
    throw new LimitError(op, `shape ${showShape(shape)} has ${shape.length} dimensions`, `use at most ${MAX_RANK}`);
  const bad = shape.findIndex((size) => !Number.isInteger(size) || size < 0);
  if (bad >= 0)
    throw new ShapeError(
      op,
      `size ${shape[bad]} of axis ${bad} in ${showShape(shape)} is not a whole number >= 0`,
      'give whole sizes',
    );
  if (sizeOf(shape) >= 2 ** 32)
    throw new LimitError(op, `shape ${showShape(shape)} has ${sizeOf(shape)} elements`, 'keep tensors below 2^32 elements');
}

/** Axis counted from the front; negative axes count from the back. */
export function normalizeAxis(op: string, axis: number, shape: Shape, extra = 0): number {
  const rank = shape.length + extra;
  if (Number.isInteger(axis) && axis >= -rank && axis < rank) return axis < 0 ? axis + rank : axis;
  const range = rank === 0 ? 'a scalar has no axes' : `use an axis from ${-rank} to ${rank - 1}`;
  throw new ShapeError(op, `axis ${axis} is out of range for shape ${showShape(shape)}`, range);
}

/** Sorted distinct axes counted from the front; undefined means all. */
export function normalizeAxes(op: string, axes: number | readonly number[] | undefined, shape: Shape): number[] {
  if (axes === undefined) return shape.map((_, axis) => axis);
  const list = (typeof axes === 'number' ? [axes] : axes).map((axis) => normalizeAxis(op, axis, shape));
  const repeated = list.find((axis, index) => list.indexOf(axis) !== index);
  if (repeated !== undefined)
    throw new ShapeError(op, `axis ${repeated} is named twice in [${String(axes)}]`, 'name each axis once');
  return list.sort((a, b) => a - b);
}

/** The shape both broadcast to, by the rule of NumPy and PyTorch. */
export function broadcastShapes(op: string, a: Shape, b: Shape): number[] {
  const rank = Math.max(a.length, b.length);
  return Array.from({ length: rank }, (_, axis) => {
    const left = a[axis - rank + a.length] ?? 1;
    const right = b[axis - rank + b.length] ?? 1;
    if (left === right || right === 1) return left;
    if (left === 1) return right;
    throw new ShapeError(
      op,
      `shapes ${showShape(a)} and ${showShape(b)} do not broadcast: sizes ${left} and ${right} meet at axis ${axis} of the result`,
      'sizes must be equal or 1, counted from the last axis',
    );
  });
}

/** @throws ShapeError for a target in which one element appears at several places: the value written there would depend on the order of threads */
export function expectDistinct(op: string, shape: Shape, strides: readonly number[]): void {
  const axis = shape.findIndex((size, at) => size > 1 && strides[at] === 0);
  if (axis < 0) return;
  throw new ShapeError(
    op,
    `the target of shape ${showShape(shape)} repeats its elements along axis ${axis}`,
    'write into the tensor that was expanded, or into a copy: contiguousCopy(x)',
  );
}

/** Strides of a view of `shape` (with `strides`) broadcast to `target`: 0 where a dimension is repeated. */
export function broadcastStrides(shape: Shape, strides: readonly number[], target: Shape): number[] {
  const shift = target.length - shape.length;
  return target.map((size, axis) => (axis < shift || (shape[axis - shift] === 1 && size !== 1) ? 0 : nth(strides, axis - shift)));
}

export type Collapsed = { readonly shape: number[]; readonly strides: number[][] };

/**
 * Merges neighbouring dimensions that are contiguous in every operand and drops dimensions of size 1, so that kernels loop over few dimensions.
 * @param strides one list of strides per operand, each as long as `shape`
 */
export function collapse(shape: Shape, strides: readonly (readonly number[])[]): Collapsed {
  const outShape: number[] = [];
  const outStrides: number[][] = strides.map(() => []);
  for (let axis = 0; axis < shape.length; axis += 1) {
    const size = nth(shape, axis);
    if (size === 1) continue;
    const last = outShape.length - 1;
    const merges = last >= 0 && strides.every((list, operand) => outStrides[operand]?.[last] === nth(list, axis) * size);
    if (merges) outShape[last] = nth(outShape, last) * size;
    else outShape.push(size);
    strides.forEach((list, operand) => {
      const out = outStrides[operand];
      if (out) out[outShape.length - 1] = nth(list, axis);
    });
  }
  return { shape: outShape, strides: outStrides };
}

/** `values` in front of `fill`, `length` long; dimensions are right-aligned so that the last one stays last. */
export function padFront(values: readonly number[], length: number, fill: number): number[] {
  return [...Array.from({ length: length - values.length }, () => fill), ...values];
}
