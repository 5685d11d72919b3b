/** Token ids of many texts, checked, and packed without padding after what they share. */
import { type Device, LimitError, packedSequences, type PackedSequences, ShapeError } from '@mudpt/tensor';
import type { TextConfig } from '../config.ts';
import type { EncodedBatch } from '../tokenizer/index.ts';

/** One list per text (shorter ones are padded), or a tokenizer's batch. */
export type TokenIds = readonly (readonly number[])[] | Pick<EncodedBatch, 'ids' | 'contextLength'>;

/** Ids of `count` texts as rows of `length`, and the position that is read of each: its end. */
export type TokenRows = {
  readonly ids: Int32Array;
  readonly count: number;
  readonly length: number;
  readonly eot: readonly number[];
};

/** The parts of a tower's config that are needed here. */
type IdConfig = Pick<TextConfig, 'context' | 'vocabulary' | 'architecture'> & { readonly pad?: number };

/**
 * Checks `input` against `config`. A text of CLIP ends at the first position of its largest id, as OpenAI finds it. Texts of SigLIP are filled up to the
 * context, and end there.
 * @throws ShapeError when there is no text, LimitError for ids or lengths the tower does not have
 */
export function readTokenIds(input: TokenIds, { context, vocabulary, architecture, pad = 0 }: IdConfig): TokenRows {
  const isFilled = architecture === 'siglip';
  const given = 'ids' in input ? { ids: input.ids, length: input.contextLength } : padded(input, pad);
  const { ids, length } = isFilled && given.length < context ? filled(given, context, pad) : given;
  const count = length > 0 ? ids.length / length : 0;
  if (count === 0) throw new ShapeError('TextTower', 'no text is given, or one without tokens', 'give at least one text');
  if (!Number.isInteger(count))
    throw new ShapeError('TextTower', `${ids.length} ids are not rows of ${length}`, 'give as many ids for every text');
  if (length > context)
    throw new LimitError('TextTower', `a text has ${length} tokens, the context holds ${context}`, 'shorten or truncate it');
  const odd = ids.findIndex((id) => !Number.isInteger(id) || id < 0 || id >= vocabulary);
  if (odd >= 0) {
    throw new LimitError(
      'TextTower',
      `token ${ids[odd]} at position ${odd % length} of text ${Math.floor(odd / length)} is not in the vocabulary of ${vocabulary}`,
      'use the tokenizer that belongs to the model',
    );
  }
  const eot = Array.from({ length: count }, (_, row) => {
    if (isFilled) return length - 1;
    const text = ids.subarray(row * length, (row + 1) * length);
    return text.indexOf(text.reduce((largest, id) => Math.max(largest, id)));
  });
  return { ids, count, length, eot };
}

type Rows = { readonly ids: Int32Array; readonly length: number };

function padded(rows: readonly (readonly number[])[], pad: number): Rows {
  const length = rows.reduce((longest, row) => Math.max(longest, row.length), 0);
  const ids = new Int32Array(rows.length * length).fill(pad);
  for (const [index, row] of rows.entries()) ids.set(row, index * length);
  return { ids, length };
}

/** Rows with padding up to `length`. */
function filled({ ids, length: from }: Rows, length: number, pad: number): Rows {
  if (from === 0) return { ids, length: from };
  const all = new Int32Array((ids.length / from) * length).fill(pad);
  for (let row = 0; row * from < ids.length; row += 1) all.set(ids.subarray(row * from, (row + 1) * from), row * length);
  return { ids: all, length };
}

/** Texts cut after their ends and packed after `shared` common tokens. Dispose it: it holds tables on the device. */
export type PackedTexts = {
  /** The common first tokens. */
  readonly prefixIds: Int32Array;
  /** All others up to the end of each text, one text after the other. */
  readonly rowIds: Int32Array;
  readonly sequences: PackedSequences;
  /** Index of each text's end among the rows: its last one. */
  readonly eot: readonly number[];
};

/**
 * Packs texts for `TextTower.forwardPacked`.
 * @param shared how many first tokens are the same in all texts (or will be replaced by the same rows); their ids are those of the first
 * @throws ShapeError naming the text that ends within the shared tokens
 */
export function packTokens(device: Device, { ids, length, eot }: TokenRows, shared: number): PackedTexts {
  const short = eot.findIndex((end) => end < shared);
  if (short >= 0) {
    throw new ShapeError(
      'packTokens',
      `text ${short} ends at position ${eot[short]}, within the ${shared} tokens all texts share`,
      'share fewer tokens',
    );
  }
  const texts = eot.map((end, row) => ids.subarray(row * length + shared, row * length + end + 1));
  const sequences = packedSequences(
    device,
    texts.map((text) => text.length),
  );
  const rowIds = new Int32Array(sequences.total);
  let at = 0;
  const ends = texts.map((text) => {
    rowIds.set(text, at);
    at += text.length;
    return at - 1;
  });
  return { prefixIds: ids.slice(0, shared), rowIds, sequences, eot: ends };
}
