/** The example of docs/how-to-add-a-method.md: image prompts that are the same in every layer. */
import type { Tensor } from '@mudpt/tensor';
import { z } from 'zod';
import { defineMethod } from '../src/methods/definition.ts';
import { randomPrompts } from '../src/methods/initial.ts';
import type { CreationContext, TowerPrompts } from '../src/methods/method.ts';
import { trainingPreset } from '../src/methods/presets.ts';
import { type Learner, PromptedClip } from '../src/methods/prompted.ts';
import { depth, expectDepth, length } from '../src/methods/settings.ts';
import { templateWriter } from '../src/methods/tokens.ts';
import { fixedText } from '../src/methods/wording.ts';

const NAME = 'image_encoder.shared_rows';

class SharedRows implements Learner {
  readonly learnable: ReadonlyMap<string, Tensor>;
  readonly places: Learner['places'];
  private readonly rows: Tensor;

  constructor(
    context: CreationContext,
    rows: number,
    private readonly layers: number,
  ) {
    this.rows = randomPrompts([rows, context.image.config.width], context, context.random);
    this.learnable = new Map([[NAME, this.rows]]);
    this.places = { text: [], image: Array.from({ length: layers }, (_, layer) => ({ layer, rows, sources: [NAME] })) };
  }

  prompts(): TowerPrompts {
    return { image: { first: this.rows, deep: Array.from({ length: this.layers - 1 }, () => this.rows) } };
  }
}

const settings = z.strictObject({ length: length(4), depth: depth(12) });

export const sharedVpt = defineMethod<z.output<typeof settings>>({
  name: 'shared-vpt',
  title: 'VPT with shared rows',
  summary: 'the same prompts in every layer of the image tower',
  settings,
  training: trainingPreset({ lr: 0.0025, epochs: 5 }),
  variants: {},
  create(context, { length: rows, depth: layers }) {
    expectDepth('shared-vpt', 'depth', layers, 'image', context.image.config.layers);
    const wording = fixedText(templateWriter(context.tokenizer));
    return new PromptedClip('shared-vpt', context, new SharedRows(context, rows, layers), wording);
  },
});
