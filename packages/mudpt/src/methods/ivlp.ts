/**
 * Independent vision-language prompting, and its text half. The baseline of MaPLe's repository (Khattak et al., CVPR 2023) and MuDPT's
 * "MPT"; PromptSRC's repository uses 4 + 4 tokens, depth 9, lr 0.0025, 20 epochs.
 */
import { z } from 'zod';
import { deepContext } from '../prompts/deep-context.ts';
import { defineMethod } from '../method/definition.ts';
import { independentPrompts } from '../prompts/independent.ts';
import { trainingPreset } from '../method/training-settings.ts';
import { PromptedClip } from '../prompts/prompted.ts';
import { depth, initWords, length } from '../method/settings.ts';

const ivlpSettings = z.strictObject({
  textLength: length(2),
  textDepth: depth(12),
  imageLength: length(2),
  imageDepth: depth(12),
  initWords: initWords(),
});

export const ivlp = defineMethod<z.output<typeof ivlpSettings>>({
  name: 'ivlp',
  title: 'IVLP',
  summary: 'deep prompts in both towers, learnt side by side',
  settings: ivlpSettings,
  training: trainingPreset({ lr: 0.0035, epochs: 5, batchSize: 4 }),
  published: [
    {
      protocols: ['base-to-new'],
      settings: { textLength: 2, textDepth: 12, imageLength: 2, imageDepth: 12 },
      training: { lr: 0.0035, epochs: 5, batchSize: 4 },
      source: 'MaPLe, configs/trainers/IVLP/vit_b16_c2_ep5_batch4_2+2ctx.yaml',
    },
  ],
  variants: {
    promptsrc: {
      settings: { textLength: 4, textDepth: 9, imageLength: 4, imageDepth: 9 },
      training: { lr: 0.0025, epochs: 20 },
    },
    mpt: { training: { lr: 0.0025 } },
  },
  create(context, settings) {
    const { textLength: count, textDepth, imageLength, imageDepth, initWords: words } = settings;
    const depths = { text: { textDepth }, image: { imageDepth } };
    const { first, template } = deepContext(context, { method: 'ivlp', depths, length: count, words, keepWords: true });
    const learner = independentPrompts('ivlp', context, {
      text: { first, depth: textDepth },
      image: { length: imageLength, depth: imageDepth },
    });
    return new PromptedClip('ivlp', context, learner, template);
  },
});

const deepLanguageSettings = z.strictObject({ length: length(4), depth: depth(12), initWords: initWords() });

export const deepLanguage = defineMethod<z.output<typeof deepLanguageSettings>>({
  name: 'deep-language',
  title: 'Deep language prompting',
  summary: 'deep prompts in the text tower alone',
  settings: deepLanguageSettings,
  training: trainingPreset({ lr: 0.0025, epochs: 5, batchSize: 4 }),
  published: [
    {
      protocols: ['base-to-new'],
      settings: { length: 4, depth: 12 },
      training: { lr: 0.0025, epochs: 5, batchSize: 4 },
      source: 'MaPLe, configs/trainers/IVLP/vit_b16_c2_ep5_batch4_4ctx_language_only.yaml',
    },
  ],
  variants: {},
  create(context, settings) {
    const { length: count, depth: layers, initWords: words } = settings;
    const depths = { text: { depth: layers } };
    const { first, template } = deepContext(context, { method: 'deep-language', depths, length: count, words, keepWords: true });
    const learner = independentPrompts('deep-language', context, { text: { first, depth: layers } });
    return new PromptedClip('deep-language', context, learner, template);
  },
});
