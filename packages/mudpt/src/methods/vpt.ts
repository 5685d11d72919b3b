/**
 * Visual prompt tuning (Jia et al., ECCV 2022) as MaPLe's and MuDPT's repositories have it for CLIP: no learnt head, fixed texts. Depth 1 is
 * the shallow form.
 */
import { z } from 'zod';
import { defineMethod } from '../method/definition.ts';
import { independentPrompts } from '../prompts/independent.ts';
import { trainingPreset } from '../method/training-settings.ts';
import { PromptedClip } from '../prompts/prompted.ts';
import { depth, expectDepth, length } from '../method/settings.ts';
import { textTemplate } from '../prompts/texts/prompt-template.ts';

const vptSettings = z.strictObject({
  length: length(8),
  depth: depth(12),
  template: z.string().default('a photo of a {}.').describe("the text of a class; empty: the data set's own template"),
});

export const vpt = defineMethod<z.output<typeof vptSettings>>({
  name: 'vpt',
  title: 'VPT',
  summary: 'prompts in the image tower alone',
  settings: vptSettings,
  training: trainingPreset({ lr: 0.0025, epochs: 5, batchSize: 4 }),
  published: [
    {
      protocols: ['base-to-new'],
      settings: { length: 8, depth: 12 },
      training: { lr: 0.0025, epochs: 5, batchSize: 4 },
      source: 'MaPLe, configs/trainers/VPT/vit_b16_c2_ep5_batch4_4.yaml',
    },
  ],
  variants: { shallow: { settings: { depth: 1 } } },
  create(context, { length: count, depth: layers, template }) {
    expectDepth('vpt', 'depth', layers, 'image', context.image.config.layers);
    const learner = independentPrompts('vpt', context, { image: { length: count, depth: layers } });
    return new PromptedClip('vpt', context, learner, textTemplate(context.tokenizer, template || undefined));
  },
});
