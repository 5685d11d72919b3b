/** Sizes and strides of tensors as kernel parameters. */
import { MAX_RANK, padFront } from '../shape.ts';

/** Sizes as a kernel parameter of {@link MAX_RANK} numbers; the last axis stays last. */
export function sizesParam(shape: readonly number[]): number[] {
  return padFront(shape, MAX_RANK, 1);
}

/** Strides as a kernel parameter; negative ones become u32 numbers that wrap around to the same place. */
export function stridesParam(strides: readonly number[] = []): number[] {
  return padFront(strides, MAX_RANK, 0).map((stride) => stride >>> 0);
}

/** `list` without its element at `axis`. */
export function without(list: readonly number[], axis: number): number[] {
  return list.filter((_, i) => i !== axis);
}

/** `list` with `value` at `axis`. */
export function replaced(list: readonly number[], axis: number, value: number): number[] {
  return list.map((kept, i) => (i === axis ? value : kept));
}

/** Elements a kernel reads at once: 4 when every offset, stride and width allows it. */
export function unitOf(numbers: readonly number[]): 1 | 4 {
  return numbers.every((value) => value % 4 === 0) ? 4 : 1;
}
