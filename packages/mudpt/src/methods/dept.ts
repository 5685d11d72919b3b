/**
 * DePT: decoupled prompt tuning (Zhang et al., CVPR 2024; github.com/Koorye/DePT). A classifier of the features beside another method's logits: a scale and a
 * shift of every channel, for each tower, and a linear layer over the classes that are trained on. It learns from images and from the texts of their classes,
 * and takes the knowledge of these classes out of the prompts. Classes that were learnt, all or some of them, are judged by both, others by the prompts alone.
 *
 * The warm-up rate is multiplied as the others are for what the classifier learns; the released code warms everything up at one rate.
 */
import {
  add,
  arange,
  cat,
  crossEntropy,
  embedding,
  indexSelect,
  keep,
  mul,
  narrow,
  reshape,
  scope,
  sub,
  type Tensor,
  tensor,
} from '@mudpt/tensor';
import { isEqual } from '@mudpt/tensor/internal';
import { ScaledHead } from '../features/scaled-head.ts';
import type { ClassContext } from '../method/class-context.ts';
import { defineMethod } from '../method/definition.ts';
import { MethodError } from '../method/errors.ts';
import type { Outputs, PromptMethod, StepLoss, TowerPrompts } from '../method/method.ts';
import { promptSpec, type PromptSpec } from '../method/prompt-spec.ts';
import type { Rematerialization } from '../method/rematerialization.ts';
import { trainingPreset } from '../method/training-settings.ts';
import { shapesOf } from '../prompts/learner.ts';
import type { Ownership } from '../prompts/prompted.ts';
import { baseOf, BASES, type DeptSettings, deptSettings } from './dept-base.ts';

/** Another method, and a classifier of its features. */
export class Dept implements PromptMethod {
  readonly name = 'dept';
  readonly kind = 'prompts';
  readonly learnable: ReadonlyMap<string, Tensor>;
  readonly spec: PromptSpec;
  readonly rateFactors: ReadonlyMap<string, number>;
  readonly remarks: readonly string[];
  /** Whether its classes are those of the classifier. */
  private readonly isLearnt: boolean;
  /** Columns of the classifier for its classes, where they are some of those that it has: ImageNet-A's and -R's of ImageNet's. */
  private readonly columns: Tensor | undefined;

  private readonly learntOn: readonly string[];
  private readonly owns: boolean;

  /**
   * @param of.learntOn names of the classifier's classes
   * @param of.notes what a person should know of the base
   * @param of.owns whether the classifier is disposed with this
   */
  constructor(
    private readonly base: PromptMethod,
    private readonly head: ScaledHead,
    private readonly settings: Pick<DeptSettings, 'weight' | 'rateFactor'>,
    of: Ownership & { readonly learntOn: readonly string[]; readonly notes?: readonly string[] },
  ) {
    const { learntOn, notes = [], owns = true } = of;
    this.learntOn = learntOn;
    this.owns = owns;
    this.remarks = [...(base.remarks ?? []), ...notes];
    this.learnable = new Map([...base.learnable, ...head.learnable]);
    this.spec = promptSpec('dept', {
      ...base.spec,
      parameters: { ...base.spec.parameters, ...shapesOf(head.learnable) },
      branches: head.branches,
    });
    const factors = [...head.learnable.keys()].map((name) => [name, settings.rateFactor] as const);
    this.rateFactors = new Map([...(base.rateFactors ?? []), ...factors]);
    this.isLearnt = isEqual(base.classNames, learntOn);
    const places = this.isLearnt ? undefined : placesAmong(learntOn, base.classNames);
    this.columns = places && keep(tensor(places, { device: head.device }));
  }

  get classNames(): readonly string[] {
    return this.base.classNames;
  }

  get state(): ReadonlyMap<string, Tensor> {
    return this.base.state;
  }

  get example(): string {
    return this.base.example;
  }

  get textsPerImage(): number {
    return this.base.textsPerImage;
  }

  forward(images: Tensor): Outputs {
    return scope(() => {
      const outputs = this.base.forward(images);
      return { ...outputs, logits: this.fused(outputs) };
    });
  }

  /**
   * The terms: those of the base, its cross-entropy with the rest of the weight, and the classifier's cross-entropy over images and the texts of their classes.
   * @throws MethodError for classes that the classifier has not
   */
  loss(images: Tensor, labels: Tensor): StepLoss {
    if (!this.isLearnt)
      throw new MethodError(
        this.name,
        'its classifier has other classes',
        'create the method for these classes to train it on them',
      );
    return scope(() => {
      const { base, head } = this;
      const { weight } = this.settings;
      const { loss, outputs, terms } = base.loss(images, labels);
      const { crossEntropy: cosine, ...others } = terms;
      if (!cosine)
        throw new MethodError(this.name, `the loss of ${base.name} has no crossEntropy among its terms`, 'use another base');
      const { imageFeatures, logits } = outputs;
      const [batch = 0] = imageFeatures.shape;
      const texts = head.scaled('text', textsOf(outputs, labels));
      const both = head.logits(cat([texts, head.scaled('img', imageFeatures)]));
      const ofHead = crossEntropy(both, cat([labels, labels]));
      return {
        loss: add(loss, mul(sub(ofHead, cosine), weight)),
        outputs: { ...outputs, logits: this.mixed(logits, narrow(both, 0, batch, batch)) },
        terms: { ...others, crossEntropy: mul(cosine, 1 - weight), crossEntropyHead: mul(ofHead, weight) },
      };
    });
  }

  prompts(): TowerPrompts | undefined {
    return this.base.prompts();
  }

  textFeatures(): Tensor | undefined {
    return this.base.textFeatures();
  }

  evaluate(images: Tensor, textFeatures?: Tensor): Tensor {
    return scope(() => this.evaluateWithFeatures(images, textFeatures).logits);
  }

  evaluateWithFeatures(images: Tensor, textFeatures?: Tensor): Pick<Outputs, 'logits' | 'imageFeatures'> {
    return scope(() => {
      const { base } = this;
      const outputs = base.evaluateWithFeatures?.(images, textFeatures) ?? base.forward(images);
      return { logits: this.fused(outputs), imageFeatures: outputs.imageFeatures };
    });
  }

  rematerialize(rematerialization: Rematerialization): void {
    this.base.rematerialize(rematerialization);
  }

  endEpoch(epoch: number, epochs: number): void {
    this.base.endEpoch?.(epoch, epochs);
  }

  forContext(other: ClassContext): PromptMethod {
    return new Dept(this.base.forContext(other), this.head, this.settings, { learntOn: this.learntOn, owns: false });
  }

  dispose(): void {
    this.base.dispose();
    this.columns?.dispose();
    if (this.owns) this.head.dispose();
  }

  private fused({ logits, imageFeatures }: Pick<Outputs, 'logits' | 'imageFeatures'>): Tensor {
    const { columns, head } = this;
    if (!this.isLearnt && !columns) return logits;
    const ofHead = head.logits(head.scaled('img', imageFeatures));
    return this.mixed(logits, columns ? indexSelect(ofHead, 1, columns) : ofHead);
  }

  private mixed(logits: Tensor, ofHead: Tensor): Tensor {
    const { weight } = this.settings;
    return add(mul(logits, 1 - weight), mul(ofHead, weight));
  }
}

/** Where each of `asked` stands in `learnt`; undefined where one is missing, or there more than once. */
function placesAmong(learnt: readonly string[], asked: readonly string[]): Int32Array | undefined {
  const places = asked.map((name) => learnt.indexOf(name));
  const isClear = asked.every((name, at) => (places[at] as number) >= 0 && learnt.lastIndexOf(name) === places[at]);
  return isClear ? Int32Array.from(places) : undefined;
}

/** The text feature [embed] of each image's class, which may be another one for each image (CoCoOp): [B, embed]. */
function textsOf({ textFeatures, imageFeatures: { shape, device } }: Outputs, labels: Tensor): Tensor {
  if (textFeatures.rank === 2) return embedding(textFeatures, labels);
  const [, classes = 0, embed = 0] = textFeatures.shape;
  const firsts = mul(arange(shape[0] as number, { device, dtype: 'i32' }), classes);
  return embedding(reshape(textFeatures, [-1, embed]), add(firsts, labels));
}

const TRAINING = { lr: 0.0035, epochs: 10, batchSize: 4 } as const;
const SETTINGS = { weight: 0.7, rateFactor: 6.5 } as const;

export const dept = defineMethod<DeptSettings>({
  name: 'dept',
  title: 'DePT',
  summary: "another method's prompts, and a classifier of both features that takes over what the trained classes alone need",
  settings: deptSettings,
  training: trainingPreset(TRAINING),
  readsDescriptions: ({ base }) => BASES[base as keyof typeof BASES].readsDescriptions?.({}) ?? false,
  published: [
    {
      protocols: ['base-to-new'],
      settings: { ...SETTINGS, base: 'coop', baseSettings: { length: 16, initWords: '' } },
      training: TRAINING,
      source: 'DePT, train.py and configs/trainers/ExtrasLinearProbeCoOp/vit_b16_ep10_bs4_lr35.yaml',
    },
  ],
  variants: {
    kgcoop: {
      settings: { base: 'kgcoop', baseSettings: { length: 4, initWords: 'a photo of a', distanceWeight: 2 } },
      training: TRAINING,
    },
    maple: { settings: { base: 'maple', baseSettings: { length: 2 } }, training: TRAINING },
    cocoop: { settings: { base: 'cocoop', baseSettings: { length: 4 } }, training: TRAINING },
  },
  create(context, settings) {
    const learntOn = context.learntOn ?? context.classNames;
    const { base, notes } = baseOf(context, settings);
    return new Dept(base, new ScaledHead(context, learntOn.length), settings, { learntOn, notes });
  },
});
