/**
 * CoPrompt: consistency-guided prompt learning (Roy and Etemad, ICLR 2024; github.com/ShuvenduRoy/CoPrompt). MaPLe's prompts and a small network
 * on the features of each tower, held near the frozen model: texts near its features of descriptions of the class, images near its features of
 * a second view. Its half-precision rounding, its fixed widths, and the equal number of descriptions that it asks for are not copied.
 */
import { Linear, noGrad } from '@mudpt/autograd';
import {
  add,
  cast,
  copyInto,
  crossEntropy,
  floor,
  indexSelect,
  keep,
  l2Normalize,
  mul,
  rand,
  scope,
  type Tensor,
  tensor,
} from '@mudpt/tensor';
import { z } from 'zod';
import { fillTemplate } from '../data/class-names.ts';
import { unitSentenceFeatures } from '../features/ensemble.ts';
import { type ClassContext, expectNoSubclass } from '../method/class-context.ts';
import { defineMethod } from '../method/definition.ts';
import { MethodError } from '../method/errors.ts';
import type { CreationContext, MethodContext, PromptMethod, StepLoss, TowerPrompts } from '../method/method.ts';
import { promptSpec, type PromptSpec, TOWERS } from '../method/prompt-spec.ts';
import { depth, initWords, length } from '../method/settings.ts';
import { settingMetadata } from '../settings/metadata.ts';
import { trainingPreset } from '../method/training-settings.ts';
import { cosineDistance } from '../prompts/cosine.ts';
import { deepContext } from '../prompts/deep-context.ts';
import { GuidedClip } from '../prompts/guided.ts';
import { type AdapterUse, type PromptLearner, shapesOf } from '../prompts/learner.ts';
import type { PromptTemplate } from '../prompts/texts/prompt-template.ts';
import { adapterOutput } from './clip-adapter.ts';
import { MapleLearner } from './maple.ts';

const copromptSettings = z.strictObject({
  length: length(2),
  depth: depth(9),
  initWords: initWords(),
  reduction: z.int().positive().default(4).describe('the networks on features have embed / reduction channels inside'),
  imageRatio: z.number().min(0).max(1).default(0.1).describe("share of the network's output in the image feature"),
  textRatio: z.number().min(0).max(1).default(0.2).describe("share of the network's output in the text feature"),
  consistencyWeight: z.number().min(0).default(1).describe('of the mean cosine distances of both features from the frozen ones'),
  templates: z
    .array(z.string())
    .default([])
    .describe("texts with {} for the class name in place of descriptions, where there are none; empty: the data set's own")
    .register(settingMetadata, { yieldsToDescriptions: true }),
});

export type CopromptSettings = z.output<typeof copromptSettings>;

type Tower = (typeof TOWERS)[number];

/** The matrices of a tower's network, [embed / reduction, embed] and back. */
const matrices = (tower: Tower) => [`adapter_${tower}.fc.0.weight`, `adapter_${tower}.fc.2.weight`] as const;

/** MaPLe's learner, and a network on the features of each tower. */
class CopromptLearner implements PromptLearner {
  readonly spec: PromptSpec;
  readonly learnable: ReadonlyMap<string, Tensor>;

  constructor(
    { device, random, embed }: CreationContext,
    private readonly maple: MapleLearner,
    readonly settings: CopromptSettings,
  ) {
    const hidden = Math.max(1, Math.floor(embed / settings.reduction));
    const networks = (['image', 'text'] as const).flatMap((tower) => {
      const [down, up] = matrices(tower);
      return [
        [down, new Linear(embed, hidden, { device, random, bias: false }).weight],
        [up, new Linear(hidden, embed, { device, random, bias: false }).weight],
      ] as const;
    });
    this.learnable = new Map([...maple.learnable, ...networks]);
    this.spec = promptSpec('coprompt', {
      ...maple.spec,
      parameters: shapesOf(this.learnable),
      features: { text: matrices('text'), image: matrices('image') },
    });
  }

  prompts(): TowerPrompts {
    return this.maple.prompts();
  }

  /** What the network makes of a tower's features [N, embed], as a part of the whole. */
  mixed(tower: Tower, features: Tensor): Tensor {
    const ratio = tower === 'image' ? this.settings.imageRatio : this.settings.textRatio;
    const [down, up] = matrices(tower).map((name) => this.learnable.get(name)) as [Tensor, Tensor];
    return add(mul(adapterOutput(features, down, up), ratio), mul(features, 1 - ratio));
  }
}

/** Where each class's descriptions are among all of them, and the key that those of a step are drawn with. */
interface Drawing {
  /** u32 [2]: both words count up, so that no two seeds share a part of their numbers. */
  readonly key: Tensor;
  /** i32 [C] */
  readonly starts: Tensor;
  /** f32 [C] */
  readonly counts: Tensor;
}

/** The method CoPrompt. */
export class CoPrompt extends GuidedClip {
  readonly views = 2;
  /** What the descriptions of a step are drawn from; empty where each class has one. */
  override readonly state: ReadonlyMap<string, Tensor>;
  private readonly drawing: Drawing | undefined;

  /** @param descriptions by label; undefined: for other classes, on which it is not trained */
  constructor(
    context: MethodContext,
    protected override readonly learner: CopromptLearner,
    template: PromptTemplate,
    descriptions: readonly (readonly string[])[] | undefined,
  ) {
    super('coprompt', context, learner, template, descriptions && ((classes) => unitSentenceFeatures(classes, descriptions)));
    this.drawing = descriptions?.some((sentences) => sentences.length > 1) ? drawingOf(context, descriptions) : undefined;
    this.state = new Map(this.drawing ? [['descriptions.key', this.drawing.key]] : []);
  }

  override loss(images: Tensor, labels: Tensor, images2?: Tensor): StepLoss {
    if (!images2)
      throw new MethodError(
        this.name,
        'its loss needs a second view of the images',
        'give the loss another augmentation of each image',
      );
    return scope(() => {
      const { consistencyWeight } = this.learner.settings;
      const descriptions = this.drawDescriptions();
      const outputs = this.forward(images);
      const frozen = noGrad(() => this.inMicroBatches(images2, (part) => this.context.image.forward(part)));
      const terms = {
        crossEntropy: crossEntropy(outputs.logits, labels),
        text: mul(cosineDistance(outputs.textFeatures, descriptions), consistencyWeight),
        image: mul(cosineDistance(outputs.imageFeatures, l2Normalize(frozen)), consistencyWeight),
      };
      return { loss: add(terms.crossEntropy, add(terms.text, terms.image)), outputs, terms };
    });
  }

  override forContext(other: ClassContext): PromptMethod {
    expectNoSubclass(this, CoPrompt);
    return new CoPrompt(this.contextFor(other), this.learner, this.template, undefined);
  }

  override dispose(): void {
    super.dispose();
    for (const part of Object.values(this.drawing ?? {})) part.dispose();
  }

  protected override imageFeatures(images: Tensor, prompts: TowerPrompts, use?: AdapterUse): Tensor {
    return scope(() => this.learner.mixed('image', super.imageFeatures(images, prompts, use)));
  }

  protected override classFeatures(prompts: TowerPrompts, use?: AdapterUse): Tensor {
    return scope(() => this.learner.mixed('text', super.classFeatures(prompts, use)));
  }

  /**
   * Unit features [C, embed] of one description of each class. One number in [0, 1) is drawn for all classes: where they have as many
   * descriptions each, all get the same index, as in the released code; else each gets the one at that part of its list.
   */
  private drawDescriptions(): Tensor {
    const { frozenTexts, drawing } = this;
    if (!drawing) return frozenTexts;
    return noGrad(() =>
      scope(() => {
        const { key, starts, counts } = drawing;
        copyInto(key, add(key, 1));
        // A number below 1 times a whole number is below that number in f32 too.
        const ofClasses = cast(floor(mul(rand([1], { key }), counts)), 'i32');
        return indexSelect(frozenTexts, 0, add(starts, ofClasses));
      }),
    );
  }
}

function drawingOf({ device, seed }: MethodContext, descriptions: readonly (readonly string[])[]): Drawing {
  const counts = descriptions.map((sentences) => sentences.length);
  let next = 0;
  const starts = counts.map((count) => (next += count) - count);
  return {
    key: keep(tensor(Uint32Array.of(seed >>> 0, Math.floor(seed / 2 ** 32)), { device, dtype: 'u32' })),
    starts: keep(tensor(Int32Array.from(starts), { device })),
    counts: keep(tensor(Float32Array.from(counts), { device })),
  };
}

/** Both views of an image by RandAugment, each drawn for itself, in every configuration of the authors. */
const TRAINING = {
  lr: 0.0035,
  epochs: 8,
  batchSize: 4,
  augmentation: 'randaugment',
  randOperations: 2,
  randMagnitude: 10,
} as const;

export const coprompt = defineMethod<CopromptSettings>({
  name: 'coprompt',
  title: 'CoPrompt',
  summary: "MaPLe's prompts and networks on both features, consistent with the frozen model on descriptions and second views",
  settings: copromptSettings,
  training: trainingPreset(TRAINING),
  readsDescriptions: () => true,
  published: [
    {
      protocols: ['base-to-new'],
      settings: { length: 2, depth: 9, reduction: 4, imageRatio: 0.1, textRatio: 0.2, consistencyWeight: 1 },
      training: TRAINING,
      source: 'CoPrompt, configs/trainers/vit_b16_c2_ep5_batch4_2ctx_randaug.yaml (descriptions: its gpt_file)',
    },
  ],
  variants: {},
  create(context, settings) {
    const { length: count, depth: layers, initWords: words, templates } = settings;
    const { classNames, template: ofDataSet, descriptions } = context;
    const depths = { text: { depth: layers }, image: { depth: layers } };
    const { first, template } = deepContext(context, { method: 'coprompt', depths, length: count, words, keepWords: true });
    const learner = new CopromptLearner(context, new MapleLearner(context, first, layers), settings);
    const written = templates.length > 0 ? templates : [ofDataSet];
    const sentences = descriptions ?? classNames.map((name) => written.map((text) => fillTemplate(text, name)));
    return new CoPrompt(context, learner, template, sentences);
  },
});
