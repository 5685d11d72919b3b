/** The example of docs/how-to-add-a-method.md: image prompts that are the same in every layer. It takes what any package can take. */
import { z } from 'zod';
import {
  AFTER_PATCHES,
  type CreationContext,
  defineMethod,
  depth,
  drawPrompts,
  expectDepth,
  LearntPrompts,
  length,
  PromptedClip,
  type PromptLearner,
  promptSpec,
  textTemplate,
  trainingPreset,
} from '../src/core.ts';

const NAME = 'image_encoder.shared_rows';

function sharedPrompts(context: CreationContext, nCtx: number, layers: number): PromptLearner {
  const { width } = context.image.config;
  const spec = promptSpec('shared-vpt', {
    parameters: { [NAME]: [nCtx, width] },
    image: {
      nCtx,
      width,
      ...AFTER_PATCHES,
      layers: Array.from({ length: layers }, (_, layer) => ({ layer, learnt: { name: NAME } })),
    },
  });
  return new LearntPrompts(spec, drawPrompts(spec.parameters, context));
}

const settings = z.strictObject({ length: length(4), depth: depth(12) });

export const sharedVpt = defineMethod<z.output<typeof settings>>({
  name: 'shared-vpt',
  title: 'VPT with shared prompts',
  summary: 'the same prompts in every layer of the image tower',
  settings,
  training: trainingPreset({ lr: 0.0025, epochs: 5 }),
  variants: {},
  create(context, { length: nCtx, depth: layers }) {
    expectDepth('shared-vpt', 'depth', layers, 'image', context.image.config.layers);
    return new PromptedClip('shared-vpt', context, sharedPrompts(context, nCtx, layers), textTemplate(context.tokenizer));
  },
});
