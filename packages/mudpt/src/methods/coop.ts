/**
 * CoOp: learning to prompt for vision-language models (Zhou et al., IJCV 2022; github.com/KaiyangZhou/CoOp). Context rows before, around or
 * behind the class name, shared by all classes or each class its own.
 */
import { reshape, type Tensor } from '@mudpt/tensor';
import { z } from 'zod';
import { defineMethod } from '../method/definition.ts';
import { contextStart, placeholders, randomPrompts } from '../prompts/initial.ts';
import type { CreationContext, TowerPrompts } from '../method/method.ts';
import { trainingPreset } from '../method/training-settings.ts';
import { type Learner, PromptedClip } from '../prompts/prompted.ts';
import { initWords, length } from '../method/settings.ts';
import { type ContextPosition, placeContext, prefixWriter, type Writer } from '../prompts/tokens.ts';
import type { Wording } from '../prompts/wording.ts';

const coopSettings = z.strictObject({
  length: length(16),
  initWords: initWords('').describe(
    'words the context begins with: they decide its length and make it shared; empty: random numbers',
  ),
  position: z.enum(['end', 'middle', 'front']).default('end').describe('where the class name stands in the text'),
  classSpecific: z.boolean().default(false).describe('own context rows for every class; cannot classify other classes'),
});

export type CoopSettings = z.output<typeof coopSettings>;

/** ctx [M, width], or [C, M, width] when every class has its own. */
export class CoopLearner implements Learner {
  readonly learnable: ReadonlyMap<string, Tensor>;
  readonly places: Learner['places'];

  constructor(private readonly ctx: Tensor) {
    this.learnable = new Map([['prompt_learner.ctx', ctx]]);
    this.places = { text: [{ layer: 0, rows: ctx.shape.at(-2) ?? 0, sources: ['prompt_learner.ctx'] }], image: [] };
  }

  prompts(): TowerPrompts {
    return { text: { first: reshape(this.ctx, [-1, this.ctx.shape.at(-1) ?? 0]), deep: [] } };
  }
}

/** Texts with M context rows of `position`. @param classes how many classes have rows of their own; undefined: shared rows */
export function coopWording(write: Writer, count: number, position: ContextPosition, classes?: number): Wording {
  return {
    write,
    place: (tokens, label) => placeContext(tokens, { count, position, first: classes === undefined ? 0 : label * count }),
    learnt: count * (classes ?? 1),
    replaced: 0,
    ...(classes !== undefined && { bound: `every one of the ${classes} classes has a context of its own (classSpecific)` }),
  };
}

/** The context CoOp begins with: words override its length and make it shared. */
export function coopStart(
  context: CreationContext,
  { length: count, initWords: words, classSpecific }: Pick<CoopSettings, 'length' | 'initWords' | 'classSpecific'>,
): { readonly rows: Tensor; readonly prefix: string; readonly classes: number | undefined } {
  const written = context.tokenizer.encode(words).length - 2;
  if (written > 0) return { ...contextStart(context, { words, count: written, keepWords: true }), classes: undefined };
  const { width } = context.text.config;
  const classes = classSpecific ? context.classNames.length : undefined;
  const shape = classes === undefined ? [count, width] : [classes, count, width];
  return { rows: randomPrompts(shape, context, context.random), prefix: placeholders(count), classes };
}

export const coop = defineMethod<CoopSettings>({
  name: 'coop',
  title: 'CoOp',
  summary: 'context rows in the texts, at the input alone',
  settings: coopSettings,
  training: trainingPreset({ lr: 0.002, epochs: 200, batchSize: 32 }),
  variants: {
    '16-shots': { training: { epochs: 200 } },
    '8-shots': { training: { epochs: 200 } },
    '4-shots': { training: { epochs: 100 } },
    '2-shots': { training: { epochs: 100 } },
    '1-shot': { training: { epochs: 50 } },
    imagenet: { training: { epochs: 50 } },
    'base-to-new': { settings: { initWords: 'a photo of a' }, training: { epochs: 50 } },
  },
  create(context, settings) {
    const { rows, prefix, classes } = coopStart(context, settings);
    const count = rows.shape.at(-2) ?? 0;
    const wording = coopWording(prefixWriter(context.tokenizer, prefix), count, settings.position, classes);
    return new PromptedClip('coop', context, new CoopLearner(rows), wording);
  },
});
