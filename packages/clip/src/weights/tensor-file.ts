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
