/**
 * CoOp: learning to prompt for vision-language models (Zhou et al., IJCV 2022; github.com/KaiyangZhou/CoOp). Context tokens before,
 * around or after the class name, shared by all classes, or a context for each class.
 */
import type { Tensor } from '@mudpt/tensor';
import { z } from 'zod';
import { defineMethod } from '../method/definition.ts';
import type { CreationContext } from '../method/method.ts';
import { settingMetadata } from '../settings/metadata.ts';
import { type ContextPosition, type ParameterShapes, promptSpec, type TextPromptSpec } from '../method/prompt-spec.ts';
import { initWords, length } from '../method/settings.ts';
import type { PublishedSettings } from '../method/published.ts';
import { trainingPreset } from '../method/training-settings.ts';
import { contextStart, placeholders, randomPrompts } from '../prompts/initial.ts';
import { LearntPrompts } from '../prompts/learner.ts';
import { prefixTemplate } from '../prompts/texts/prompt-template.ts';
import { PromptedClip } from '../prompts/prompted.ts';

/** What words at the beginning of a context decide: as many tokens, the same for all classes. */
export const decidedByWords = {
  decides: (words: string): Readonly<Record<string, unknown>> =>
    words.trim() === '' ? {} : { length: written(words).split(/\s+/).length, classSpecific: false },
};

const coopSettings = z.strictObject({
  length: length(16),
  initWords: initWords('')
    .describe('words the context begins with: they decide its length and make it shared; empty: random numbers')
    .register(settingMetadata, decidedByWords),
  position: z.enum(['end', 'middle', 'front']).default('end').describe('where the class name stands in the text'),
  classSpecific: z.boolean().default(false).describe('a context for every class; cannot classify other classes'),
});

export type CoopSettings = z.output<typeof coopSettings>;

export const CONTEXT = 'prompt_learner.ctx';

/** Words as a text has them: "a_photo_of_a" is written in configurations of the family. */
function written(words: string): string {
  return words.replaceAll('_', ' ').trim();
}

/** The context CoOp begins with, [M, width] or [classes, M, width]: words override its length and make it shared. */
export function coopStart(
  context: CreationContext,
  { length: count, initWords: words, classSpecific }: Pick<CoopSettings, 'length' | 'initWords' | 'classSpecific'>,
): { readonly tokens: Tensor; readonly prefix: string } {
  const tokens = context.tokenizer.encode(written(words), { specialTokens: false }).length;
  if (tokens > 0) return contextStart(context, { words, count: tokens, keepWords: true });
  const { width } = context.text.config;
  const shape = classSpecific ? [context.classNames.length, count, width] : [count, width];
  return { tokens: randomPrompts(shape, context, context.random), prefix: placeholders(count) };
}

/** Context tokens of `shape` at the input of the text tower, from which the parameters `computedFrom` compute something, too. */
export function coopText(
  shape: readonly number[],
  position: ContextPosition,
  computedFrom?: readonly string[],
): { readonly parameters: ParameterShapes; readonly text: TextPromptSpec } {
  const [width, nCtx, classes] = shape.toReversed() as [number, number, number | undefined];
  const layers = [{ layer: 0, learnt: { name: CONTEXT }, ...(computedFrom && { computedFrom }) }];
  const text = { nCtx, width, at: 1, position, layers, ...(classes !== undefined && { classes }) };
  return { parameters: { [CONTEXT]: shape }, text };
}

const RECIPE = { lr: 0.002, batchSize: 32 } as const;

/** Random context tokens, and epochs by shots. */
function fewShot(shots: readonly number[], epochs: number, config: string): PublishedSettings {
  const source = `CoOp, COOP.md and configs/trainers/CoOp/${config}.yaml`;
  return { protocols: ['few-shot'], shots, settings: { length: 16, initWords: '' }, training: { ...RECIPE, epochs }, source };
}

/** What CoCoOp's paper compares itself with: four context tokens that begin as words. */
function withWords(protocols: PublishedSettings['protocols'], epochs: number, config: string): PublishedSettings {
  const source = `CoCoOp, section 4, and configs/trainers/CoOp/${config}.yaml`;
  return { protocols, settings: { initWords: 'a photo of a' }, training: { ...RECIPE, epochs }, source };
}

export const coop = defineMethod<CoopSettings>({
  name: 'coop',
  title: 'CoOp',
  summary: 'context tokens in the texts, at the input alone',
  settings: coopSettings,
  training: trainingPreset({ lr: 0.002, epochs: 200, batchSize: 32 }),
  published: [
    fewShot([1], 50, 'vit_b16_ep50'),
    fewShot([2, 4], 100, 'vit_b16_ep100'),
    fewShot([8, 16], 200, 'vit_b16'),
    { ...fewShot([1, 2, 4, 8, 16], 50, 'vit_b16_ep50'), data: ['imagenet'] },
    withWords(['base-to-new'], 200, 'vit_b16_ctxv1'),
    { ...withWords(['base-to-new'], 50, 'vit_b16_ep50_ctxv1'), data: ['imagenet'] },
    withWords(['cross-dataset', 'domain'], 50, 'vit_b16_ep50_ctxv1'),
  ],
  variants: {},
  create(context, settings) {
    const { tokens, prefix } = coopStart(context, settings);
    const spec = promptSpec('coop', coopText(tokens.shape, settings.position));
    const learner = new LearntPrompts(spec, new Map([[CONTEXT, tokens]]));
    return new PromptedClip('coop', context, learner, prefixTemplate(context.tokenizer, prefix));
  },
});
