/** Prompt ids: texts as token ids with placeholders for context tokens. */
import type { TextTower } from '@mudpt/clip';
import { MethodError } from '../../method/errors.ts';
import type { TextCodec } from '../../method/method.ts';
import type { ContextPosition, TextPromptSpec } from '../../method/prompt-spec.ts';
import type { ClassTokens } from './prompt-template.ts';

/** A text: ids of the token table, or -1 - i for context token i. */
export type PromptIds = readonly number[];

/** How the texts of a tower begin and end. */
export type TextForm = Pick<TextTower, 'startTokens' | 'isCausal'>;

/** The form of CLIP's texts. */
const CLIP_TEXTS: TextForm = { startTokens: 1, isCausal: true };

/** The id of context token `index`. */
export function contextId(index: number): number {
  return -1 - index;
}

/** The context token of an id; undefined for one of the token table. */
export function contextIndex(id: number): number | undefined {
  return id < 0 ? -1 - id : undefined;
}

/** The text of class `label` as the spec has it; undefined: nothing is learnt in it. @throws MethodError as {@link placeContext} */
export function promptIds(tokens: ClassTokens, label: number, text: TextPromptSpec | undefined, form: TextForm): PromptIds {
  if (text?.layers[0]?.layer !== 0) return untilEnd(tokens.ids, form);
  const { nCtx: count, position, classes, before } = text;
  if (before)
    return placeAmong(tokens, [...before.places, ...Array.from({ length: count }, (_, index) => Number(text.at) + index)], form);
  return placeContext(tokens, { count, position, first: classes === undefined ? 0 : label * count, form });
}

/**
 * A text whose first `count` tokens after the start are placeholders for context tokens first, first + 1, ...
 * @param position of the class name
 * @param form of the tower's texts; default CLIP's
 * @throws MethodError when the text is too short to hold them
 */
export function placeContext(
  { ids, nameLength }: ClassTokens,
  {
    count,
    first = 0,
    position = 'end',
    form = CLIP_TEXTS,
  }: {
    readonly count: number;
    readonly first?: number;
    readonly position?: ContextPosition;
    readonly form?: TextForm;
  },
): PromptIds {
  const text = untilEnd(ids, form);
  const begin = form.startTokens;
  if (begin + count + 1 > text.length) {
    throw new MethodError(
      'prompts',
      `${count} context tokens do not fit between start and end of a text of ${text.length} tokens`,
      'write as many placeholders before the class name as there are context tokens',
    );
  }
  const context = Array.from({ length: count }, (_, index) => contextId(first + index));
  const start = text.slice(0, begin);
  const name = text.slice(begin + count, begin + count + nameLength);
  const rest = text.slice(begin + count + nameLength);
  if (position === 'front') return [...start, ...name, ...context, ...rest];
  const before = position === 'middle' ? Math.floor(count / 2) : count;
  return [...start, ...context.slice(0, before), ...name, ...context.slice(before), ...rest];
}

/** A text whose tokens at the places `counted` (a start token's is 0) are placeholders for context tokens 0, 1, ... @throws MethodError when it is too short to hold them */
function placeAmong({ ids }: ClassTokens, counted: readonly number[], form: TextForm): PromptIds {
  const text = untilEnd(ids, form);
  const places = counted.map((place) => place - 1 + form.startTokens);
  const last = Math.max(...places);
  if (last >= text.length - 1)
    throw new MethodError(
      'prompts',
      `a context token stands at ${last}, and the text has ${text.length} tokens with its end`,
      'write a placeholder for each context token before the class name',
    );
  const indexes = new Map(places.map((place, index) => [place, index]));
  return text.map((id, place) => {
    const index = indexes.get(place);
    return index === undefined ? id : contextId(index);
  });
}

/** Ids up to the end token, which is CLIP's largest id; padding follows. Other tokenizers have no such end. */
export function untilEnd(ids: readonly number[], { isCausal }: TextForm): readonly number[] {
  if (!isCausal) return ids;
  return ids.slice(0, ids.indexOf(ids.reduce((largest, id) => Math.max(largest, id), 0)) + 1);
}

/** The text between start and end, a context token as `[v]`. */
export function drawnText(ids: PromptIds, tokenizer: Pick<TextCodec, 'decode'>, { startTokens }: TextForm): string {
  const inside = ids.slice(startTokens, -1);
  return inside.map((id) => (contextIndex(id) === undefined ? tokenizer.decode([id]).trim() : '[v]')).join(' ');
}

/** @throws MethodError naming the first class whose text is longer than the text tower's context */
export function expectFits(texts: readonly PromptIds[], context: number, classNames: readonly string[]): void {
  for (const [label, { length }] of texts.entries()) {
    if (length <= context) continue;
    throw new MethodError(
      'prompts',
      `the text of class ${label} ("${classNames[label]}") has ${length} tokens, the text tower holds ${context}`,
      'shorten the class name, or learn fewer context tokens',
      { code: 'text.class', values: { name: classNames[label] ?? '', tokens: length, most: context } },
    );
  }
}
