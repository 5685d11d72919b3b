/** Text groups: texts that run through the text tower at once. */
import type { PromptTokens, StackOptions, TextTower } from '@mudpt/clip';
import type { Device, Tensor } from '@mudpt/tensor';
import { MethodError } from '../../method/errors.ts';
import type { LayerTokens } from '../../method/method.ts';
import { contextTokens, replacedTokens, replacesByClass, type TextPromptSpec } from '../../method/prompt-spec.ts';

/** Options of a group's run. */
export type TextRun = Pick<StackOptions, 'recompute' | 'adapters'>;

export interface TextGroup {
  /** Features [texts, embed], not normalised. @param tokens by layer, undefined where nothing is learnt */
  forward(tokens: LayerTokens | undefined, options: TextRun): Tensor;
  dispose(): void;
}

/** Options that all groups of a method's texts share. */
export type GroupOptions = {
  readonly tower: TextTower;
  readonly device: Device;
  /** How many context tokens the ids refer to. */
  readonly contexts: number;
  /** The first place that deeper layers replace, and how many from there on; 0 for none. */
  readonly at: number;
  readonly replaced: number;
  /** Whether the first layer's prompt tokens are inserted between others instead of replacing some. */
  readonly inserted: boolean;
  /** Longest prefix that packed texts may share: tokens that differ between texts come after it. */
  readonly mostShared: number;
  /** Whether the tower's blocks have no additions, so that what depends only on frozen tokens is the same in every step. */
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

/** The place of prompt tokens, which a spec counts as if there were a start token. @throws MethodError where they would replace a start token that the tower lacks */
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
