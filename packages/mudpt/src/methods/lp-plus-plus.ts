/**
 * LP++: a surprisingly strong linear probe for few-shot CLIP (Huang et al., CVPR 2024; github.com/FereshteShakeri/FewShot-CLIP-Strong-Baseline).
 * A linear classifier of image features, and for each class a factor of its text's cosine, by full-batch steps whose sizes follow from the features.
 */
import { lossAndGradients, parameter, type Random, SGD, uniform } from '@mudpt/autograd';
import {
  add,
  alias,
  capture,
  copyInto,
  crossEntropy,
  keep,
  l2Normalize,
  linear,
  matmul,
  mul,
  oneHot,
  scope,
  sub,
  type Tensor,
  tensor,
  zeros,
} from '@mudpt/tensor';
import { z } from 'zod';
import { accuracyOf, expectSet } from '../features/accuracy.ts';
import { meanOfUnits, templateFeatures } from '../features/ensemble.ts';
import { alphaRate, initialAlpha, weightRate } from '../features/lp-rates.ts';
import { type ClassContext, expectNoSubclass, expectSameClasses } from '../method/class-context.ts';
import { defineMethod } from '../method/definition.ts';
import { MethodError } from '../method/errors.ts';
import type {
  CreationContext,
  FeatureMethod,
  FeatureSet,
  FitData,
  FitProgress,
  FitReport,
  MethodContext,
} from '../method/method.ts';
import { textTemplate } from '../prompts/texts/prompt-template.ts';

const lpSettings = z.strictObject({
  epochs: z.int().min(0).default(300).describe('steps, each on all training features'),
  momentum: z.number().min(0).lt(1).default(0.9).describe('of the steps of the classifier'),
  alphaEvery: z.int().positive().default(10).describe('steps between two of the factors of the texts'),
  alphaGradient: z
    .enum(['summed', 'last'])
    .default('summed')
    .describe(
      'what the factors descend: the sum of their gradients since the beginning, as the released code does, or the last one',
    ),
  alphaStart: z
    .number()
    .default(250)
    .describe('the factors begin at this times the mean cosine of images with the text of their class'),
  templates: z.array(z.string()).default([]).describe("texts with {} for the class name, averaged; empty: the data set's own"),
});

/** Settings of LP++. */
export type LpSettings = z.output<typeof lpSettings>;

/** [C, embed], [C] and [1, C]. */
type Learnt = { readonly weight: Tensor; readonly bias: Tensor; readonly alpha: Tensor };
const NAMES = { weight: 'classifier.weight', bias: 'classifier.bias', alpha: 'alpha' } as const;

/** The method LP++. */
export class LpPlusPlus implements FeatureMethod {
  readonly kind = 'features';
  readonly name = 'lp-plus-plus';
  readonly state: ReadonlyMap<string, Tensor> = new Map();
  readonly augmentedPasses = 1;
  /** As main.py of the authors has it. */
  readonly cropScale = [0.5, 1] as const;
  private learnt: Learnt | undefined;
  /** Unit text features [C, embed]. */
  private readonly texts: Tensor;

  constructor(
    private readonly context: Pick<MethodContext, 'device' | 'embed' | 'text' | 'tokenizer' | 'textPath' | keyof ClassContext>,
    private readonly settings: LpSettings,
    private readonly random: Random | undefined,
  ) {
    if (context.classNames.length === 0) throw new MethodError(this.name, 'there are no classes', 'give at least one class name');
    const { templates } = settings;
    const written = (templates.length > 0 ? templates : [undefined]).map((one) => textTemplate(context.tokenizer, one));
    using features = templateFeatures(context, written);
    this.texts = keep(meanOfUnits(features));
  }

  get classNames(): readonly string[] {
    return this.context.classNames;
  }

  get learnable(): ReadonlyMap<string, Tensor> {
    const { learnt } = this;
    return new Map(learnt ? (Object.keys(NAMES) as (keyof Learnt)[]).map((part) => [NAMES[part], learnt[part]]) : []);
  }

  async fit({ train, val, augmented: [shown] }: FitData, progress?: FitProgress): Promise<FitReport> {
    const classes = this.classNames.length;
    const set = shown ?? train;
    expectSet(this.name, 'training images', set, classes);
    if (val) expectSet(this.name, 'validation images', val, classes);
    const { device } = this.context;
    using features = keep(scope(() => l2Normalize(set.features)));
    using labels = tensor(Int32Array.from(set.labels), { device });
    const cosines = await scope(() => matmul(features, this.texts, { transposeB: true }).data());
    const rates = { weight: await weightRate(features), alpha: alphaRate(cosines, classes) };
    this.replace(this.start(features, labels, initialAlpha(cosines, set.labels, classes) * this.settings.alphaStart));
    const best = await this.descend(features, labels, rates, val, progress);
    return {
      chosen: { ...(this.settings.epochs > 0 && { epoch: best.epoch }), weightRate: rates.weight, alphaRate: rates.alpha },
      valAccuracy: best.accuracy,
      remarks: val ? [] : ['There are no validation images, so the last step is kept.'],
    };
  }

  restore(tensors: ReadonlyMap<string, Tensor>): Promise<void> {
    const [classes, embed] = [this.classNames.length, this.context.embed];
    const shapes: Record<keyof Learnt, string> = { weight: `${classes},${embed}`, bias: `${classes}`, alpha: `1,${classes}` };
    const of = (part: keyof Learnt): Tensor => {
      const found = tensors.get(NAMES[part]);
      if (found?.shape.join() === shapes[part]) return keep(alias(found));
      throw new MethodError(
        this.name,
        `${NAMES[part]} has shape [${found?.shape.join(', ') ?? 'none'}]`,
        `restore what was learnt for ${classes} classes and the same model`,
      );
    };
    this.replace({ weight: of('weight'), bias: of('bias'), alpha: of('alpha') });
    return Promise.resolve();
  }

  evaluate(features: Tensor): Tensor {
    return scope(() => this.logits(l2Normalize(features)));
  }

  /** Its classifier is specific to its classes; another template has other text features. */
  forContext(other: ClassContext): LpPlusPlus {
    expectNoSubclass(this, LpPlusPlus);
    expectSameClasses(this.name, this.classNames, other, `it was fitted to its ${this.classNames.length} classes`);
    const { classNames, template } = other;
    const made = new LpPlusPlus({ ...this.context, classNames, template }, this.settings, undefined);
    if (this.learnt) void made.restore(this.learnable);
    return made;
  }

  dispose(): void {
    this.clear();
    this.texts.dispose();
  }

  /** Logits of unit features [B, embed], without CLIP's factor of 100. */
  private logits(unit: Tensor): Tensor {
    const { learnt } = this;
    if (!learnt) throw new MethodError(this.name, 'nothing is fitted yet', 'call fit() or restore() first');
    const cosines = matmul(unit, this.texts, { transposeB: true });
    return add(linear(unit, learnt.weight, learnt.bias), mul(cosines, learnt.alpha));
  }

  /** The classifier's rows are sums of the features of their classes, its bias as torch.nn.Linear draws it. */
  private start(features: Tensor, labels: Tensor, alpha: number): Learnt {
    const { device, embed, classNames } = this.context;
    const { random } = this;
    if (!random)
      throw new MethodError(this.name, 'it was made for another context and is not fitted again', 'create the method anew');
    const classes = classNames.length;
    const weight = scope(() => matmul(oneHot(labels, classes), features, { transposeA: true }));
    return {
      weight: parameter(keep(weight), { name: NAMES.weight }),
      bias: uniform([classes], 1 / Math.sqrt(embed), { device, random }),
      alpha: parameter(keep(tensor(new Float32Array(classes).fill(alpha), { shape: [1, classes], device })), {
        name: NAMES.alpha,
      }),
    };
  }

  /** @returns the epoch kept, from 0: the latest of the best on validation, else the last */
  private async descend(
    features: Tensor,
    labels: Tensor,
    rates: { readonly weight: number; readonly alpha: number },
    val: FeatureSet | undefined,
    progress?: FitProgress,
  ): Promise<{ readonly epoch: number; readonly accuracy: number | undefined }> {
    const { epochs, momentum, alphaEvery, alphaGradient } = this.settings;
    const { weight, bias, alpha } = this.learnt as Learnt;
    const { device } = this.context;
    using optimizer = new SGD([weight, bias], { lr: rates.weight, momentum });
    using gathered = keep(zeros(alpha.shape, { device }));
    using step = capture(
      ({ rate, kept }: { rate: Tensor; kept: Tensor }) => {
        const { gradients } = lossAndGradients(() => crossEntropy(this.logits(features), labels));
        optimizer.step(gradients);
        copyInto(gathered, add(mul(gathered, kept), gradients.of(alpha)));
        copyInto(alpha, sub(alpha, mul(gathered, rate)));
      },
      { device },
    );
    const kept = alphaGradient === 'summed' ? 1 : 0;
    let best: { readonly epoch: number; readonly accuracy: number; readonly values: readonly Float32Array[] } | undefined;
    for (let epoch = 0; epoch < epochs; epoch += 1) {
      step({ rate: (epoch + 1) % alphaEvery === 0 ? rates.alpha : 0, kept });
      if (val) {
        const accuracy = accuracyOf(await scope(() => this.evaluate(val.features).data()), val.labels);
        if (accuracy >= (best?.accuracy ?? 0))
          best = {
            epoch,
            accuracy,
            values: await Promise.all([weight, bias, alpha].map(async (one) => Float32Array.from(await one.data()))),
          };
      }
      progress?.(epoch + 1, epochs, 'steps of the classifier');
    }
    const values =
      best?.values ?? (await Promise.all([weight, bias, alpha].map(async (one) => Float32Array.from(await one.data()))));
    // The optimizer's buffer goes with it; what was learnt gets memory that is its.
    const [w, b, a] = [weight, bias, alpha].map(({ shape }, part) =>
      keep(tensor(values[part] as Float32Array, { shape, device })),
    ) as [Tensor, Tensor, Tensor];
    this.replace({ weight: w, bias: b, alpha: a });
    return { epoch: best?.epoch ?? epochs - 1, accuracy: best?.accuracy };
  }

  private replace(learnt: Learnt): void {
    this.clear();
    this.learnt = learnt;
  }

  private clear(): void {
    for (const tensor of Object.values(this.learnt ?? {})) tensor.dispose();
    this.learnt = undefined;
  }
}

export const lpPlusPlus = defineMethod<LpSettings>({
  name: 'lp-plus-plus',
  title: 'LP++',
  summary: 'a linear classifier of image features and a factor of the text for every class',
  settings: lpSettings,
  training: undefined,
  published: [
    {
      protocols: ['few-shot'],
      settings: { epochs: 300, momentum: 0.9, alphaEvery: 10, alphaGradient: 'summed', alphaStart: 250 },
      source: 'LP++, main.py and trainers of its repository (LinearProbe_P2)',
    },
  ],
  variants: {},
  create: (context: CreationContext, settings) => new LpPlusPlus(context, settings, context.random),
});
