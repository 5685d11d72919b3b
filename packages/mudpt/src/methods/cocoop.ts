/**
 * CoCoOp: conditional prompt learning (Zhou et al., CVPR 2022; github.com/KaiyangZhou/CoOp). A small network turns each image's feature into a
 * shift of the context, so the texts run once per image.
 */
import { Linear } from '@mudpt/autograd';
import { add, l2Normalize, matmul, narrow, reshape, scope, stack, type Tensor } from '@mudpt/tensor';
import { z } from 'zod';
import { type ClassContext, expectNoSubclass } from '../method/class-context.ts';
import { defineMethod } from '../method/definition.ts';
import type { MethodContext, Outputs, PromptMethod } from '../method/method.ts';
import { promptSpec, type PromptSpec } from '../method/prompt-spec.ts';
import { initWords, length } from '../method/settings.ts';
import { trainingPreset } from '../method/training-settings.ts';
import { named } from '../prompts/injection/parts.ts';
import { type PromptLearner, shapesOf } from '../prompts/learner.ts';
import { prefixTemplate, type PromptTemplate } from '../prompts/texts/prompt-template.ts';
import { type Ownership, PromptedClip } from '../prompts/prompted.ts';
import { settingMetadata } from '../settings/metadata.ts';
import { coopStart, coopText, decidedByWords } from './coop.ts';

const cocoopSettings = z.strictObject({
  length: length(4),
  initWords: initWords()
    .describe('words the context begins with: they decide its length; empty: random numbers')
    .register(settingMetadata, decidedByWords),
  reduction: z.int().positive().default(16).describe('the network between has embed / reduction channels'),
});

const NETWORK = 'prompt_learner.meta_net';

/** The context [M, width], and the network that shifts it. */
export class ConditionalContext implements PromptLearner {
  readonly spec: PromptSpec;
  readonly learnable: ReadonlyMap<string, Tensor>;

  constructor(
    private readonly context: Tensor,
    private readonly linear1: Linear,
    private readonly linear2: Linear,
  ) {
    const network = [...named(`${NETWORK}.linear1`, linear1), ...named(`${NETWORK}.linear2`, linear2)];
    const { parameters, text } = coopText(
      context.shape,
      'end',
      network.map(([name]) => name),
    );
    this.spec = promptSpec('cocoop', { parameters: { ...parameters, ...shapesOf(network) }, text });
    this.learnable = new Map([...Object.keys(parameters).map((name) => [name, context] as const), ...network]);
  }

  /** They depend on the image. */
  prompts(): undefined {
    return undefined;
  }

  /** The context [M, width] of each image, from unit features [B, embed]. */
  contextsOf(images: Tensor): readonly Tensor[] {
    const shifts = this.linear2.forward(this.linear1.forward(images, { activation: 'relu' }));
    const [batch = 0] = images.shape;
    return Array.from({ length: batch }, (_, index) => add(this.context, narrow(shifts, 0, index, 1)));
  }
}

export class Cocoop extends PromptedClip {
  override readonly textsPerImage: number;

  constructor(
    context: MethodContext,
    protected override readonly learner: ConditionalContext,
    template: PromptTemplate,
    ownership?: Ownership,
  ) {
    super('cocoop', context, learner, template, ownership);
    this.textsPerImage = context.classNames.length;
  }

  /** Texts run one image after the other: within an image all classes share their beginning. */
  override forward(images: Tensor): Outputs {
    return scope(() => {
      // Nothing of images has a gradient: micro-batches of them would save nothing.
      const imageFeatures = this.context.image.forward(images);
      const normed = l2Normalize(imageFeatures);
      const textFeatures = stack(this.learner.contextsOf(normed).map((tokens) => this.texts.forward([tokens])));
      const [batch, classes, embed] = textFeatures.shape as [number, number, number];
      const cosines = matmul(reshape(normed, [batch, 1, embed]), l2Normalize(textFeatures), {
        transposeB: true,
        alpha: this.context.scale,
      });
      return { logits: reshape(cosines, [batch, classes]), imageFeatures, textFeatures };
    });
  }

  /** The texts depend on the image. */
  override textFeatures(): undefined {
    return undefined;
  }

  override evaluateWithFeatures(images: Tensor): Pick<Outputs, 'logits' | 'imageFeatures'> {
    return scope(() => {
      const { logits, imageFeatures } = this.forward(images);
      return { logits, imageFeatures };
    });
  }

  override forContext(other: ClassContext): PromptMethod {
    expectNoSubclass(this, Cocoop);
    return new Cocoop(this.contextFor(other), this.learner, this.template, { owns: false });
  }
}

export const cocoop = defineMethod<z.output<typeof cocoopSettings>>({
  name: 'cocoop',
  title: 'CoCoOp',
  summary: 'context tokens in the texts, shifted by what a small network sees in each image',
  settings: cocoopSettings,
  training: trainingPreset({ lr: 0.002, epochs: 10, batchSize: 1 }),
  published: [
    {
      protocols: ['base-to-new', 'cross-dataset', 'domain'],
      settings: { initWords: 'a photo of a' },
      training: { lr: 0.002, epochs: 10, batchSize: 1 },
      source: 'CoCoOp, configs/trainers/CoCoOp/vit_b16_c4_ep10_batch1_ctxv1.yaml',
    },
  ],
  variants: {},
  create(context, settings) {
    const { tokens, prefix } = coopStart(context, { ...settings, classSpecific: false });
    const { device, embed, text, random } = context;
    const options = { device, random };
    const hidden = Math.max(1, Math.floor(embed / settings.reduction));
    const linear1 = new Linear(embed, hidden, options);
    const linear2 = new Linear(hidden, text.config.width, options);
    const learner = new ConditionalContext(tokens, linear1, linear2);
    return new Cocoop(context, learner, prefixTemplate(context.tokenizer, prefix));
  },
});
