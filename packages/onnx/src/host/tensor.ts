/** Tensors in host memory: constants of a model, and the shapes and indices that it computes with. */
import { type HostArray, sizeOf } from '@mudpt/tensor';
import { type ElementType, isFloatType, rangeOf } from '../format/types.ts';

/** Numbers in row-major order. Integers of 64 bits are whole numbers in an array of doubles; half floats are single floats. */
export type HostTensor = { readonly type: ElementType; readonly shape: readonly number[]; readonly data: HostArray };

/** A tensor of numbers that an operator computed, rounded to its type. */
export function hostTensor(type: ElementType, shape: readonly number[], values: ArrayLike<number>): HostTensor {
  if (values.length !== sizeOf(shape)) throw new RangeError(`${values.length} values for shape [${shape.join(', ')}]`);
  if (type === 'double') return { type, shape, data: Float64Array.from(values) };
  if (isFloatType(type)) return { type, shape, data: Float32Array.from(values) };
  if (type === 'bool') return { type, shape, data: Uint8Array.from(values, (value) => (value === 0 ? 0 : 1)) };
  return { type, shape, data: Float64Array.from(values, (value) => wrapped(type, value)) };
}

export const hostScalar = (type: ElementType, value: number): HostTensor => hostTensor(type, [], [value]);
export const hostVector = (values: readonly number[]): HostTensor => hostTensor('int64', [values.length], values);

/** An integer as its type holds it: what does not fit wraps around. Those of 64 bits are exact to 2^53. */
export function wrapped(type: ElementType, value: number): number {
  const [low, high] = rangeOf(type) ?? [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY];
  const whole = Math.trunc(value);
  if (whole >= low && whole <= high) return whole;
  const count = high - low + 1;
  return Number.isFinite(whole) && high < 2 ** 53 ? ((((whole - low) % count) + count) % count) + low : whole;
}

/** The numbers as a plain list. */
export const listOf = ({ data }: HostTensor): number[] => Array.from(data as ArrayLike<number>);

/** Distances between neighbours along each axis, counted in elements. */
export function stridesOf(shape: readonly number[]): number[] {
  const strides = shape.map(() => 1);
  for (let axis = shape.length - 2; axis >= 0; axis -= 1) strides[axis] = (strides[axis + 1] ?? 1) * (shape[axis + 1] ?? 1);
  return strides;
}

/** Calls `visit` with the offset of every element of `shape` (in row-major order) in each layout of strides. */
export function walk(
  shape: readonly number[],
  layouts: readonly (readonly number[])[],
  visit: (offsets: readonly number[], position: number, at: readonly number[]) => void,
): void {
  const size = sizeOf(shape);
  const at = shape.map(() => 0);
  const offsets = layouts.map(() => 0);
  for (let position = 0; position < size; position += 1) {
    visit(offsets, position, at);
    for (let axis = shape.length - 1; axis >= 0; axis -= 1) {
      const isLast = at[axis] === (shape[axis] ?? 0) - 1;
      const steps = isLast ? -(at[axis] ?? 0) : 1;
      layouts.forEach((strides, i) => (offsets[i] = (offsets[i] ?? 0) + steps * (strides[axis] ?? 0)));
      at[axis] = (at[axis] ?? 0) + steps;
      if (!isLast) break;
    }
  }
}
