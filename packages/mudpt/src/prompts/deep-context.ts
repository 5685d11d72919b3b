/** Set-up of methods with deep text prompts: depths that fit the towers, the first layer's context tokens, and the prompt template. */
import type { Tensor } from '@mudpt/tensor';
import type { CreationContext } from '../method/method.ts';
import { TOWERS } from '../method/prompt-spec.ts';
import { expectDepth } from '../method/settings.ts';
import { contextStart } from './initial.ts';
import { prefixTemplate, type PromptTemplate } from './texts/prompt-template.ts';

/** Options of the set-up. */
export type DeepContextOptions = {
  /** For errors. */
  readonly method: string;
  /** Prompt depths of each tower that has any, under the name of the setting that says so: `{ text: { textDepth: 9 } }`. */
  readonly depths: { readonly text: Readonly<Record<string, number>>; readonly image?: Readonly<Record<string, number>> };
  /** Context tokens of a text. */
  readonly length: number;
  /** See {@link contextStart}. */
  readonly words: string;
  readonly keepWords: boolean;
};

/**
 * The set-up of deep text prompts.
 * @returns the first context tokens [length, width], and the template that contains them
 * @throws MethodError when a tower has fewer blocks than a depth
 */
export function deepContext(
  context: CreationContext,
  { method, depths, length: count, words, keepWords }: DeepContextOptions,
): { readonly first: Tensor; readonly template: PromptTemplate } {
  for (const tower of TOWERS)
    for (const [setting, layers] of Object.entries(depths[tower] ?? {}))
      expectDepth(method, setting, layers, tower, context[tower].config.layers);
  const { tokens, prefix } = contextStart(context, { words, count, keepWords });
  return { first: tokens, template: prefixTemplate(context.tokenizer, prefix) };
}
