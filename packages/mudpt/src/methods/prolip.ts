/**
 * ProLIP: fine-tuning CLIP's last visual projector (Fahes et al., 2024; github.com/astra-vision/ProLIP). The image tower's projection is
 * learnt, held near where it began; everything before it stays as it is, and can be computed once for each augmentation of the images.
 */
import { noGrad, parameter } from '@mudpt/autograd';
import type { ImageTower } from '@mudpt/clip';
import { add, alias, crossEntropy, keep, matmul, mul, scope, select, sub, sum, type Tensor } from '@mudpt/tensor';
import { z } from 'zod';
import { meanOfUnits, templateFeatures } from '../features/ensemble.ts';
import { type ClassContext, expectNoSubclass } from '../method/class-context.ts';
import { defineMethod } from '../method/definition.ts';
import { MethodError } from '../method/errors.ts';
import type { FrozenInputs, MethodContext, Outputs, PromptMethod, StepLoss } from '../method/method.ts';
import { promptSpec } from '../method/prompt-spec.ts';
import type { PublishedSettings } from '../method/published.ts';
import { trainingPreset } from '../method/training-settings.ts';
import { cosineLogits } from '../prompts/cosine.ts';
import { LearntPrompts, type PromptLearner } from '../prompts/learner.ts';
import { type Ownership, PromptedClip } from '../prompts/prompted.ts';
import { type PromptTemplate, textTemplate } from '../prompts/texts/prompt-template.ts';
import { settingMetadata } from '../settings/metadata.ts';

const prolipSettings = z.strictObject({
  penalty: z
    .number()
    .min(0)
    .default(0.0625)
    .describe('of the squared distance of the projection from its start, summed over all entries; 1 over the shots is published'),
  scale: z.number().positive().default(100).describe('factor of the cosines'),
  templates: z.array(z.string()).default([]).describe("texts with {} for the class name, averaged; empty: the data set's own"),
  views: z
    .int()
    .min(0)
    .default(0)
    .describe(
      'augmentations of each picture, whose features before the projection are computed once and used in turn; 0: a fresh one in every epoch',
    )
    .register(settingMetadata, { before: 0 }),
});

export type ProlipSettings = z.output<typeof prolipSettings>;

const PROJECTION = 'visual.proj';

/** What the projection is multiplied with: the class token after the last norm [B, width]. */
export function featuresBeforeProjection(image: ImageTower, images: Tensor): Tensor {
  return noGrad(() => scope(() => image.normPost.forward(select(image.hidden(image.patches(images)), 1, 0))));
}

type Texts = readonly [PromptTemplate, ...PromptTemplate[]];

export class Prolip extends PromptedClip {
  /** Unit vectors [C, embed]: the mean over the templates. */
  private readonly averaged: Tensor;
  readonly inputs?: FrozenInputs;

  constructor(
    context: MethodContext,
    learner: PromptLearner,
    private readonly templates: Texts,
    private readonly options: Pick<ProlipSettings, 'penalty' | 'scale' | 'views'>,
    ownership?: Ownership,
  ) {
    super('prolip', context, learner, templates[0], ownership);
    const { image } = context;
    const of = (images: Tensor): Tensor => featuresBeforeProjection(image, images);
    if (options.views > 0) this.inputs = { views: options.views, width: image.config.width, of };
    try {
      using features = templateFeatures(context, templates);
      this.averaged = keep(meanOfUnits(features));
    } catch (error) {
      super.dispose();
      throw error;
    }
  }

  /** @param images or what the projection is multiplied with, [B, width]. The terms: cross-entropy, and the weighted distance of the projection from the model's. */
  override loss(images: Tensor, labels: Tensor): StepLoss {
    return scope(() => {
      const outputs = this.forward(images);
      const moved = sub(this.projection, projectionOf(this.context.image));
      const terms = {
        crossEntropy: crossEntropy(outputs.logits, labels),
        distance: mul(sum(mul(moved, moved)), this.options.penalty),
      };
      return { loss: add(terms.crossEntropy, terms.distance), outputs, terms };
    });
  }

  override forContext(other: ClassContext): PromptMethod {
    expectNoSubclass(this, Prolip);
    return new Prolip(this.contextFor(other), this.learner, this.templates, this.options, { owns: false });
  }

  override dispose(): void {
    super.dispose();
    this.averaged.dispose();
  }

  protected override outputs(imageFeatures: Tensor, textFeatures: Tensor): Outputs {
    return { logits: cosineLogits(imageFeatures, textFeatures, this.options.scale), imageFeatures, textFeatures };
  }

  protected override imageFeatures(images: Tensor): Tensor {
    const { image } = this.context;
    return scope(() => {
      const isBefore = images.rank === 2;
      const before = isBefore
        ? images
        : noGrad(() => this.inMicroBatches(images, (part) => featuresBeforeProjection(image, part)));
      const features = matmul(before, this.projection);
      return image.projectionBias ? add(features, image.projectionBias) : features;
    });
  }

  protected override classFeatures(): Tensor {
    return alias(this.averaged);
  }

  private get projection(): Tensor {
    return this.learnable.get(PROJECTION) as Tensor;
  }
}

/** The projection of the class token. @throws MethodError for a tower that has none */
function projectionOf({ projection }: ImageTower): Tensor {
  if (projection) return projection;
  throw new MethodError(
    'prolip',
    "it learns the image tower's projection of the class token, and SigLIP's has neither",
    'choose a CLIP, or another method',
  );
}

/** All training images in one batch, a fresh view of each in every step (the authors' 300 views are used once each); the penalty is 1 over the shots. */
const TRAINING = {
  optimizer: 'adam',
  lr: 1e-5,
  epochs: 300,
  batchSize: 16_000,
  weightDecay: 0,
  adamEps: 1e-4,
  schedule: 'cosine-per-step',
  warmupEpochs: 0,
  cropScale: [0.5, 1] as [number, number],
} as const;

const published = [1, 2, 4, 8, 16].map(
  (shots): PublishedSettings => ({
    protocols: ['few-shot', 'base-to-new', 'cross-dataset'],
    shots: [shots],
    settings: { penalty: 1 / shots, scale: 100 },
    training: TRAINING,
    source: 'ProLIP, README.md and configurations of its repository (without validation)',
  }),
);

export const prolip = defineMethod<ProlipSettings>({
  name: 'prolip',
  title: 'ProLIP',
  summary: "the image tower's projection, held near where it began",
  settings: prolipSettings,
  training: trainingPreset(TRAINING),
  published,
  variants: {},
  create(context, { templates, ...options }) {
    const { image, tokenizer } = context;
    const [first, ...rest] = templates;
    const texts = [textTemplate(tokenizer, first), ...rest.map((template) => textTemplate(tokenizer, template))] as const;
    const start = parameter(keep(noGrad(() => add(projectionOf(image), 0))), { name: PROJECTION });
    const spec = promptSpec('prolip', { parameters: { [PROJECTION]: start.shape }, features: { image: [PROJECTION] } });
    return new Prolip(context, new LearntPrompts(spec, new Map([[PROJECTION, start]])), texts, options);
  },
});
