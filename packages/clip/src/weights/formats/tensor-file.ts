/** What the formats have in common: tensors by name, read one by one. */
import type { SafetensorsDType, SafetensorsTensor } from '@mudpt/tensor';

/** An open file (or several shards seen as one) of named tensors. A safetensors reader is one. */
export interface TensorFile {
  /** What errors call it. */
  readonly name: string;
  readonly tensors: ReadonlyMap<string, { readonly dtype: SafetensorsDType; readonly shape: readonly number[] }>;
  /** All bytes of one tensor: little-endian numbers in C order, perhaps unaligned. */
  read(tensor: string): Promise<SafetensorsTensor>;
  close(): Promise<void>;
}

/** How many bytes a number of this dtype takes in a file. */
export function bytesPerNumber(dtype: SafetensorsDType): number {
  return /^(BOOL|U8|I8)$/.test(dtype) ? 1 : dtype.endsWith('16') ? 2 : dtype.endsWith('64') ? 8 : 4;
}
