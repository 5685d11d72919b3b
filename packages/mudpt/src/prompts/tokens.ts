/** Class names as token ids, and where learnt rows stand among them. */
import { fillTemplate, readableName } from '../data/class-names.ts';
import type { Tokenizer } from '@mudpt/clip';
import type { ClassContext } from '../method/class-context.ts';
import { MethodError } from '../method/errors.ts';

/** Texts to ids and back. */
export type TextCodec = Pick<Tokenizer, 'encode' | 'decode'>;

/** The text of a class: ids from start to end token, with placeholders where learnt rows will stand, and how many tokens its name has. */
export type ClassTokens = { readonly ids: readonly number[]; readonly nameLength: number };

/** Writes the texts of classes; kept by a method to write those of other classes and data sets. */
export type Writer = (context: ClassContext) => readonly ClassTokens[];

/**
 * A text as rows of the text tower: a token id, or -1 - r for the learnt row r.
 */
export type SlotRow = readonly number[];

/** The slot of learnt row `row`. */
export function learntSlot(row: number): number {
  return -1 - row;
}

/** The learnt row of a slot; undefined for a token. */
export function learntRow(slot: number): number | undefined {
  return slot < 0 ? -1 - slot : undefined;
}

/** Writes `PREFIX NAME.`, as CoOp and its successors do. */
export function prefixWriter(tokenizer: TextCodec, prefix: string): Writer {
  return ({ classNames }) => classNames.map((name) => tokensOf(tokenizer, `${prefix} ${readableName(name)}.`.trimStart(), name));
}

/** Writes a template with `{}` for the name. @param template undefined: whatever the data set's own is */
export function templateWriter(tokenizer: TextCodec, template?: string): Writer {
  return ({ classNames, template: ofDataSet }) =>
    classNames.map((name) => tokensOf(tokenizer, fillTemplate(template ?? ofDataSet, name), name));
}

function tokensOf(tokenizer: TextCodec, text: string, name: string): ClassTokens {
  return { ids: tokenizer.encode(text), nameLength: tokenizer.encode(readableName(name)).length - 2 };
}

/** Where CoOp puts the context: before the name, half before and half behind it, or behind it. */
export type ContextPosition = 'end' | 'middle' | 'front';

/**
 * The rows of a text whose first `count` tokens after the start are placeholders for learnt rows first, first + 1, ...
 * @param position named as CoOp does, after the place of the class name
 * @throws MethodError when the text is too short to hold them
 */
export function placeContext(
  { ids, nameLength }: ClassTokens,
  {
    count,
    first = 0,
    position = 'end',
  }: { readonly count: number; readonly first?: number; readonly position?: ContextPosition },
): SlotRow {
  const text = untilEnd(ids);
  if (count + 2 > text.length) {
    throw new MethodError(
      'prompts',
      `${count} learnt rows do not fit between start and end of a text of ${text.length} tokens`,
      'write as many placeholders before the class name as there are learnt rows',
    );
  }
  const rows = Array.from({ length: count }, (_, row) => learntSlot(first + row));
  const start = text.slice(0, 1);
  const name = text.slice(1 + count, 1 + count + nameLength);
  const rest = text.slice(1 + count + nameLength);
  if (position === 'front') return [...start, ...name, ...rows, ...rest];
  const before = position === 'middle' ? Math.floor(count / 2) : count;
  return [...start, ...rows.slice(0, before), ...name, ...rows.slice(before), ...rest];
}

/** Ids up to the end token, which is the largest; what follows is padding. */
export function untilEnd(ids: readonly number[]): readonly number[] {
  return ids.slice(0, ids.indexOf(ids.reduce((largest, id) => Math.max(largest, id), 0)) + 1);
}

/** @throws MethodError naming the first class whose text is longer than the context */
export function expectFits(rows: readonly SlotRow[], context: number, classNames: readonly string[]): void {
  const long = rows.findIndex((row) => row.length > context);
  if (long < 0) return;
  throw new MethodError(
    'prompts',
    `the text of class ${long} ("${classNames[long] ?? ''}") has ${rows[long]?.length} tokens, the text tower holds ${context}`,
    'shorten the class name, or learn fewer rows',
  );
}
