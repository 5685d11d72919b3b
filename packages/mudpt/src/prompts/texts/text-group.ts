/** Text groups: texts that run through the text tower at once. */
import type { PromptTokens, StackOptions, TextTower } from '@mudpt/clip';
import type { Device, Tensor } from '@mudpt/tensor';
import { MethodError } from '../../method/errors.ts';
import type { LayerTokens } from '../../method/method.ts';
import { contextTokens, replacedTokens, replacesByClass, type TextPromptSpec } from '../../method/prompt-spec.ts';

/** How a group runs. */
export type TextRun = Pick<StackOptions, 'recompute' | 'adapters'>;

export interface TextGroup {
  /** Features [texts, embed], not normalised. @param tokens by layer, undefined where nothing is learnt */
  forward(tokens: LayerTokens | undefined, options: TextRun): Tensor;
  dispose(): void;
}

/** What all groups of a method's texts are made from. */
export type GroupOptions = {
  readonly tower: TextTower;
  readonly device: Device;
  /** Context tokens that ids refer to. */
  readonly contexts: number;
  /** The first place that deeper layers replace, and how many from there on; 0 for none. */
  readonly at: number;
  readonly replaced: number;
  /** Whether the tokens of the first layer that is given some come between others. */
  readonly inserted: boolean;
  /** Most tokens that packed texts have once: tokens that every text has for itself come after them. */
  readonly mostShared: number;
  /** Whether blocks are as they were: what depends on frozen tokens alone stays the same. */
  readonly isFrozen: boolean;
};

export function groupOptions(
  tower: TextTower,
  device: Device,
  spec: TextPromptSpec | undefined,
  isFrozen: boolean,
): GroupOptions {
  const at = spec && spec.at !== 'end' ? placeIn(tower, spec.at) : 0;
  const inserted = spec?.inserted ?? false;
  const replaced = inserted ? 0 : replacedTokens(spec);
  const mostShared = replacesByClass(spec) ? at : tower.config.context;
  return { tower, device, contexts: contextTokens(spec), at, replaced, inserted, mostShared, isFrozen };
}

/** Where the tokens stand that a spec counts from a start token on. @throws MethodError for the start token of a tower without one */
function placeIn({ startTokens }: TextTower, at: number): number {
  if (at + startTokens >= 1) return at + startTokens - 1;
  throw new MethodError(
    'prompts',
    'its prompts take the place of the start token of texts, and those of this text tower have none',
    'declare prompts from place 1 on',
  );
}

/** Tokens that the tower replaces in layers after the first, if any. */
export function deepPrompts(
  { at, inserted }: Pick<GroupOptions, 'at' | 'inserted'>,
  tokens: LayerTokens | undefined,
): PromptTokens | undefined {
  if (!tokens || tokens.length < 2) return undefined;
  return { at, inserted, layers: [undefined, ...tokens.slice(1)] };
}
