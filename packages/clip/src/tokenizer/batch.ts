/** Many texts as one array for the text tower. */
import { LimitError } from '@mudpt/tensor';

/** How texts become rows of ids. */
export interface BatchOptions {
  /** Ids per row, start and end included. Default 77, of SigLIP 64. */
  readonly contextLength?: number;
  /** A text with more ids is an error (the default), or is cut and its last id made the end. */
  readonly onTooLong?: 'error' | 'truncate';
}

/** Rows of ids, as many as there are texts. */
export interface EncodedBatch {
  /** [texts, contextLength], row by row, padded: with 0 by CLIP's tokenizer (OpenAI's padding; the causal mask makes its value irrelevant). */
  readonly ids: Int32Array;
  /** [texts]: ids of each row before the padding, start and end included. */
  readonly lengths: Int32Array;
  /** [texts]: position whose token becomes the feature. CLIP: the first end (OpenAI finds it by argmax). SigLIP: the last position. */
  readonly eotIndex: Int32Array;
  readonly contextLength: number;
}

/** Packs encoded rows. @param end id of the end token @param pad what fills rows after it */
export function packBatch(
  texts: readonly string[],
  rows: readonly (readonly number[])[],
  end: number,
  { contextLength = 77, onTooLong = 'error' }: BatchOptions,
  pad = 0,
): EncodedBatch {
  if (!Number.isSafeInteger(contextLength) || contextLength < 2) {
    throw new LimitError('encodeBatch', `contextLength is ${contextLength}`, 'use a whole number of at least 2: start and end');
  }
  const ids = new Int32Array(rows.length * contextLength).fill(pad);
  const lengths = new Int32Array(rows.length);
  const eotIndex = new Int32Array(rows.length);
  rows.forEach((row, index) => {
    if (row.length > contextLength && onTooLong !== 'truncate') {
      const shown = quote(texts[index]!);
      throw new LimitError(
        'encodeBatch',
        `text ${index}, ${shown}, has ${row.length} tokens with start and end, and the context holds ${contextLength}`,
        "shorten it, or pass onTooLong: 'truncate' to cut it",
        { code: 'text.tooLong', values: { text: shown, tokens: row.length, most: contextLength } },
      );
    }
    const kept = row.length > contextLength ? [...row.slice(0, contextLength - 1), end] : row;
    ids.set(kept, index * contextLength);
    lengths[index] = kept.length;
    eotIndex[index] = kept.indexOf(end);
  });
  return { ids, lengths, eotIndex, contextLength };
}

/** Long texts are shown by their beginning. */
function quote(text: string): string {
  const shown = text.length > 80 ? `${Array.from(text).slice(0, 76).join('')} ...` : text;
  return `${JSON.stringify(shown)} (${text.length} characters)`;
}
