/**
 * UMuDPT, the one-way trainer of MuDPT's release: image prompts are what a light transformer makes of the text prompts; there are no own
 * ones (github.com/Mechrev0/MuDPT).
 */
import { type Tensor, unbind } from '@mudpt/tensor';
import { z } from 'zod';
import { deepContext } from '../prompts/deep-context.ts';
import { defineMethod } from '../method/definition.ts';
import { randomPrompts } from '../prompts/initial.ts';
import { apart, layered } from '../prompts/injection/injection.ts';
import { PromptTransformer, textToImageNames } from '../prompts/injection/transformer.ts';
import type { CreationContext, PromptPlace, TowerPrompts } from '../method/method.ts';
import { trainingPreset } from '../method/training-settings.ts';
import { type Learner, PromptedClip } from '../prompts/prompted.ts';
import { depth, initWords, length } from '../method/settings.ts';

const umudptSettings = z.strictObject({
  length: length(2),
  depth: depth(9),
  initWords: initWords(),
  norm: z.enum(['pre', 'post']).default('pre').describe('norms before (released code) or after attention and feed-forward'),
  zeroInit: z.boolean().default(false).describe('begin with image prompts of zeros'),
});

export type UmudptSettings = z.output<typeof umudptSettings>;

const LEARNER = 'umudpt_prompt_learner';

export class UmudptLearner implements Learner {
  readonly learnable: ReadonlyMap<string, Tensor>;
  readonly places: Learner['places'];
  private readonly deep: Tensor;
  private readonly toImage: PromptTransformer;

  /** @param first [n, text width], the first text prompts; taken over */
  constructor(
    context: Pick<CreationContext, 'device' | 'text' | 'image' | 'random'>,
    private readonly first: Tensor,
    { length: rows, depth: layers, norm: form, zeroInit }: UmudptSettings,
  ) {
    const { text, image, device, random } = context;
    const widths = [text.config.width, image.config.width] as const;
    this.deep = randomPrompts([layers - 1, rows, widths[0]], { device }, random);
    this.toImage = new PromptTransformer(widths, textToImageNames(LEARNER), { form, zeroInit, device, random });
    const [t0, t] = [`${LEARNER}.ctx`, `${LEARNER}.deep_prompts`];
    this.learnable = new Map([[t0, first], [t, this.deep], ...this.toImage.learnable]);
    const places = Array.from({ length: layers }, (_, layer): PromptPlace => ({ layer, rows, sources: [layer === 0 ? t0 : t] }));
    this.places = { text: places, image: places };
  }

  /** The image prompts: [n, image width] and [L - 1, n, image width]. */
  imagePrompts(): { readonly first: Tensor; readonly deep: Tensor | undefined } {
    const joined = layered({ first: this.first, deep: this.deep }, true);
    const { first, deep } = apart(this.toImage.forward(joined), true);
    return { first: first as Tensor, deep };
  }

  prompts(): TowerPrompts {
    const image = this.imagePrompts();
    return {
      text: { first: this.first, deep: unbind(this.deep) },
      image: { first: image.first, deep: image.deep ? unbind(image.deep) : [] },
    };
  }
}

export const umudpt = defineMethod<UmudptSettings>({
  name: 'umudpt',
  title: 'UMuDPT',
  summary: 'deep text prompts, and image prompts that a light transformer makes of them',
  settings: umudptSettings,
  training: trainingPreset({ lr: 0.0025, epochs: 10, batchSize: 4 }),
  variants: { 'cross-dataset': { training: { epochs: 5 } } },
  create(context, settings) {
    const { length: count, depth: layers, initWords: words } = settings;
    const depths = { text: { depth: layers }, image: { depth: layers } };
    const { rows, wording } = deepContext(context, { method: 'umudpt', depths, length: count, words, keepWords: false });
    return new PromptedClip('umudpt', context, new UmudptLearner(context, rows, settings), wording);
  },
});
