/**
 * Independent vision-language prompting, and its text half. The baseline of MaPLe's repository (Khattak et al., CVPR 2023) and MuDPT's
 * "MPT"; PromptSRC's repository uses 4 + 4 rows, depth 9, lr 0.0025, 20 epochs.
 */
import { z } from 'zod';
import { defineMethod } from './definition.ts';
import { IndependentLearner } from './independent.ts';
import { contextStart, randomOf } from './initial.ts';
import { trainingPreset } from './presets.ts';
import { PromptedClip } from './prompted.ts';
import { depth, expectDepth, initWords, length } from './settings.ts';
import { prefixWriter } from './tokens.ts';
import { leadingContext } from './wording.ts';

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
  variants: {
    promptsrc: {
      settings: { textLength: 4, textDepth: 9, imageLength: 4, imageDepth: 9 },
      training: { lr: 0.0025, epochs: 20 },
    },
    mpt: { training: { lr: 0.0025 } },
  },
  create(context, settings) {
    const { textLength: count, textDepth, imageLength, imageDepth } = settings;
    expectDepth('ivlp', 'textDepth', textDepth, 'text', context.text.config.layers);
    expectDepth('ivlp', 'imageDepth', imageDepth, 'image', context.image.config.layers);
    const start = contextStart(context, { words: settings.initWords, count, keepWords: true, random: randomOf(context) });
    const learner = new IndependentLearner(context, {
      text: { first: start.rows, depth: textDepth },
      image: { length: imageLength, depth: imageDepth },
    });
    return new PromptedClip(
      'ivlp',
      context,
      learner,
      leadingContext(prefixWriter(context.tokenizer, start.prefix), count, textDepth),
    );
  },
});

const deepLanguageSettings = z.strictObject({ length: length(4), depth: depth(12), initWords: initWords() });

export const deepLanguage = defineMethod<z.output<typeof deepLanguageSettings>>({
  name: 'deep-language',
  title: 'Deep language prompting',
  summary: 'deep prompts in the text tower alone',
  settings: deepLanguageSettings,
  training: trainingPreset({ lr: 0.0035, epochs: 5, batchSize: 4 }),
  variants: {},
  create(context, settings) {
    const { length: count, depth: layers } = settings;
    expectDepth('deep-language', 'depth', layers, 'text', context.text.config.layers);
    const start = contextStart(context, { words: settings.initWords, count, keepWords: true, random: randomOf(context) });
    const learner = new IndependentLearner(context, { text: { first: start.rows, depth: layers }, image: undefined });
    const wording = leadingContext(prefixWriter(context.tokenizer, start.prefix), count, layers);
    return new PromptedClip('deep-language', context, learner, wording);
  },
});
