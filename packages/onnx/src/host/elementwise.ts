/** Elementwise operators on host tensors, and what moves their elements. */
import { broadcastShapes } from '@mudpt/tensor/kernels';
import { type ElementType, isFloatType } from '../format/types.ts';
import { type HostTensor, hostTensor, stridesOf, walk } from './tensor.ts';

/** Strides of `shape` as part of the larger `target`: 0 where it is repeated. */
function broadcastStrides(shape: readonly number[], target: readonly number[]): number[] {
  const strides = stridesOf(shape);
  const lead = target.length - shape.length;
  return target.map((_, axis) => (axis < lead || shape[axis - lead] === 1 ? 0 : (strides[axis - lead] ?? 0)));
}

/** `compute` of the elements at each place of the operands, broadcast. */
export function mapElements(
  op: string,
  type: ElementType,
  operands: readonly HostTensor[],
  compute: (...values: number[]) => number,
): HostTensor {
  const shape = operands.reduce<readonly number[]>((all, operand) => broadcastShapes(op, all, operand.shape), []);
  const out: number[] = [];
  walk(
    shape,
    operands.map((operand) => broadcastStrides(operand.shape, shape)),
    (offsets) => out.push(compute(...operands.map(({ data }, i) => data[offsets[i] ?? 0] ?? 0))),
  );
  return hostTensor(type, shape, out);
}

/** The elements of `x` under another shape, read with other strides. */
export function viewed({ type, data }: HostTensor, shape: readonly number[], strides: readonly number[], offset = 0): HostTensor {
  const out: number[] = [];
  walk(shape, [strides], ([at = 0]) => out.push(data[offset + at] ?? 0));
  return hostTensor(type, shape, out);
}

export const reshaped = ({ type, data }: HostTensor, shape: readonly number[]): HostTensor => ({ type, shape, data });

export function expanded(x: HostTensor, shape: readonly number[]): HostTensor {
  return viewed(x, shape, broadcastStrides(x.shape, shape));
}

export function permuted(x: HostTensor, order: readonly number[]): HostTensor {
  const strides = stridesOf(x.shape);
  return viewed(
    x,
    order.map((axis) => x.shape[axis] ?? 1),
    order.map((axis) => strides[axis] ?? 1),
  );
}

/** Positions `start, start + step, ...` of each axis, `counts` of them. */
export function strided(x: HostTensor, starts: readonly number[], steps: readonly number[], counts: readonly number[]): HostTensor {
  const strides = stridesOf(x.shape);
  const offset = starts.reduce((sum, start, axis) => sum + start * (strides[axis] ?? 0), 0);
  return viewed(
    x,
    counts,
    strides.map((stride, axis) => stride * (steps[axis] ?? 1)),
    offset,
  );
}

export function joined(parts: readonly HostTensor[], axis: number): HostTensor {
  const [first] = parts as [HostTensor];
  const outer = first.shape.slice(0, axis).reduce((product, size) => product * size, 1);
  const out: number[] = [];
  for (let row = 0; row < outer; row += 1)
    for (const { data, shape } of parts) {
      const width = shape.slice(axis).reduce((product, size) => product * size, 1);
      for (let i = 0; i < width; i += 1) out.push(data[row * width + i] ?? 0);
    }
  const length = parts.reduce((sum, { shape }) => sum + (shape[axis] ?? 0), 0);
  return hostTensor(first.type, [...first.shape.slice(0, axis), length, ...first.shape.slice(axis + 1)], out);
}

/** Whole slices along `axis`; indices are inside of it. */
export function taken(x: HostTensor, indices: HostTensor, axis: number): HostTensor {
  const outer = x.shape.slice(0, axis).reduce((product, size) => product * size, 1);
  const inner = x.shape.slice(axis + 1).reduce((product, size) => product * size, 1);
  const size = x.shape[axis] ?? 1;
  const out: number[] = [];
  for (let row = 0; row < outer; row += 1)
    for (const given of indices.data) {
      const index = given < 0 ? given + size : given;
      if (!(index >= 0 && index < size)) throw new RangeError(`index ${given} is outside of axis ${axis} of size ${size}`);
      for (let i = 0; i < inner; i += 1) out.push(x.data[(row * size + index) * inner + i] ?? 0);
    }
  return hostTensor(x.type, [...x.shape.slice(0, axis), ...indices.shape, ...x.shape.slice(axis + 1)], out);
}

/** `combine` over the elements along `axes`, from `start`. */
export function reduced(
  x: HostTensor,
  axes: readonly number[],
  keepdim: boolean,
  start: number,
  combine: (total: number, value: number) => number,
): HostTensor {
  const kept = x.shape.map((size, axis) => (axes.includes(axis) ? 1 : size));
  const out = Array.from({ length: kept.reduce((product, size) => product * size, 1) }, () => start);
  const strides = stridesOf(kept).map((stride, axis) => (axes.includes(axis) ? 0 : stride));
  walk(x.shape, [strides], ([at = 0], position) => (out[at] = combine(out[at] ?? start, x.data[position] ?? 0)));
  return hostTensor(x.type, keepdim ? kept : x.shape.filter((_, axis) => !axes.includes(axis)), out);
}

/** Numbers of one type as another, as ONNX's Cast has it. */
export function converted(x: HostTensor, type: ElementType): HostTensor {
  if (type === 'bool') return hostTensor(type, x.shape, Array.from(x.data as ArrayLike<number>, (value) => Number(value !== 0)));
  const { data } = x;
  if (isFloatType(type) || !isFloatType(x.type)) return hostTensor(type, x.shape, data as ArrayLike<number>);
  return hostTensor(type, x.shape, Array.from(data as ArrayLike<number>, (value) => (Number.isFinite(value) ? value : 0)));
}
