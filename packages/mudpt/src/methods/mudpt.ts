/**
 * MuDPT: multi-modal deep-symphysis prompt tuning (Miao et al., ICME 2023, arXiv 2306.11400; github.com/Mechrev0/MuDPT). Deep prompts in
 * both towers; an injection adds to each modality what the other's prompts become. With depth 1 the text side is CoOp's.
 */
import { add, type Tensor, unbind } from '@mudpt/tensor';
import { z } from 'zod';
import { deepContext } from '../prompts/deep-context.ts';
import { defineMethod } from '../method/definition.ts';
import { randomPrompts } from '../prompts/initial.ts';
import { CrossAttentionInjection } from '../prompts/injection/cross-attention.ts';
import type { Injected, Injection, Prompts } from '../prompts/injection/injection.ts';
import { LinearInjection } from '../prompts/injection/linear.ts';
import { TransformerInjection } from '../prompts/injection/transformer.ts';
import type { CreationContext, PromptPlace, TowerPrompts } from '../method/method.ts';
import { trainingPreset } from '../method/training-settings.ts';
import { type Learner, PromptedClip } from '../prompts/prompted.ts';
import { depth, initWords, length } from '../method/settings.ts';

export const mudptSettings = z.strictObject({
  length: length(2),
  depth: depth(9),
  initWords: initWords(),
  injection: z
    .enum(['transformer', 'linear', 'cross-attention'])
    .default('transformer')
    .describe(
      "what carries prompts across: the paper's figure, the released scripts' linear, or (experimental, ours) true cross-attention",
    ),
  norm: z
    .enum(['pre', 'post'])
    .default('pre')
    .describe("norms before (released code) or after (the paper's figure) attention and feed-forward"),
  injectLayer0: z.boolean().default(true).describe("add to the image's first prompts too (the paper's figure has it off)"),
  perLayer: z.boolean().default(false).describe('own injection weights for every layer instead of one set'),
  zeroInit: z.boolean().default(false).describe('begin with an injection that adds nothing'),
});

export type MudptSettings = z.output<typeof mudptSettings>;

/** Names the authors gave what both trainers learn. */
const NAMES = {
  transformer: 'uumudpt_prompt_learner',
  linear: 'mudpt_prompt_learner',
  'cross-attention': 'mudpt_prompt_learner',
} as const;

/** T and V, and what the injection makes of them. */
export class MudptLearner implements Learner {
  readonly learnable: ReadonlyMap<string, Tensor>;
  readonly places: Learner['places'];
  private readonly own: Prompts;
  private readonly injection: Injection;

  /** @param first [n, text width], the first text prompts; taken over */
  constructor(context: Pick<CreationContext, 'device' | 'text' | 'image' | 'random'>, first: Tensor, settings: MudptSettings) {
    const { text, image, device, random } = context;
    const [textWidth, imageWidth] = [text.config.width, image.config.width];
    const { length: n, depth: layers, injection, injectLayer0: layer0, perLayer, zeroInit, norm: form } = settings;
    const deep = (width: number): Tensor => randomPrompts([layers - 1, n, width], { device }, random);
    this.own = {
      text: { first, deep: deep(textWidth) },
      image: { first: randomPrompts([n, imageWidth], { device }, random), deep: deep(imageWidth) },
    };
    const options = { depth: layers, textWidth, imageWidth, layer0, perLayer, zeroInit, form, device, random };
    this.injection = makeInjection(injection, options);
    const learner = NAMES[injection];
    this.learnable = new Map([
      [`${learner}.ctx`, this.own.text.first],
      [`${learner}.deep_prompts`, this.own.text.deep],
      ['image_encoder.visual_ctx', this.own.image.first],
      ['image_encoder.visual_ctx_deep_prompts', this.own.image.deep],
      ...this.injection.learnable,
    ]);
    this.places = placesOf(learner, settings);
  }

  /** What each modality gives the other. */
  injected(): Injected {
    return this.injection.inject(this.own);
  }

  prompts(): TowerPrompts {
    const { text, image } = this.own;
    const { imageFirst, imageDeep, textDeep } = this.injected();
    return {
      text: { first: text.first, deep: unbind(textDeep ? add(text.deep, textDeep) : text.deep) },
      image: {
        first: imageFirst ? add(image.first, imageFirst) : image.first,
        deep: unbind(imageDeep ? add(image.deep, imageDeep) : image.deep),
      },
    };
  }
}

function makeInjection(
  form: MudptSettings['injection'],
  options: ConstructorParameters<typeof CrossAttentionInjection>[0],
): Injection {
  if (form === 'linear') return new LinearInjection(options);
  return form === 'transformer' ? new TransformerInjection(options) : new CrossAttentionInjection(options);
}

function placesOf(learner: string, { length: rows, depth: layers, injectLayer0 }: MudptSettings): Learner['places'] {
  const [t0, t] = [`${learner}.ctx`, `${learner}.deep_prompts`];
  const [v0, v] = ['image_encoder.visual_ctx', 'image_encoder.visual_ctx_deep_prompts'];
  const deeper = (sources: string[]): PromptPlace[] =>
    Array.from({ length: layers - 1 }, (_, index) => ({ layer: index + 1, rows, sources }));
  return {
    text: [{ layer: 0, rows, sources: [t0] }, ...deeper([t, v])],
    image: [{ layer: 0, rows, sources: injectLayer0 ? [v0, t0] : [v0] }, ...deeper([v, t])],
  };
}

export const mudpt = defineMethod<MudptSettings>({
  name: 'mudpt',
  title: 'MuDPT',
  summary: 'deep prompts in both towers, each modality adding to the other through an injection',
  settings: mudptSettings,
  training: trainingPreset({ lr: 0.0025, epochs: 10, batchSize: 4 }),
  variants: {
    'cross-dataset': { training: { epochs: 5 } },
    'named-in-scripts': { settings: { length: 4 } },
    'released-defaults': { settings: { depth: 8, injection: 'linear' } },
  },
  create(context, settings) {
    const { length: count, depth: layers, initWords: words } = settings;
    const depths = { text: { depth: layers }, image: { depth: layers } };
    const { rows, wording } = deepContext(context, { method: 'mudpt', depths, length: count, words, keepWords: false });
    return new PromptedClip('mudpt', context, new MudptLearner(context, rows, settings), wording);
  },
});
