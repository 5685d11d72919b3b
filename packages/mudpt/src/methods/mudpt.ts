/**
 * MuDPT: multi-modal deep-symphysis prompt tuning (Miao et al., ICME 2023, arXiv 2306.11400; github.com/Mechrev0/MuDPT). Deep prompts in
 * both towers; an injection adds to each modality a function of the other's prompts. With depth 1 the text side is CoOp's.
 */
import { type Tensor, unbind } from '@mudpt/tensor';
import { z } from 'zod';
import { defineMethod } from '../method/definition.ts';
import type { CreationContext, TowerPrompts } from '../method/method.ts';
import { promptSpec, type PromptSpec } from '../method/prompt-spec.ts';
import { depth, initWords, length } from '../method/settings.ts';
import { idleWhere, settingMetadata } from '../settings/metadata.ts';
import { trainingPreset } from '../method/training-settings.ts';
import { deepContext } from '../prompts/deep-context.ts';
import { CrossAttentionInjection } from '../prompts/injection/cross-attention.ts';
import type { Injected, Injection, LayeredPrompts, Prompts } from '../prompts/injection/injection.ts';
import { LinearInjection } from '../prompts/injection/linear.ts';
import { TransformerInjection } from '../prompts/injection/transformer.ts';
import { AFTER_PATCHES, AFTER_START, stackedPrompts } from '../prompts/layers.ts';
import { drawPrompts, type PromptLearner, shapesOf } from '../prompts/learner.ts';
import { PromptedClip } from '../prompts/prompted.ts';

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
    .describe("norms before (released code) or after (the paper's figure) attention and feed-forward")
    .register(settingMetadata, { idle: ({ injection }) => idleWhere(injection === 'linear', 'injection is linear') }),
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

const IMAGE = { first: 'image_encoder.visual_ctx', deep: 'image_encoder.visual_ctx_deep_prompts' } as const;

/** Text and image prompts T and V, and the injection between them. */
export class MudptLearner implements PromptLearner {
  readonly spec: PromptSpec;
  readonly learnable: ReadonlyMap<string, Tensor>;
  private readonly learnt: Prompts;
  private readonly injection: Injection;

  /** @param first [n, text width], the first context tokens; taken over */
  constructor(context: Pick<CreationContext, 'device' | 'text' | 'image' | 'random'>, first: Tensor, settings: MudptSettings) {
    const { device, random } = context;
    const [textWidth, imageWidth] = [context.text.config.width, context.image.config.width];
    const { length: n, depth: layers, injection, injectLayer0: layer0, perLayer, zeroInit, norm: form } = settings;
    const learner = NAMES[injection];
    const names = { first: `${learner}.ctx`, deep: `${learner}.deep_prompts` };
    const text = stackedPrompts({ depth: layers, ...names }, [n, textWidth], { first: [], deep: [IMAGE.deep] });
    const toImage = { first: layer0 ? [names.first] : [], deep: [names.deep] };
    const image = stackedPrompts({ depth: layers, ...IMAGE }, [n, imageWidth], toImage);
    const texts = drawPrompts(text.parameters, context, { [names.first]: first });
    const images = drawPrompts(image.parameters, context);
    this.learnt = { text: layeredPrompts(texts), image: layeredPrompts(images) };
    const options = { depth: layers, textWidth, imageWidth, layer0, perLayer, zeroInit, form, device, random };
    this.injection = makeInjection(injection, options);
    this.learnable = new Map([...texts, ...images, ...this.injection.learnable]);
    this.spec = promptSpec('mudpt', {
      parameters: { ...text.parameters, ...image.parameters, ...shapesOf(this.injection.learnable) },
      text: { ...text.tower, ...AFTER_START },
      image: { ...image.tower, ...AFTER_PATCHES },
    });
  }

  /** What each modality gives the other. */
  injected(): Injected {
    return this.injection.inject(this.learnt);
  }

  prompts(): TowerPrompts {
    const { text, image } = this.learnt;
    const { imageFirst, imageDeep, textDeep } = this.injection.inject(this.learnt, { isAdded: true });
    return {
      text: [text.first, ...unbind(textDeep ?? text.deep)],
      image: [imageFirst ?? image.first, ...unbind(imageDeep ?? image.deep)],
    };
  }
}

/** The two tensors of stacked prompts. */
function layeredPrompts(tensors: ReadonlyMap<string, Tensor>): LayeredPrompts {
  const [first, deep] = [...tensors.values()] as [Tensor, Tensor];
  return { first, deep };
}

function makeInjection(
  form: MudptSettings['injection'],
  options: ConstructorParameters<typeof CrossAttentionInjection>[0],
): Injection {
  if (form === 'linear') return new LinearInjection(options);
  return form === 'transformer' ? new TransformerInjection(options) : new CrossAttentionInjection(options);
}

export const mudpt = defineMethod<MudptSettings>({
  name: 'mudpt',
  title: 'MuDPT',
  summary: 'deep prompts in both towers, each modality adding to the other through an injection',
  settings: mudptSettings,
  training: trainingPreset({ lr: 0.0025, epochs: 10, batchSize: 4 }),
  published: [
    {
      protocols: ['few-shot', 'base-to-new'],
      training: { lr: 0.0025, epochs: 10, batchSize: 4 },
      source: 'MuDPT, scripts/mudpt (configuration bz4_ep10_nctx4_depth9; the length and depth in force there are not known)',
    },
    {
      protocols: ['cross-dataset', 'domain'],
      settings: { length: 2, depth: 9 },
      training: { lr: 0.0025, epochs: 5, batchSize: 4 },
      source: 'MuDPT, scripts of cross-dataset and domain generalisation (configuration ep5_nctx2_depth9)',
    },
  ],
  variants: {
    'named-in-scripts': { settings: { length: 4 } },
    'released-defaults': { settings: { depth: 8, injection: 'linear' } },
  },
  create(context, settings) {
    const { length: count, depth: layers, initWords: words } = settings;
    const depths = { text: { depth: layers }, image: { depth: layers } };
    const { first, template } = deepContext(context, { method: 'mudpt', depths, length: count, words, keepWords: false });
    return new PromptedClip('mudpt', context, new MudptLearner(context, first, settings), template);
  },
});
