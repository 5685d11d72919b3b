/**
 * PromptSRC: self-regulating prompts (Khattak et al., ICCV 2023; github.com/muzairkhattak/PromptSRC). Independent prompts held near the
 * frozen model by three more losses, and the Gaussian-weighted mean of the prompts after each epoch as the result.
 */
import { noGrad } from '@mudpt/autograd';
import { add, copyInto, crossEntropy, keep, klDiv, l1Loss, l2Normalize, mul, scope, type Tensor, zeros } from '@mudpt/tensor';
import { z } from 'zod';
import { type ClassContext, expectNoSubclass } from '../method/class-context.ts';
import { deepContext } from '../prompts/deep-context.ts';
import { defineMethod } from '../method/definition.ts';
import { plainMean, meanSentenceFeatures, templateFeatures } from '../features/ensemble.ts';
import { MethodError } from '../method/errors.ts';
import { independentPrompts } from '../prompts/independent.ts';
import type { MethodContext, PromptMethod, StepLoss } from '../method/method.ts';
import type { PublishedSettings } from '../method/published.ts';
import { idleWhere, settingMetadata } from '../settings/metadata.ts';
import { trainingPreset } from '../method/training-settings.ts';
import { cosineLogits } from '../prompts/cosine.ts';
import type { PromptLearner } from '../prompts/learner.ts';
import { GuidedClip } from '../prompts/guided.ts';
import { depth, initWords, length } from '../method/settings.ts';
import { PROMPTSRC_TEMPLATES } from '../prompts/texts/templates.ts';
import { type PromptTemplate, textTemplate } from '../prompts/texts/prompt-template.ts';

const withoutAggregation = ({ aggregation }: Readonly<Record<string, unknown>>): string | undefined =>
  idleWhere(aggregation === false, 'aggregation is off');

const promptsrcSettings = z.strictObject({
  textLength: length(4),
  textDepth: depth(9),
  imageLength: length(4),
  imageDepth: depth(9),
  initWords: initWords(),
  textLossWeight: z.number().min(0).default(25).describe("of the mean distance between texts' features and the frozen ones"),
  imageLossWeight: z.number().min(0).default(10).describe("of the mean distance between images' features and the frozen ones"),
  logitLossWeight: z.number().min(0).default(1).describe("of the divergence of predictions from the frozen model's"),
  aggregation: z.boolean().default(true).describe('end with the weighted mean over epochs instead of the last epoch'),
  aggregationMean: z
    .number()
    .default(15)
    .describe('epoch (from 1) that counts most in the mean')
    .register(settingMetadata, { idle: withoutAggregation }),
  aggregationDeviation: z
    .number()
    .positive()
    .default(1)
    .describe('in epochs')
    .register(settingMetadata, { idle: withoutAggregation }),
  templates: z
    .array(z.string())
    .default([...PROMPTSRC_TEMPLATES])
    .describe("texts whose mean the frozen text features are; empty: the data set's own; class descriptions take their place")
    .register(settingMetadata, { yieldsToDescriptions: true }),
});

export type PromptsrcSettings = z.output<typeof promptsrcSettings>;

/** Weight of each of `epochs` epochs in the aggregation: a Gaussian's density at 1 .. epochs, adding up to 1. */
export function aggregationWeights(epochs: number, mean: number, deviation: number): number[] {
  const density = Array.from(
    { length: epochs },
    (_, epoch) => Math.exp(-0.5 * ((epoch + 1 - mean) / deviation) ** 2) / (deviation * Math.sqrt(2 * Math.PI)),
  );
  const total = density.reduce((sum, value) => sum + value, 0);
  return density.map((value) => value / total);
}

/** Settings of the losses. */
export type Regulation = Pick<
  PromptsrcSettings,
  'textLossWeight' | 'imageLossWeight' | 'logitLossWeight' | 'aggregation' | 'aggregationMean' | 'aggregationDeviation'
>;

export class Promptsrc extends GuidedClip {
  /** Running weighted sums of the learnt tensors, by `aggregated.<name>`. */
  override readonly state: ReadonlyMap<string, Tensor>;

  constructor(
    context: MethodContext,
    learner: PromptLearner,
    template: PromptTemplate,
    private readonly regulation: Regulation,
    /** undefined: for other classes, on which it is not trained; the learner stays the first one's */
    templates: readonly PromptTemplate[] | undefined,
  ) {
    super('promptsrc', context, learner, template, templates && ((classes) => unitMean(classes, templates)));
    const sums = templates && regulation.aggregation ? [...this.learnable] : [];
    this.state = new Map(sums.map(([name, { shape, device }]) => [`aggregated.${name}`, keep(zeros(shape, { device }))]));
  }

  override loss(images: Tensor, labels: Tensor): StepLoss {
    return scope(() => {
      const { frozenTexts } = this;
      const { textLossWeight, imageLossWeight, logitLossWeight } = this.regulation;
      const outputs = this.forward(images);
      const frozen = noGrad(() => this.inMicroBatches(images, (part) => this.context.image.forward(part)));
      const frozenImages = l2Normalize(frozen);
      const frozenLogits = cosineLogits(frozenImages, frozenTexts, this.context.scale);
      const terms = {
        crossEntropy: crossEntropy(outputs.logits, labels),
        text: mul(l1Loss(l2Normalize(outputs.textFeatures), frozenTexts), textLossWeight),
        image: mul(l1Loss(l2Normalize(outputs.imageFeatures), frozenImages), imageLossWeight),
        logits: mul(klDiv(outputs.logits, frozenLogits), logitLossWeight),
      };
      const loss = add(add(terms.crossEntropy, terms.text), add(terms.image, terms.logits));
      return { loss, outputs, terms };
    });
  }

  /** Adds the epoch's end to the mean; after the last epoch the mean takes its place. */
  endEpoch(epoch: number, epochs: number): void {
    const { aggregation, aggregationMean, aggregationDeviation } = this.regulation;
    if (!aggregation) return;
    const weight = aggregationWeights(epochs, aggregationMean, aggregationDeviation)[epoch];
    if (weight === undefined) throw new MethodError(this.name, `epoch ${epoch} has ended, of ${epochs}`, 'count epochs from 0');
    noGrad(() =>
      scope(() => {
        for (const [name, parameter] of this.learnable) {
          const sum = this.state.get(`aggregated.${name}`);
          if (!sum) continue;
          copyInto(sum, add(sum, mul(parameter, weight)));
          if (epoch === epochs - 1) copyInto(parameter, sum);
        }
      }),
    );
  }

  override forContext(other: ClassContext): PromptMethod {
    expectNoSubclass(this, Promptsrc);
    return new Promptsrc(this.contextFor(other), this.learner, this.template, this.regulation, undefined);
  }

  override dispose(): void {
    super.dispose();
    for (const sum of this.state.values()) sum.dispose();
  }
}

/** Unit vectors [C, embed] of the mean of frozen text features: over templates, or over a class's descriptions where there are any. */
function unitMean(context: MethodContext, templates: readonly PromptTemplate[]): Tensor {
  if (context.descriptions) {
    using means = meanSentenceFeatures(context, context.descriptions);
    return keep(noGrad(() => scope(() => l2Normalize(means))));
  }
  using features = templateFeatures(context, templates);
  return keep(noGrad(() => scope(() => l2Normalize(plainMean(features)))));
}

/** Depth of both towers, and mean and deviation of the aggregation in epochs. */
function recipe(
  protocols: PublishedSettings['protocols'],
  { depth: layers, mean, deviation, epochs }: Readonly<Record<'depth' | 'mean' | 'deviation' | 'epochs', number>>,
  config: string,
): PublishedSettings {
  return {
    protocols,
    settings: {
      textLength: 4,
      textDepth: layers,
      imageLength: 4,
      imageDepth: layers,
      aggregationMean: mean,
      aggregationDeviation: deviation,
    },
    training: { lr: 0.0025, epochs, batchSize: 4 },
    source: `PromptSRC, configs/trainers/PromptSRC/vit_b16_c2_${config}.yaml`,
  };
}

export const promptsrc = defineMethod<PromptsrcSettings>({
  name: 'promptsrc',
  title: 'PromptSRC',
  summary: 'deep prompts in both towers, regulated by the frozen model and averaged over epochs',
  settings: promptsrcSettings,
  training: trainingPreset({ lr: 0.0025, epochs: 20, batchSize: 4 }),
  readsDescriptions: () => true,
  published: [
    recipe(['base-to-new'], { depth: 9, mean: 15, deviation: 1, epochs: 20 }, 'ep20_batch4_4+4ctx'),
    recipe(['cross-dataset', 'domain'], { depth: 3, mean: 6, deviation: 10, epochs: 20 }, 'ep20_batch4_4+4ctx_cross_datasets'),
    recipe(['few-shot'], { depth: 9, mean: 30, deviation: 30, epochs: 50 }, 'ep50_batch4_4+4ctx_few_shot'),
    {
      ...recipe(['few-shot'], { depth: 9, mean: 45, deviation: 5, epochs: 50 }, 'ep50_batch4_4+4ctx_few_shot'),
      data: ['stanford_cars', 'oxford_flowers', 'fgvc_aircraft', 'dtd', 'eurosat'],
    },
  ],
  variants: {},
  create(context, settings) {
    const { textLength: count, textDepth, imageLength, imageDepth, initWords: words } = settings;
    const depths = { text: { textDepth }, image: { imageDepth } };
    const written = settings.templates.length > 0 ? settings.templates : [undefined];
    const templates = written.map((template) => textTemplate(context.tokenizer, template));
    const { first, template } = deepContext(context, { method: 'promptsrc', depths, length: count, words, keepWords: true });
    const learner = independentPrompts('promptsrc', context, {
      text: { first, depth: textDepth },
      image: { length: imageLength, depth: imageDepth },
    });
    return new Promptsrc(context, learner, template, settings, templates);
  },
});
