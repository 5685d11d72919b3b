/** Element types: their bytes, their WGSL, their promotion, their values on the host. */
import { DTypeError } from './errors.ts';
import { fromHalf, toHalf } from './half.ts';

/**
 * Element types. `bool` is stored as u32 0 or 1 (WGSL has no storable bool); `f16` needs an adapter with shader-f16.
 * Arithmetic on f16 accumulates in f32.
 */
export type DType = 'f32' | 'f16' | 'i32' | 'u32' | 'bool';
/** Element types of floating tensors, which have gradients. */
export type FloatDType = 'f32' | 'f16';
/** Every dtype. */
export const DTYPES: readonly DType[] = ['f32', 'f16', 'i32', 'u32', 'bool'];
/** What {@link Tensor.data} returns: f16 comes back as Float32Array, bool as Uint8Array of 0 and 1. */
export type DataArray = Float32Array | Int32Array | Uint32Array | Uint8Array;
/** Host data a tensor can be made from. */
export type HostArray = Float32Array | Float64Array | Int32Array | Uint32Array | Uint16Array | Uint8Array | readonly number[];

const WGSL_TYPES = { f32: 'f32', f16: 'f16', i32: 'i32', u32: 'u32', bool: 'u32' } as const;

/** Storage type in WGSL. */
export function wgslType(dtype: DType): 'f32' | 'f16' | 'i32' | 'u32' {
  return WGSL_TYPES[dtype];
}

/** The type that kernels use for elements they only move: few variants are compiled, and every bit is kept. */
export function bitsType(dtype: DType): 'f16' | 'u32' {
  return dtype === 'f16' ? 'f16' : 'u32';
}

/** Bytes of one element in GPU memory. */
export function bytesPerElement(dtype: DType): 2 | 4 {
  return dtype === 'f16' ? 2 : 4;
}

/** Whether gradients exist for the dtype: f32 and f16. */
export function isFloat(dtype: DType): boolean {
  return dtype === 'f32' || dtype === 'f16';
}

const PROMOTION: Readonly<Record<DType, number>> = { bool: 0, u32: 1, i32: 2, f16: 3, f32: 4 };

/** The dtype both operands are converted to: bool < u32 < i32 < f16 < f32. */
export function promote(a: DType, b: DType): DType {
  return PROMOTION[a] >= PROMOTION[b] ? a : b;
}

/** @throws DTypeError unless `dtype` is the name of a dtype: callers in JavaScript can pass anything */
export function expectDTypeName(op: string, dtype: unknown): void {
  if ((DTYPES as readonly unknown[]).includes(dtype)) return;
  throw new DTypeError(op, `there is no dtype ${JSON.stringify(dtype) ?? typeof dtype}`, `use ${DTYPES.join(', ')}`);
}

/** Throws unless `dtype` is one of `allowed`. */
export function expectDType(op: string, argument: string, dtype: DType, allowed: readonly DType[]): void {
  if (allowed.includes(dtype)) return;
  throw new DTypeError(
    op,
    `${argument} has dtype ${dtype}`,
    `use ${allowed.join(' or ')}, for instance ${argument}.cast('${allowed[0]}')`,
  );
}

/** The least and the largest number an integer dtype holds. */
export function rangeOf(dtype: DType): readonly [low: number, high: number] {
  if (dtype === 'bool') return [0, 1];
  return dtype === 'i32' ? [-(2 ** 31), 2 ** 31 - 1] : [0, 2 ** 32 - 1];
}

/** Throws unless a tensor of `dtype` can hold `value`: floats any (rounded), bool any (not zero is true), integers whole ones in range. */
export function expectNumber(op: string, argument: string, value: number, dtype: DType): void {
  if (isFloat(dtype) || dtype === 'bool') return;
  const [low, high] = rangeOf(dtype);
  if (Number.isInteger(value) && value >= low && value <= high) return;
  throw new DTypeError(
    op,
    `${argument} ${value} is not a ${dtype}`,
    `give a whole number from ${low} to ${high}, or dtype 'f32'`,
  );
}

/** The bytes of `values` as GPU memory of `dtype`, padded to a multiple of 4. Out-of-range integers are refused by name. */
export function toBytes(dtype: DType, values: HostArray): Uint8Array<ArrayBuffer> {
  if (dtype === 'f16') {
    const half = new Uint16Array(values.length + (values.length & 1));
    values.forEach((value: number, i: number) => {
      half[i] = toHalf(value);
    });
    return new Uint8Array(half.buffer);
  }
  if (dtype === 'f32') return bytesOf(values instanceof Float32Array ? values : Float32Array.from(values));
  if (dtype === 'bool') return bytesOf(Uint32Array.from(values, (value) => (value === 0 ? 0 : 1)));
  if (dtype === 'i32' && values instanceof Int32Array) return bytesOf(values);
  if (dtype === 'u32' && values instanceof Uint32Array) return bytesOf(values);
  const [low, high] = rangeOf(dtype);
  const index = values.findIndex((value: number) => !Number.isInteger(value) || value < low || value > high);
  if (index >= 0) {
    throw new DTypeError(
      'tensor',
      `value ${values[index]} at index ${index} is not a ${dtype}`,
      `give integers from ${low} to ${high}, or dtype 'f32'`,
    );
  }
  return bytesOf(dtype === 'i32' ? Int32Array.from(values) : Uint32Array.from(values));
}

/** `count` elements of `dtype` from GPU memory. */
export function fromBytes(dtype: DType, buffer: ArrayBuffer, count: number): DataArray {
  if (dtype === 'f16') return Float32Array.from(new Uint16Array(buffer, 0, count), fromHalf);
  if (dtype === 'f32') return new Float32Array(buffer, 0, count);
  if (dtype === 'i32') return new Int32Array(buffer, 0, count);
  if (dtype === 'u32') return new Uint32Array(buffer, 0, count);
  return Uint8Array.from(new Uint32Array(buffer, 0, count));
}

function bytesOf(array: Float32Array | Int32Array | Uint32Array): Uint8Array<ArrayBuffer> {
  return new Uint8Array(array.buffer as ArrayBuffer, array.byteOffset, array.byteLength);
}
