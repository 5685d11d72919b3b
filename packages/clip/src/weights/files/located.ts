/** Files of a model, wherever they are. */
import type { ByteSourceInput } from '@mudpt/tensor';

/** Files by their plain names. */
export interface Files {
  /** What errors call all of them together: a path, an address. */
  readonly name: string;
  readonly names: readonly string[];
  open(name: string): Promise<ByteSourceInput>;
}

/** Files, and which of them holds the weights where the user named one. */
export interface Located {
  readonly files: Files;
  readonly chosen?: string | undefined;
}
