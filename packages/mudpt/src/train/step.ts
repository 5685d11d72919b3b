/** The training step: one update of a method's parameters, captured once and replayed. */
import { Gradients } from '@mudpt/autograd';
import {
  addInto,
  capture,
  type Captured,
  type CaptureInput,
  copyInto,
  countCorrect,
  type Device,
  type InputShape,
  keep,
  narrow,
  type PlanCost,
  scope,
  ShapeError,
  type Tensor,
  zeros,
} from '@mudpt/tensor';
import { nth } from '@mudpt/tensor/internal';
import type { Batch } from '../data/index.ts';
import {
  combinedGradients,
  gradientParts,
  MethodError,
  type PromptMethod,
  type StepLoss,
  type TrainingSettings,
} from '../methods/index.ts';
import { NotFiniteError } from '../evaluation/finite.ts';
import { optimizerOf, type StepOptimizer } from './optimizer.ts';
import { type Budget, chooseRematerialization, type StepChoice } from '../memory/choice.ts';

/** Means over the batches since the last reading. */
export interface StepStats {
  readonly batches: number;
  readonly loss: number;
  /** Accuracy in percent. */
  readonly accuracy: number;
  /** Parts of the loss, where there is more than one. */
  readonly terms: Readonly<Record<string, number>> | undefined;
}

/** Sums kept on the device: loss, correct images, and up to six parts of the loss. */
const SUMS = 8;

/** What a step is given; `images2` where the method declares a second view. */
type Inputs<T> = Readonly<Record<'images' | 'labels' | 'lr', T>> & { readonly images2?: T };

interface CapturedStep {
  (inputs: Inputs<CaptureInput>): void;
  cost(inputs: Inputs<InputShape>): PlanCost;
  dispose(): void;
}

/**
 * Updates a method by batches. With `accumulate` batches per update their gradients are averaged first; nothing else changes. The host
 * reads nothing until {@link read}.
 */
export class Stepper {
  readonly optimizer: StepOptimizer;
  private readonly captured: CapturedStep;
  private readonly update: Captured<'lr', void> | undefined;
  /** Loss, correct images and parts of the loss since the last reading [8]: part of a checkpoint, so that a resumed curve is the same. */
  readonly sums: Tensor;
  private readonly none: Tensor;
  /** Gradient averages in progress, by parameter: of the loss, then of each guide of the method's gradient rule. */
  private readonly averages: readonly ReadonlyMap<Tensor, Tensor>[];
  /** Parameters the loss depends on; known once a step is recorded. */
  private readonly reached = new Set<Tensor>();
  private termNames: readonly string[] = [];
  private counted = { batches: 0, images: 0 };

  constructor(
    private readonly device: Device,
    private readonly method: PromptMethod,
    settings: TrainingSettings,
    private readonly accumulate = 1,
  ) {
    // At depth 1 the deep prompts have no elements and cannot be learnt.
    const { learnable, spec } = method;
    const moved = [...learnable].filter(([name, tensor]) => tensor.size > 0 && !spec.statistics?.includes(name));
    const parameters = moved.map(([, tensor]) => tensor);
    this.optimizer = optimizerOf(parameters, settings, factorsOf(method));
    this.sums = keep(zeros([SUMS], { device }));
    this.none = keep(zeros([SUMS], { device }));
    const zeroed = () => new Map(parameters.map((parameter) => [parameter, keep(zeros(parameter.shape, { device }))]));
    this.averages = accumulate > 1 ? [undefined, ...this.guides].map(zeroed) : [];
    this.captured = capture<string, void>((inputs) => this.learn(inputs as Inputs<Tensor>), { device });
    this.update = accumulate > 1 ? capture<'lr', void>(({ lr }) => this.applyAverage(lr), { device }) : undefined;
  }

  /** Records and submits one update from `accumulate` batches. */
  step(batches: readonly Batch[], lr: number): void {
    for (const { images, images2, shape, labels } of batches) {
      const [count] = shape;
      this.captured({
        images: { data: images, shape },
        ...(images2 && { images2: { data: images2, shape } }),
        labels: { data: labels, shape: [count], dtype: 'i32' },
        lr,
      });
      this.counted = { batches: this.counted.batches + 1, images: this.counted.images + count };
    }
    this.update?.({ lr });
  }

  /** Memory that an update from batches of `images` [B, 3, H, W] would take with the method's current settings, counted from its captured step. */
  cost(images: readonly number[]): PlanCost {
    const batch = batchOf(images);
    const step = this.captured.cost({
      images: { shape: images },
      ...(this.method.views === 2 && { images2: { shape: images } }),
      labels: { shape: [batch], dtype: 'i32' },
      lr: { shape: [] },
    });
    // After recording, because only then are the averages known.
    const update = this.update?.cost({ lr: { shape: [] } });
    return update ? { ...step, bytes: step.bytes + update.bytes } : step;
  }

  /**
   * Sets the method to the fastest way whose updates from batches of `images` [B, 3, H, W] fit the budget. The pool is emptied, because its
   * buffers would add to the memory of a step.
   * @throws InputError, LimitError as {@link chooseRematerialization}
   */
  choose(budget: Budget, images: readonly number[]): StepChoice {
    const { device, method } = this;
    const batch = batchOf(images);
    const choice = chooseRematerialization({ device, method, budget, batch, cost: () => this.cost(images) });
    device.trim();
    return choice;
  }

  /**
   * Waits for the steps so far and returns their means, which begin anew.
   * @throws NotFiniteError when the loss is not finite
   */
  async read(): Promise<StepStats> {
    const values = await this.sums.data();
    copyInto(this.sums, this.none);
    const { batches, images } = this.counted;
    this.counted = { batches: 0, images: 0 };
    const [loss, correct] = [nth(values, 0), nth(values, 1)];
    if (!Number.isFinite(loss))
      throw new NotFiniteError(
        'training',
        `the loss is ${loss}`,
        'use a smaller learning rate, a longer warm-up, or f32 if this is f16',
        { code: 'training.loss', values: { loss } },
      );
    const named = this.termNames.map((name, index): [string, number] => [name, nth(values, 2 + index) / batches]);
    return {
      batches,
      loss: loss / batches,
      accuracy: (100 * correct) / images,
      terms: named.length > 1 ? Object.fromEntries(named) : undefined,
    };
  }

  /** Batches and images in {@link sums}; to be set when saved sums were copied into it. */
  get tally(): { readonly batches: number; readonly images: number } {
    return this.counted;
  }

  set tally({ batches, images }: { readonly batches: number; readonly images: number }) {
    this.counted = { batches, images };
  }

  dispose(): void {
    this.captured.dispose();
    this.update?.dispose();
    this.optimizer.dispose();
    this.sums.dispose();
    this.none.dispose();
    for (const averages of this.averages) for (const average of averages.values()) average.dispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  private get guides(): readonly string[] {
    return this.method.gradientRule?.guides ?? [];
  }

  private learn(inputs: Inputs<Tensor>): void {
    const { images, labels, lr } = inputs;
    // A captured body may only read inputs that are given.
    const images2 = 'images2' in inputs ? inputs.images2 : undefined;
    const { value, parts } = gradientParts(this.method, images, labels, images2);
    this.count(value, labels);
    if (this.accumulate === 1) {
      this.optimizer.step(combinedGradients(this.method, parts), { lr });
      return;
    }
    for (const parameter of parts.loss.keys()) this.reached.add(parameter);
    for (const [place, gradients] of [parts.loss, ...parts.guides.values()].entries())
      for (const [parameter, gradient] of gradients) {
        const average = this.averages[place]?.get(parameter);
        if (average) addInto(average, gradient, 1 / this.accumulate);
      }
  }

  /** Adds to the sums, on the device. */
  private count({ loss, outputs, terms }: StepLoss, labels: Tensor): void {
    const names = Object.keys(terms);
    if (names.length > SUMS - 2)
      throw new MethodError(
        this.method.name,
        `its loss has ${names.length} parts, and at most ${SUMS - 2} are told (${names.join(', ')})`,
        'add some of them up',
      );
    this.termNames = names;
    scope(() => {
      const values = [loss, countCorrect(outputs.logits, labels), ...names.map((name) => terms[name] as Tensor)];
      values.forEach((value, place) => addInto(narrow(this.sums, 0, place, 1), value));
    });
  }

  private applyAverage(lr: Tensor): void {
    const [ofLoss, ...ofGuides] = this.averages.map((averages) => {
      const reached = [...this.reached].filter((parameter) => averages.has(parameter));
      return new Gradients(reached.map((parameter): [Tensor, Tensor] => [parameter, averages.get(parameter) as Tensor]));
    });
    if (!ofLoss) return;
    const guides = new Map(this.guides.map((name, place) => [name, ofGuides[place] as Gradients]));
    this.optimizer.step(combinedGradients(this.method, { loss: ofLoss, guides }), { lr });
    for (const gradients of [ofLoss, ...ofGuides])
      for (const average of gradients.values()) copyInto(average, zeros(average.shape, { device: this.device }));
  }
}

/** @throws MethodError for a factor of something that is not learnt */
function factorsOf({ name, learnable, rateFactors = new Map() }: PromptMethod): ReadonlyMap<Tensor, number> {
  const entries = [...rateFactors].map(([learnt, factor]): [Tensor, number] => {
    const tensor = learnable.get(learnt);
    if (tensor) return [tensor, factor];
    throw new MethodError(name, `it has a rate factor for ${learnt}, which it does not learn`, 'name what is in learnable');
  });
  return new Map(entries);
}

function batchOf(images: readonly number[]): number {
  const [batch] = images;
  if ((images.length === 4 || images.length === 2) && batch !== undefined) return batch;
  throw new ShapeError('training', `images of shape [${images.join(', ')}] are no batch`, 'give [B, 3, H, W]');
}
