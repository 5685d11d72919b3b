/** Element types of ONNX, and what the engine holds them as. */
import type { Device, DType } from '@mudpt/tensor';

/** Element types that models may use here. */
export type ElementType =
  | 'float'
  | 'float16'
  | 'bfloat16'
  | 'double'
  | 'int2'
  | 'int4'
  | 'int8'
  | 'int16'
  | 'int32'
  | 'int64'
  | 'uint2'
  | 'uint4'
  | 'uint8'
  | 'uint16'
  | 'uint32'
  | 'uint64'
  | 'bool';

/** Types of which a byte of a file holds several numbers. */
export type PackedType = 'int2' | 'int4' | 'uint2' | 'uint4';

/** Names of TensorProto.DataType by number. */
export const TYPE_NAMES: Readonly<Record<number, string>> = {
  1: 'float',
  2: 'uint8',
  3: 'int8',
  4: 'uint16',
  5: 'int16',
  6: 'int32',
  7: 'int64',
  8: 'string',
  9: 'bool',
  10: 'float16',
  11: 'double',
  12: 'uint32',
  13: 'uint64',
  14: 'complex64',
  15: 'complex128',
  16: 'bfloat16',
  17: 'float8e4m3fn',
  18: 'float8e4m3fnuz',
  19: 'float8e5m2',
  20: 'float8e5m2fnuz',
  21: 'uint4',
  22: 'int4',
  23: 'float4e2m1',
  24: 'float8e8m0',
  25: 'uint2',
  26: 'int2',
};

type Traits = {
  readonly code: number;
  /** Bytes of an element in a file; those below one are packed, the first in the lowest bits. */
  readonly width: 0.25 | 0.5 | 1 | 2 | 4 | 8;
  readonly dtype: DType;
  /** Least and largest value of an integer type. */
  readonly range?: readonly [number, number];
};

/** Numbers of 64 bits are held as 32, narrow integers as 32, half floats as f16 only where the adapter has it. */
const TRAITS: Readonly<Record<ElementType, Traits>> = {
  float: { code: 1, width: 4, dtype: 'f32' },
  float16: { code: 10, width: 2, dtype: 'f16' },
  bfloat16: { code: 16, width: 2, dtype: 'f32' },
  double: { code: 11, width: 8, dtype: 'f32' },
  int2: { code: 26, width: 0.25, dtype: 'i32', range: [-2, 1] },
  int4: { code: 22, width: 0.5, dtype: 'i32', range: [-8, 7] },
  int8: { code: 3, width: 1, dtype: 'i32', range: [-128, 127] },
  int16: { code: 5, width: 2, dtype: 'i32', range: [-32768, 32767] },
  int32: { code: 6, width: 4, dtype: 'i32', range: [-(2 ** 31), 2 ** 31 - 1] },
  int64: { code: 7, width: 8, dtype: 'i32', range: [-(2 ** 63), 2 ** 63] },
  uint2: { code: 25, width: 0.25, dtype: 'u32', range: [0, 3] },
  uint4: { code: 21, width: 0.5, dtype: 'u32', range: [0, 15] },
  uint8: { code: 2, width: 1, dtype: 'u32', range: [0, 255] },
  uint16: { code: 4, width: 2, dtype: 'u32', range: [0, 65535] },
  uint32: { code: 12, width: 4, dtype: 'u32', range: [0, 2 ** 32 - 1] },
  uint64: { code: 13, width: 8, dtype: 'u32', range: [0, 2 ** 64] },
  bool: { code: 9, width: 1, dtype: 'bool', range: [0, 1] },
};

/** The element type with a number of TensorProto.DataType, or undefined for one that nothing here holds. */
export function elementType(code: number): ElementType | undefined {
  const name = TYPE_NAMES[code];
  return name !== undefined && name in TRAITS ? (name as ElementType) : undefined;
}

export const codeOf = (type: ElementType): number => TRAITS[type].code;
export const widthOf = (type: ElementType): number => TRAITS[type].width;
export const rangeOf = (type: ElementType): readonly [number, number] | undefined => TRAITS[type].range;
export const isFloatType = (type: ElementType): boolean => TRAITS[type].range === undefined;
export const isPacked = (type: ElementType): type is PackedType => TRAITS[type].width < 1;
/** Integers whose arithmetic wraps around before that of the dtype that holds them. */
export const isNarrow = (type: ElementType): boolean => TRAITS[type].width < 4 && type !== 'bool' && !isFloatType(type);

/** What tensors of the type are on the device. */
export function dtypeOf(type: ElementType, device: Pick<Device, 'hasF16'>): DType {
  const { dtype } = TRAITS[type];
  return dtype === 'f16' && !device.hasF16 ? 'f32' : dtype;
}
