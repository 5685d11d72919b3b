/** The example of docs/how-to-add-a-method.md: image prompts that are the same in every layer. It takes what any package can take. */
import type { Tensor } from '@mudpt/tensor';
import { z } from 'zod';
import {
  type CreationContext,
  defineMethod,
  depth,
  expectDepth,
  fixedText,
  type Learner,
  length,
  PromptedClip,
  randomPrompts,
  templateWriter,
  type TowerPrompts,
  trainingPreset,
} from '../src/core.ts';

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
