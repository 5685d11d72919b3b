/**
 * Linear probe by CoOp's protocol (lpclip/linear_probe.py, after CLIP's): multinomial logistic regression with L2 penalty on image features
 * that are not normalised, by L-BFGS; its strength is searched on validation.
 *
 * The objective is scikit-learn's, divided by C and the number of images: mean cross-entropy + |W|^2 / (2 C N); biases are not penalised.
 */
import { type LbfgsEvaluation, lbfgs, lossAndGradients } from '@mudpt/autograd';
import { alias, capture, type Captured, crossEntropy, keep, linear, scope, type Tensor, tensor, zeros } from '@mudpt/tensor';
import { z } from 'zod';
import { type ClassContext, expectNoSubclass, expectSameClasses } from '../method/class-context.ts';
import { defineMethod } from '../method/definition.ts';
import { MethodError } from '../method/errors.ts';
import type { FeatureMethod, FeatureSet, FitData, FitProgress, FitReport, MethodContext } from '../method/method.ts';
import { accuracyOf, expectSet } from '../features/accuracy.ts';

export const linearProbeSettings = z.strictObject({
  strengths: z
    .array(z.number().positive())
    .min(1)
    .default([1e6, 1e4, 1e2, 1, 1e-2, 1e-4, 1e-6])
    .describe('values of C (weight of the data against the penalty) tried first'),
  searchSteps: z.int().min(0).default(8).describe('halvings of the interval of log C around the best of them'),
  withoutValidation: z.number().positive().default(1).describe('C where there are no validation images'),
  maxIterations: z.int().positive().default(1000).describe('of L-BFGS, for each C'),
  tolerance: z.number().positive().default(1e-4).describe('largest element of the gradient at which a fit ends'),
});

export type LinearProbeSettings = z.output<typeof linearProbeSettings>;

type Weights = { readonly weight: Float64Array; readonly bias: Float64Array };
type Fit = Weights & { readonly strength: number; readonly accuracy: number; readonly reason: string };

export class LinearProbe implements FeatureMethod {
  readonly kind = 'features';
  readonly name = 'linear-probe';
  readonly state: ReadonlyMap<string, Tensor> = new Map();
  readonly augmentedPasses = 0;
  readonly cropScale = [1, 1] as const;
  /** [C, embed] and [C]; zeros until fitted. */
  private weight: Tensor;
  private bias: Tensor;
  private isFitted = false;

  constructor(
    private readonly context: Pick<MethodContext, 'device' | 'embed' | 'classNames'>,
    private readonly settings: LinearProbeSettings,
  ) {
    const { device, embed, classNames } = context;
    if (classNames.length === 0) throw new MethodError('linear-probe', 'there are no classes', 'give at least one class name');
    this.weight = keep(zeros([classNames.length, embed], { device }));
    this.bias = keep(zeros([classNames.length], { device }));
  }

  get classNames(): readonly string[] {
    return this.context.classNames;
  }

  get learnable(): ReadonlyMap<string, Tensor> {
    return new Map([
      ['weight', this.weight],
      ['bias', this.bias],
    ]);
  }

  async fit({ train, val }: FitData, progress?: FitProgress): Promise<FitReport> {
    const classes = this.classNames.length;
    expectSet(this.name, 'training images', train, classes);
    if (val) expectSet(this.name, 'validation images', val, classes);
    const { strengths, searchSteps, withoutValidation } = this.settings;
    const problem = new Regression(train, classes);
    try {
      const total = val ? strengths.length + 2 * searchSteps : 1;
      let done = 0;
      const solve = async (strength: number): Promise<Fit> => {
        const fit = await this.solve(problem, strength, val);
        done += 1;
        progress?.(done, total, `C = ${strength.toExponential(1)}`);
        return fit;
      };
      const chosen = val ? await search(solve, strengths, searchSteps) : await solve(withoutValidation);
      this.take(chosen);
      const unfinished = chosen.reason === 'iterations' ? ['The last fit used up its iterations.'] : [];
      const blind = val ? [] : [`There are no validation images, so C stays at ${withoutValidation}.`];
      return {
        chosen: { strength: chosen.strength },
        valAccuracy: val ? chosen.accuracy : undefined,
        remarks: [...blind, ...unfinished],
      };
    } finally {
      problem.dispose();
    }
  }

  restore(learnt: ReadonlyMap<string, Tensor>): Promise<void> {
    const [weight, bias] = [learnt.get('weight'), learnt.get('bias')];
    if (weight?.shape.join() !== this.weight.shape.join() || bias?.shape.join() !== this.bias.shape.join()) {
      throw new MethodError(
        this.name,
        `weight has shape [${weight?.shape.join(', ') ?? 'none'}], bias [${bias?.shape.join(', ') ?? 'none'}]`,
        `restore what was learnt for ${this.classNames.length} classes and the same model`,
      );
    }
    this.replace(keep(alias(weight)), keep(alias(bias)));
    return Promise.resolve();
  }

  evaluate(features: Tensor): Tensor {
    if (!this.isFitted) throw new MethodError(this.name, 'nothing is fitted yet', 'call fit() or restore() first');
    return linear(features, this.weight, this.bias);
  }

  /** Its weights are specific to its classes; no text is read, so the template does not matter. */
  forContext(other: ClassContext): LinearProbe {
    expectNoSubclass(this, LinearProbe);
    expectSameClasses(this.name, this.classNames, other, `it was fitted to its ${this.classNames.length} classes`);
    const made = new LinearProbe(this.context, this.settings);
    if (this.isFitted) made.replace(keep(alias(this.weight)), keep(alias(this.bias)));
    return made;
  }

  dispose(): void {
    this.weight.dispose();
    this.bias.dispose();
  }

  private async solve(problem: Regression, strength: number, val: FeatureSet | undefined): Promise<Fit> {
    const { maxIterations, tolerance } = this.settings;
    const { x, reason } = await lbfgs((at) => problem.evaluate(at, strength), problem.start(), { maxIterations, tolerance });
    const weights = problem.split(x);
    const accuracy = val ? await this.accuracy(weights, val) : Number.NaN;
    return { ...weights, strength, accuracy, reason };
  }

  private async accuracy({ weight, bias }: Weights, { features, labels }: FeatureSet): Promise<number> {
    const { device } = this.context;
    using logits = scope(() =>
      linear(
        features,
        tensor(Float32Array.from(weight), { shape: this.weight.shape, device }),
        tensor(Float32Array.from(bias), { device }),
      ),
    );
    return accuracyOf(await logits.data(), labels);
  }

  private take({ weight, bias }: Weights): void {
    const { device } = this.context;
    this.replace(
      keep(tensor(Float32Array.from(weight), { shape: this.weight.shape, device })),
      keep(tensor(Float32Array.from(bias), { device })),
    );
  }

  private replace(weight: Tensor, bias: Tensor): void {
    this.dispose();
    this.weight = weight;
    this.bias = bias;
    this.isFitted = true;
  }
}

/** The grid, then bisection of log C: of the two ends the better one stays (the left one if equal), and the middle becomes the other. */
async function search(solve: (strength: number) => Promise<Fit>, strengths: readonly number[], steps: number): Promise<Fit> {
  let best: Fit | undefined;
  for (const strength of strengths) {
    const fit = await solve(strength);
    if (!best || fit.accuracy > best.accuracy) best = fit;
  }
  if (!best) throw new MethodError('linear-probe', 'there is no C to try', 'give at least one strength');
  const peak = Math.log10(best.strength);
  let [left, right] = [peak - 1, peak + 1];
  for (let step = 0; step < steps; step += 1) {
    const [low, high] = [await solve(10 ** left), await solve(10 ** right)];
    const middle = (left + right) / 2;
    if (low.accuracy < high.accuracy) [best, left] = [high, middle];
    else [best, right] = [low, middle];
  }
  return best;
}

/** Mean cross-entropy and its gradient on the device; the penalty on the host, in double precision. */
class Regression {
  private readonly run: Captured<'weight' | 'bias', { value: Tensor; weight: Tensor; bias: Tensor }>;
  private readonly labels: Tensor;
  private readonly embed: number;

  constructor(
    private readonly train: FeatureSet,
    private readonly classes: number,
  ) {
    const { features, labels } = train;
    const { device } = features;
    [, this.embed] = features.shape as [number, number];
    this.labels = keep(tensor(Int32Array.from(labels), { device }));
    this.run = capture(
      ({ weight, bias }: { weight: Tensor; bias: Tensor }) => {
        const body = (): Tensor => crossEntropy(linear(features, weight, bias), this.labels);
        const { value, gradients } = lossAndGradients(body, [weight, bias]);
        return { value, weight: gradients.of(weight), bias: gradients.of(bias) };
      },
      { device },
    );
  }

  start(): Float64Array {
    return new Float64Array(this.classes * (this.embed + 1));
  }

  split(x: Float64Array): Weights {
    const cut = this.classes * this.embed;
    return { weight: x.slice(0, cut), bias: x.slice(cut) };
  }

  async evaluate(x: Float64Array, strength: number): Promise<LbfgsEvaluation> {
    const { weight, bias } = this.split(x);
    const { classes, embed } = this;
    const result = this.run({
      weight: { data: Float32Array.from(weight), shape: [classes, embed] },
      bias: { data: Float32Array.from(bias), shape: [classes] },
    });
    const [value, ofWeight, ofBias] = [await result.value.item(), await result.weight.data(), await result.bias.data()];
    const penalty = 1 / (strength * this.train.labels.length);
    const gradient = new Float64Array(x.length);
    gradient.set(ofWeight);
    gradient.set(ofBias, weight.length);
    let squares = 0;
    for (const [i, w] of weight.entries()) {
      squares += w * w;
      gradient[i] = (gradient[i] as number) + penalty * w;
    }
    return { value: value + (penalty * squares) / 2, gradient };
  }

  dispose(): void {
    this.run.dispose();
    this.labels.dispose();
  }
}

export const linearProbe = defineMethod<LinearProbeSettings>({
  name: 'linear-probe',
  title: 'Linear probe',
  summary: 'logistic regression on image features',
  settings: linearProbeSettings,
  training: undefined,
  published: [
    {
      protocols: ['few-shot'],
      settings: { strengths: [1e6, 1e4, 1e2, 1, 1e-2, 1e-4, 1e-6], searchSteps: 8, maxIterations: 1000 },
      source: 'CoOp, lpclip/linear_probe.py',
    },
  ],
  variants: {},
  create: (context, settings) => new LinearProbe(context, settings),
});
