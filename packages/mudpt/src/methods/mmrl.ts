/**
 * MMRL: multi-modal representation learning for vision-language models (Guo and Gu, CVPR 2025; github.com/yunncheng/MMRL). Tokens of a space that
 * both towers share enter their upper blocks; what they become in the image tower gives a second feature. Classes that it learnt are judged by
 * both features; others, and those of another data set (ImageNetV2 and -Sketch after ImageNet), by CLIP's alone. That the released code never drops the texts' features of its first evaluation is not copied.
 */
import { noGrad } from '@mudpt/autograd';
import { add, cat, crossEntropy, l2Normalize, matmul, mean, mul, narrow, scope, type Tensor } from '@mudpt/tensor';
import { meanOfUnits, templateFeatures } from '../features/ensemble.ts';
import { type ClassContext, expectNoSubclass } from '../method/class-context.ts';
import { defineMethod } from '../method/definition.ts';
import { MethodError } from '../method/errors.ts';
import type { LayerTokens, MethodContext, Outputs, PromptMethod, StepLoss, TowerPrompts } from '../method/method.ts';
import { TOWERS } from '../method/prompt-spec.ts';
import type { PublishedSettings } from '../method/published.ts';
import { expectDepth } from '../method/settings.ts';
import { trainingPreset } from '../method/training-settings.ts';
import { cosineDistance, cosineLogits } from '../prompts/cosine.ts';
import { GuidedClip } from '../prompts/guided.ts';
import { AFTER_PATCHES } from '../prompts/layers.ts';
import { type PromptTemplate, textTemplate } from '../prompts/texts/prompt-template.ts';
import { type MmrlSettings, mmrlSettings, Representation } from './mmrl-representation.ts';

/** The factor of the cosines in the released code, whatever the model has learnt. */
const SCALE = 100;

/** Logits [B, C] by CLIP's feature, by the second, and by both. */
export type Branches = { readonly clip: Tensor; readonly second: Tensor; readonly fused: Tensor };

/** The method MMRL. */
export class Mmrl extends GuidedClip {
  constructor(
    context: MethodContext,
    protected override readonly learner: Representation,
    template: PromptTemplate,
    frozenTexts: ((context: MethodContext) => Tensor) | undefined,
  ) {
    super('mmrl', context, learner, template, frozenTexts);
  }

  override loss(images: Tensor, labels: Tensor): StepLoss {
    return scope(() => {
      const { alpha, distanceWeight } = this.learner.settings;
      const { frozenTexts } = this;
      const prompts = this.learner.prompts();
      const both = this.imageFeatures(images, prompts);
      const textFeatures = this.classFeatures(prompts);
      const outputs = this.outputs(both, textFeatures);
      const { clip, second } = this.branches(both, textFeatures);
      const frozen = noGrad(() => this.inMicroBatches(images, (part) => this.context.image.forward(part)));
      const terms = {
        crossEntropy: mul(crossEntropy(clip, labels), alpha),
        crossEntropySecond: mul(crossEntropy(second, labels), 1 - alpha),
        image: mul(cosineDistance(outputs.imageFeatures, l2Normalize(frozen)), distanceWeight),
        text: mul(cosineDistance(textFeatures, frozenTexts), distanceWeight),
      };
      const loss = add(add(terms.crossEntropy, terms.crossEntropySecond), add(terms.image, terms.text));
      return { loss, outputs, terms };
    });
  }

  /** @param both CLIP's image features and the second ones, [B, 2 embed] */
  branches(both: Tensor, textFeatures: Tensor): Branches {
    return scope(() => {
      const { embed } = this.context;
      const { alpha } = this.learner.settings;
      const clip = cosineLogits(narrow(both, 1, 0, embed), textFeatures, SCALE);
      const second = cosineLogits(narrow(both, 1, embed, embed), textFeatures, SCALE);
      return { clip, second, fused: add(mul(clip, alpha), mul(second, 1 - alpha)) };
    });
  }

  /** CLIP's image features and the second ones, [B, 2 embed]. */
  bothFeatures(images: Tensor): Tensor {
    return scope(() => this.imageFeatures(images, this.learner.prompts()));
  }

  override forContext(other: ClassContext): PromptMethod {
    expectNoSubclass(this, Mmrl);
    return new Mmrl(this.contextFor(other), this.learner, this.template, undefined);
  }

  protected override imageFeatures(images: Tensor, { image: tokens }: TowerPrompts): Tensor {
    const { image } = this.context;
    const { length: n } = this.learner.settings;
    return this.inMicroBatches(
      images,
      (part, layers: LayerTokens | undefined) =>
        scope(() => {
          const prompts = { ...AFTER_PATCHES, layers: layers ?? [] };
          const hidden = image.hidden(image.patches(part), { prompts, recompute: this.recomputesImages });
          const normed = image.normPost.forward(narrow(hidden, 1, (hidden.shape[1] as number) - n, n));
          return cat([image.project(hidden), matmul(mean(normed, [1]), this.learner.projection)], 1);
        }),
      tokens,
    );
  }

  /** Classes that were learnt, all or some of them, are judged by both features, others and other data sets by CLIP's alone. */
  protected override outputs(both: Tensor, textFeatures: Tensor): Outputs {
    const { classNames, learntOn = classNames, isElsewhere = false } = this.context;
    const { clip, fused } = this.branches(both, textFeatures);
    const areLearnt = classNames.every((name) => learntOn.includes(name));
    return {
      logits: areLearnt && !isElsewhere ? fused : clip,
      imageFeatures: narrow(both, 1, 0, this.context.embed),
      textFeatures,
    };
  }
}

/** Weights of the distances by data set, in every task. */
const DISTANCE_WEIGHTS: Readonly<Record<string, number>> = {
  ...{ stanford_cars: 7, fgvc_aircraft: 6, sun397: 6, dtd: 6, food101: 5, oxford_flowers: 4, ucf101: 3 },
  ...{ imagenet: 0.5, caltech101: 0.5, oxford_pets: 0.2, eurosat: 0.01 },
};

const TRAINING = { optimizer: 'adamw', lr: 1e-3, epochs: 10, batchSize: 4, cropScale: [0.5, 1] } as const;
const SOURCE = 'MMRL, repository yunncheng/MMRL, trainers/config.py';

const published = Object.entries(DISTANCE_WEIGHTS).flatMap(([data, distanceWeight]): PublishedSettings[] => {
  const isImageNet = data === 'imagenet';
  const settings = {
    length: 5,
    firstLayer: 6,
    lastLayer: 12,
    alpha: 0.7,
    distanceWeight,
    width: data === 'eurosat' ? 2048 : 512,
  };
  const one = (protocols: PublishedSettings['protocols'], changes: PublishedSettings['training']): PublishedSettings => ({
    protocols,
    data: [data],
    settings,
    training: { ...TRAINING, cropScale: [0.5, 1], ...changes },
    source: SOURCE,
  });
  return [
    one(['base-to-new'], isImageNet ? { batchSize: 32, epochs: 5 } : {}),
    one(['few-shot'], { batchSize: 32, epochs: 50 }),
    ...(isImageNet ? [one(['cross-dataset', 'domain'], { batchSize: 32, epochs: 1, warmupEpochs: 0 })] : []),
  ];
});

export const mmrl = defineMethod<MmrlSettings>({
  name: 'mmrl',
  title: 'MMRL',
  summary: 'tokens of a shared space in the upper layers of both towers, which give images a second feature',
  settings: mmrlSettings,
  training: trainingPreset({ ...TRAINING, cropScale: [0.5, 1] }),
  published,
  variants: {},
  create(context, settings) {
    const { firstLayer, lastLayer } = settings;
    for (const tower of TOWERS) expectDepth('mmrl', 'lastLayer', lastLayer, tower, context[tower].config.layers);
    if (firstLayer > lastLayer)
      throw new MethodError(
        'mmrl',
        `firstLayer is ${firstLayer}, and lastLayer ${lastLayer}`,
        'let the last not come before the first',
        { code: 'method.order', values: { firstLayer, lastLayer } },
      );
    const template = textTemplate(context.tokenizer);
    const frozenTexts = (classes: MethodContext): Tensor => {
      using features = templateFeatures(classes, [template]);
      return meanOfUnits(features);
    };
    return new Mmrl(context, new Representation(context, settings), template, frozenTexts);
  },
});
