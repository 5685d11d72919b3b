/** Number types that a safetensors file may hold, and how many bytes one number takes. */

/** In the order of the reference (Rust) implementation, whose writer puts the last of these first. */
const BYTES_PER_NUMBER = {
  BOOL: 1,
  U8: 1,
  I8: 1,
  I16: 2,
  U16: 2,
  F16: 2,
  BF16: 2,
  I32: 4,
  U32: 4,
  F32: 4,
  F64: 8,
  I64: 8,
  U64: 8,
} as const;

/** BOOL is one byte, 0 or 1; BF16 is the upper half of an F32; all are little-endian. */
export type SafetensorsDType = keyof typeof BYTES_PER_NUMBER;

const NAMES = Object.keys(BYTES_PER_NUMBER);

/** All dtypes as one line, for error messages. */
export const DTYPE_LIST = NAMES.join(', ');

export function isSafetensorsDType(name: unknown): name is SafetensorsDType {
  return typeof name === 'string' && Object.hasOwn(BYTES_PER_NUMBER, name);
}

/** Position in the order above. */
export function dtypeRank(dtype: SafetensorsDType): number {
  return NAMES.indexOf(dtype);
}

/** Bytes of a tensor, or undefined when the product is too large to be exact. Entries must be safe non-negative integers. */
export function byteLength(dtype: SafetensorsDType, shape: readonly number[]): number | undefined {
  if (shape.includes(0)) return 0;
  let product: number = BYTES_PER_NUMBER[dtype];
  for (const extent of shape) {
    // A product of two safe integers that rounds is above 2^53, so this test catches it.
    product *= extent;
    if (!Number.isSafeInteger(product)) return undefined;
  }
  return product;
}
