/** Items that a shard gives, one after the other. */
import { FormatError, InputError } from '@mudpt/tensor';

/** An image of a shard: its bytes, the path of its file, or why there is none. */
export type ShardImage = {
  /** The member of the archive, or what the list calls it. It need not be the only one of that id. */
  readonly id: string;
  /** How much of the shard is read with it, from 0 to 1. */
  readonly part: number;
} & ({ readonly source: Uint8Array | string } | { readonly why: string });

/** Larger files are not read into memory: no image that may be decoded needs as much. */
export const MAX_IMAGE_BYTES = 2 ** 30;

export function tooLarge(bytes: number): string {
  return `it has ${bytes} bytes, more than the ${MAX_IMAGE_BYTES} allowed`;
}

/** Records an error about one image; any other error is rethrown. */
export function reasonOfImage(error: unknown): string {
  if (error instanceof FormatError || error instanceof InputError) return error.problem;
  throw error;
}
