/** How class names become rows of the text tower, for methods whose texts begin with learnt rows, and for fixed texts. */
import { placeContext, untilEnd, type ClassTokens, type SlotRow, type Writer } from './tokens.ts';

export type Wording = {
  readonly write: Writer;
  /** The rows of one class. */
  place(tokens: ClassTokens, label: number): SlotRow;
  /** Learnt rows that the slots refer to; 0 where texts are fixed. */
  readonly learnt: number;
  /** Rows after the start token that deeper layers replace. */
  readonly replaced: number;
  /** Why what is learnt fits these classes only; undefined where it fits any. */
  readonly bound?: string;
};

/** Texts that begin with `count` learnt rows behind the start token, replaced in deeper layers if there are any. */
export function leadingContext(write: Wording['write'], count: number, layers: number): Wording {
  return { write, place: (tokens) => placeContext(tokens, { count }), learnt: count, replaced: layers > 1 ? count : 0 };
}

/** Texts in which nothing is learnt. */
export function fixedText(write: Writer): Wording {
  return { write, place: ({ ids }) => untilEnd(ids), learnt: 0, replaced: 0 };
}
