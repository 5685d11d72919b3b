/**
 * UMuDPT, the one-way trainer of MuDPT's release: a light transformer computes the image prompts from the text prompts; no others
 * are learnt (github.com/Mechrev0/MuDPT).
 */
import { type Tensor, unbind } from '@mudpt/tensor';
import { z } from 'zod';
import { defineMethod } from '../method/definition.ts';
import type { CreationContext, TowerPrompts } from '../method/method.ts';
import { promptSpec, type PromptSpec } from '../method/prompt-spec.ts';
import { depth, initWords, length } from '../method/settings.ts';
import { trainingPreset } from '../method/training-settings.ts';
import { deepContext } from '../prompts/deep-context.ts';
import { layered, unlayered } from '../prompts/injection/injection.ts';
import { PromptTransformer, textToImageNames } from '../prompts/injection/transformer.ts';
import { AFTER_PATCHES, AFTER_START, computedPrompts, stackedPrompts } from '../prompts/layers.ts';
import { drawPrompts, type PromptLearner, shapesOf } from '../prompts/learner.ts';
import { PromptedClip } from '../prompts/prompted.ts';

const umudptSettings = z.strictObject({
  length: length(2),
  depth: depth(9),
  initWords: initWords(),
  norm: z.enum(['pre', 'post']).default('pre').describe('norms before (released code) or after attention and feed-forward'),
  zeroInit: z.boolean().default(false).describe('begin with image prompts of zeros'),
});

export type UmudptSettings = z.output<typeof umudptSettings>;

const LEARNER = 'umudpt_prompt_learner';
const TEXT = { first: `${LEARNER}.ctx`, deep: `${LEARNER}.deep_prompts` } as const;

export class UmudptLearner implements PromptLearner {
  readonly spec: PromptSpec;
  readonly learnable: ReadonlyMap<string, Tensor>;
  private readonly deep: Tensor;
  private readonly toImage: PromptTransformer;

  /** @param first [n, text width], the first context tokens; taken over */
  constructor(
    context: Pick<CreationContext, 'device' | 'text' | 'image' | 'random'>,
    private readonly first: Tensor,
    { length: n, depth: layers, norm: form, zeroInit }: UmudptSettings,
  ) {
    const { device, random } = context;
    const widths = [context.text.config.width, context.image.config.width] as const;
    const text = stackedPrompts({ depth: layers, ...TEXT }, [n, widths[0]]);
    const sources = Array.from({ length: layers }, (_, layer) => [layer === 0 ? TEXT.first : TEXT.deep]);
    const image = computedPrompts(sources, [n, widths[1]]);
    const texts = drawPrompts(text.parameters, context, { [TEXT.first]: first });
    this.deep = texts.get(TEXT.deep) as Tensor;
    this.toImage = new PromptTransformer(widths, textToImageNames(LEARNER), { form, zeroInit, device, random });
    this.learnable = new Map([...texts, ...this.toImage.learnable]);
    this.spec = promptSpec('umudpt', {
      parameters: { ...text.parameters, ...shapesOf(this.toImage.learnable) },
      text: { ...text.tower, ...AFTER_START },
      image: { ...image.tower, ...AFTER_PATCHES },
    });
  }

  prompts(): TowerPrompts {
    const joined = layered({ first: this.first, deep: this.deep });
    const { first, deep } = unlayered(this.toImage.forward(joined));
    return {
      text: [this.first, ...unbind(this.deep)],
      image: [first, ...(deep ? unbind(deep) : [])],
    };
  }
}

export const umudpt = defineMethod<UmudptSettings>({
  name: 'umudpt',
  title: 'UMuDPT',
  summary: 'deep text prompts, and image prompts that a light transformer makes of them',
  settings: umudptSettings,
  training: trainingPreset({ lr: 0.0025, epochs: 10, batchSize: 4 }),
  published: [
    {
      protocols: ['few-shot', 'base-to-new'],
      training: { lr: 0.0025, epochs: 10, batchSize: 4 },
      source: "MuDPT's scripts, as they run MuDPT (none runs UMuDPT)",
    },
    {
      protocols: ['cross-dataset', 'domain'],
      training: { lr: 0.0025, epochs: 5, batchSize: 4 },
      source: "MuDPT's scripts, as they run MuDPT (none runs UMuDPT)",
    },
  ],
  variants: {},
  create(context, settings) {
    const { length: count, depth: layers, initWords: words } = settings;
    const depths = { text: { depth: layers }, image: { depth: layers } };
    const { first, template } = deepContext(context, { method: 'umudpt', depths, length: count, words, keepWords: false });
    return new PromptedClip('umudpt', context, new UmudptLearner(context, first, settings), template);
  },
});
