/** Text groups: texts that run through the text tower at once. */
import type { PromptTokens, TextTower } from '@mudpt/clip';
import type { Device, Tensor } from '@mudpt/tensor';
import type { LayerTokens } from '../../method/method.ts';
import { contextTokens, replacedTokens, type TextPromptSpec } from '../../method/prompt-spec.ts';

export interface TextGroup {
  /** Features [texts, embed], not normalised. @param tokens by layer, undefined where nothing is learnt */
  forward(tokens: LayerTokens | undefined, recompute: boolean): Tensor;
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
};

export function groupOptions(tower: TextTower, device: Device, spec: TextPromptSpec | undefined): GroupOptions {
  const at = spec && spec.at !== 'end' ? spec.at : 0;
  return { tower, device, contexts: contextTokens(spec), at, replaced: replacedTokens(spec) };
}

/** Tokens that the tower replaces in layers after the first, if any. */
export function deepPrompts(at: number, tokens: LayerTokens | undefined): PromptTokens | undefined {
  if (!tokens || tokens.length < 2) return undefined;
  return { at, layers: [undefined, ...tokens.slice(1)] };
}
