/** How methods with deep text prompts begin: depths that fit the towers, first rows, and texts that begin with them. */
import type { Tensor } from '@mudpt/tensor';
import { contextStart } from './initial.ts';
import type { CreationContext } from '../method/method.ts';
import { expectDepth } from '../method/settings.ts';
import { prefixWriter } from './tokens.ts';
import { leadingContext, type Wording } from './wording.ts';

export type DeepContextOptions = {
  /** For errors. */
  readonly method: string;
  /** Layers that take learnt rows in each tower that has any, under the name of the setting that says so: `{ text: { textDepth: 9 } }`. */
  readonly depths: { readonly text: Readonly<Record<string, number>>; readonly image?: Readonly<Record<string, number>> };
  /** Learnt rows in a text. */
  readonly length: number;
  /** See {@link contextStart}. */
  readonly words: string;
  readonly keepWords: boolean;
};

/**
 * @returns the first text prompts [length, width], and how class names become texts
 * @throws MethodError when a tower has fewer blocks than a depth
 */
export function deepContext(
  context: CreationContext,
  { method, depths, length: count, words, keepWords }: DeepContextOptions,
): { readonly rows: Tensor; readonly wording: Wording } {
  for (const tower of ['text', 'image'] as const)
    for (const [setting, layers] of Object.entries(depths[tower] ?? {}))
      expectDepth(method, setting, layers, tower, context[tower].config.layers);
  const { rows, prefix } = contextStart(context, { words, count, keepWords });
  const deepest = Math.max(...Object.values(depths.text));
  return { rows, wording: leadingContext(prefixWriter(context.tokenizer, prefix), count, deepest) };
}
