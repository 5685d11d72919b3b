/** The interface of every tokenizer. */
import type { BatchOptions, EncodedBatch } from './batch.ts';

/** How one text is encoded. */
export type EncodeOptions = {
  /** false leaves out the tokens that mark start and end. Default true. */
  readonly specialTokens?: boolean;
};

/** Texts to ids and back. */
export interface TextTokenizer {
  /** Number of ids: the largest plus one. */
  readonly vocabularySize: number;
  /** Id of the end of a text. */
  readonly end: number;
  /** Id that fills rows after the end. */
  readonly pad: number;
  /** The ids of `text`, however many they are, without padding. */
  encode(text: string, options?: EncodeOptions): number[];
  /** The ids of many texts as rows of one array, padded. @throws LimitError naming the text that is too long, unless truncated */
  encodeBatch(texts: readonly string[], options?: BatchOptions): EncodedBatch;
  /** The text of `ids`, without special tokens and what follows the first end. @throws InputError for an id the vocabulary does not have */
  decode(ids: ArrayLike<number>): string;
  /** SHA-256, in hexadecimal: the same for tokenizers that give the same ids. */
  fingerprint(): Promise<string>;
}
