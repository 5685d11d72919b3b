/**
 * The cache of Tip-Adapter: keys are training features, values their labels. logits = scale x T^t + alpha exp(-beta (1 - x K^t)) V, with x a
 * unit image feature, T unit text features, K keys, V one-hot labels.
 */
import { AdamW, cosine, parameter, perStep, randomFrom, lossAndGradients } from '@mudpt/autograd';
import {
  add,
  alias,
  capture,
  crossEntropy,
  keep,
  l2Normalize,
  matmul,
  mean,
  mul,
  oneHot,
  scope,
  stack,
  type Tensor,
  tensor,
} from '@mudpt/tensor';
import { type ClassContext, expectNoSubclass, expectSameClasses } from '../method/class-context.ts';
import { MethodError } from '../method/errors.ts';
import type { FeatureMethod, FeatureSet, FitData, FitProgress, FitReport, MethodContext } from '../method/method.ts';
import { accuracyOf, expectSet } from './accuracy.ts';
import { disposable, pickRows, shuffled } from './batches.ts';
import { cacheLogits, searchStrengths, type Strengths } from './tip-search.ts';
import type { TipFSettings, TipSettings } from './tip-settings.ts';

/** Makes unit text features [C, embed] of classes. */
export type TextFeatures = (classes: ClassContext) => Tensor;

type Cache = { readonly keys: Tensor; readonly values: Tensor };

export class TipAdapter implements FeatureMethod {
  readonly kind = 'features';
  readonly state: ReadonlyMap<string, Tensor> = new Map();
  readonly augmentedPasses: number;
  readonly cropScale = [0.5, 1] as const;
  /** keys [N, embed] and values [N, C], once fitted. */
  private cache: Cache | undefined;
  private strengths: Strengths;
  private readonly classFeatures: Tensor;
  /** [beta, alpha], for saving. */
  private saved: Tensor | undefined;

  constructor(
    readonly name: string,
    private readonly context: Pick<MethodContext, 'device' | 'seed' | keyof ClassContext>,
    private readonly texts: TextFeatures,
    private readonly settings: TipSettings,
    private readonly training: Pick<TipFSettings, 'epochs' | 'lr' | 'batchSize' | 'adamEps' | 'weightDecay'> | undefined,
  ) {
    this.classFeatures = texts(context);
    this.strengths = { alpha: settings.alpha, beta: settings.beta };
    this.augmentedPasses = settings.cachePasses + (training?.epochs ?? 0);
  }

  get classNames(): readonly string[] {
    return this.context.classNames;
  }

  get learnable(): ReadonlyMap<string, Tensor> {
    const { cache, saved } = this;
    if (!cache || !saved) return new Map();
    return new Map([
      ['adapter.weight', cache.keys],
      ['cache_values', cache.values],
      ['beta_alpha', saved],
    ]);
  }

  async fit(data: FitData, progress?: FitProgress): Promise<FitReport> {
    const { train, val, augmented } = data;
    const classes = this.classNames.length;
    expectSet(this.name, 'training images', train, classes);
    if (val) expectSet(this.name, 'validation images', val, classes);
    if (augmented.length < this.augmentedPasses) {
      throw new MethodError(
        this.name,
        `${augmented.length} augmented passes are given, ${this.augmentedPasses} are needed`,
        'encode as many passes as augmentedPasses says',
      );
    }
    this.fill(train, augmented.slice(0, this.settings.cachePasses));
    const epoch = this.training ? await this.learn(augmented.slice(this.settings.cachePasses), val, progress) : undefined;
    const found = val && this.settings.search ? await this.search(val, progress) : undefined;
    if (found) this.strengths = { alpha: found.alpha, beta: found.beta };
    this.remember();
    const valAccuracy = found?.accuracy ?? (val ? accuracyOf(await this.logitsOf(val), val.labels) : undefined);
    return {
      chosen: { ...this.strengths, ...(epoch !== undefined && { epoch }) },
      valAccuracy,
      remarks: val ? [] : ['There are no validation images, so alpha and beta keep their initial values.'],
    };
  }

  async restore(learnt: ReadonlyMap<string, Tensor>): Promise<void> {
    const [keys, values, strengths] = ['adapter.weight', 'cache_values', 'beta_alpha'].map((name) => learnt.get(name));
    const [count = 0] = keys?.shape ?? [];
    const [classes = 0, embed = 0] = this.classFeatures.shape;
    const fits = keys?.shape.join() === `${count},${embed}` && values?.shape.join() === `${count},${classes}`;
    if (!keys || !values || !strengths || !fits || strengths.size !== 2) {
      throw new MethodError(
        this.name,
        `the cache has keys [${keys?.shape.join(', ') ?? 'none'}] and values [${values?.shape.join(', ') ?? 'none'}]`,
        `restore what was learnt for ${classes} classes and features of ${embed} channels`,
      );
    }
    const [beta, alpha] = (await strengths.data()) as unknown as [number, number];
    this.take({ keys, values }, { alpha, beta });
  }

  evaluate(features: Tensor): Tensor {
    return scope(() => {
      const { keys, values } = this.filled();
      const { alpha, beta } = this.strengths;
      const unit = l2Normalize(features);
      const affinity = matmul(unit, keys, { transposeB: true });
      return add(this.zeroShot(unit), mul(cacheLogits(affinity, values, beta), alpha));
    });
  }

  /** Another template has other text features; the cache is specific to its classes. */
  forContext(other: ClassContext): TipAdapter {
    expectNoSubclass(this, TipAdapter);
    const why = `its cache holds training images of its ${this.classNames.length} classes`;
    expectSameClasses(this.name, this.classNames, other, why);
    const { classNames, template, descriptions } = other;
    const context = { ...this.context, classNames, template, descriptions };
    const made = new TipAdapter(this.name, context, this.texts, this.settings, this.training);
    const { cache } = this;
    if (cache) made.take(cache, this.strengths);
    return made;
  }

  dispose(): void {
    this.clear();
    this.classFeatures.dispose();
  }

  private take({ keys, values }: Cache, strengths: Strengths): void {
    this.clear();
    this.cache = { keys: parameter(keep(alias(keys))), values: keep(alias(values)) };
    this.strengths = strengths;
    this.remember();
  }

  private zeroShot(unit: Tensor): Tensor {
    return matmul(unit, this.classFeatures, { transposeB: true, alpha: this.settings.scale });
  }

  private filled(): Cache {
    if (this.cache) return this.cache;
    throw new MethodError(this.name, 'the cache is empty', 'call fit() or restore() first');
  }

  private clear(): void {
    this.cache?.keys.dispose();
    this.cache?.values.dispose();
    this.saved?.dispose();
    this.cache = undefined;
    this.saved = undefined;
  }

  /** Keys: the normalised mean over passes of features that are not. */
  private fill(train: FeatureSet, passes: readonly FeatureSet[]): void {
    const { device } = this.context;
    this.clear();
    const views = passes.length > 0 ? passes : [train];
    this.cache = scope(() => {
      const keys = l2Normalize(mean(stack(views.map(({ features }) => features)), [0]));
      const values = oneHot(tensor(Int32Array.from(train.labels), { device }), this.classNames.length);
      return { keys: parameter(keys, { name: 'adapter.weight' }), values: keep(values) };
    });
  }

  private remember(): void {
    const { alpha, beta } = this.strengths;
    this.saved?.dispose();
    this.saved = keep(tensor([beta, alpha], { device: this.context.device }));
  }

  /** Trains the keys. @returns the epoch kept, from 0: the best on validation, else the last one */
  private async learn(
    passes: readonly FeatureSet[],
    val: FeatureSet | undefined,
    progress?: FitProgress,
  ): Promise<number | undefined> {
    const { training, context } = this;
    if (!training || training.epochs === 0) return undefined;
    const { epochs, lr, batchSize, adamEps: eps, weightDecay } = training;
    const { keys } = this.filled();
    using optimizer = new AdamW([keys], { lr, eps, weightDecay });
    using step = capture(
      ({ features, labels, rate }: { features: Tensor; labels: Tensor; rate: Tensor }) => {
        const { gradients } = lossAndGradients(() => crossEntropy(this.evaluate(features), labels));
        optimizer.step(gradients, { lr: rate });
      },
      { device: context.device },
    );
    const schedule = perStep(cosine(lr, epochs));
    const random = randomFrom(context.seed);
    let best: { readonly epoch: number; readonly accuracy: number; readonly keys: Float32Array } | undefined;
    for (let epoch = 0; epoch < epochs; epoch += 1) {
      const set = passes[epoch] as FeatureSet;
      const batches = shuffled(set.labels.length, batchSize, random);
      for (const [index, rows] of batches.entries()) {
        using batch = disposable(pickRows(set, rows));
        step({ ...batch.value, rate: schedule({ epoch, step: index, steps: batches.length }) });
      }
      const accuracy = val ? accuracyOf(await this.logitsOf(val), val.labels) : 0;
      if (val && accuracy > (best?.accuracy ?? -1)) best = { epoch, accuracy, keys: Float32Array.from(await keys.data()) };
      progress?.(epoch + 1, epochs, 'training the cache');
    }
    const kept = tensor(best?.keys ?? Float32Array.from(await keys.data()), { shape: keys.shape, device: context.device });
    // The optimizer's buffer is disposed with it, so the keys are copied to memory of their own.
    const { values } = this.filled();
    keys.dispose();
    this.cache = { keys: parameter(kept, { name: 'adapter.weight' }), values };
    return best?.epoch ?? epochs - 1;
  }

  private async search(
    { features, labels }: FeatureSet,
    progress?: FitProgress,
  ): Promise<Strengths & { readonly accuracy: number }> {
    const { keys, values } = this.filled();
    using tensors = disposable(
      scope(() => {
        const unit = l2Normalize(features);
        return { affinity: matmul(unit, keys, { transposeB: true }), zeroShot: this.zeroShot(unit) };
      }),
    );
    return await searchStrengths({ ...tensors.value, values, labels }, this.settings, progress);
  }

  private async logitsOf({ features }: FeatureSet): Promise<ArrayLike<number>> {
    using logits = this.evaluate(features);
    return await logits.data();
  }
}
