/** The training step: one update of a method's parameters, captured once and replayed. */
import { Gradients, lossAndGradients } from '@mudpt/autograd';
import {
  addInto,
  capture,
  type Captured,
  copyInto,
  countCorrect,
  type Device,
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
import { MethodError, type PromptMethod, type StepLoss, type TrainingSettings } from '../methods/index.ts';
import { NotFiniteError } from '../evaluation/finite.ts';
import { optimizerOf, type StepOptimizer } from './optimizer.ts';
import { type Budget, chooseRematerialization, type StepChoice } from '../memory/choice.ts';

/** Means over the batches since the last reading. */
export interface StepStats {
  readonly batches: number;
  readonly loss: number;
  /** In percent. */
  readonly accuracy: number;
  /** Parts of the loss, where there is more than one. */
  readonly terms: Readonly<Record<string, number>> | undefined;
}

/** Sums kept on the device: loss, correct images, and up to six parts of the loss. */
const SUMS = 8;

type Inputs = 'images' | 'labels' | 'lr';

/**
 * Updates a method by batches. With `accumulate` batches per update their gradients are averaged first; nothing else changes. The host
 * reads nothing until {@link read}.
 */
export class Stepper {
  readonly optimizer: StepOptimizer;
  private readonly captured: Captured<Inputs, void>;
  private readonly update: Captured<'lr', void> | undefined;
  /** Loss, correct images and parts of the loss since the last reading [8]: part of a checkpoint, so that a resumed curve is the same. */
  readonly sums: Tensor;
  private readonly none: Tensor;
  /** Average gradients under way, by parameter. */
  private readonly gradients = new Map<Tensor, Tensor>();
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
    // At depth 1 the deep prompts are tensors of no elements; they cannot be learnt.
    const parameters = [...method.learnable.values()].filter((tensor) => tensor.size > 0);
    this.optimizer = optimizerOf(parameters, settings);
    this.sums = keep(zeros([SUMS], { device }));
    this.none = keep(zeros([SUMS], { device }));
    if (accumulate > 1)
      for (const parameter of parameters) this.gradients.set(parameter, keep(zeros(parameter.shape, { device })));
    this.captured = capture<Inputs, void>(({ images, labels, lr }) => this.learn(images, labels, lr), { device });
    this.update = accumulate > 1 ? capture<'lr', void>(({ lr }) => this.applyAverage(lr), { device }) : undefined;
  }

  /** Records and submits one update from `accumulate` batches. */
  step(batches: readonly Batch[], lr: number): void {
    for (const { images, shape, labels } of batches) {
      const [count] = shape;
      this.captured({
        images: { data: images, shape },
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
    const step = this.captured.cost({ images: { shape: images }, labels: { shape: [batch], dtype: 'i32' }, lr: { shape: [] } });
    // After the step was recorded: only then is it known which averages there are.
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
    for (const gradient of this.gradients.values()) gradient.dispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  private learn(images: Tensor, labels: Tensor, lr: Tensor): void {
    const { value, gradients } = lossAndGradients(() => this.method.loss(images, labels));
    this.count(value, labels);
    if (this.accumulate === 1) {
      this.optimizer.step(gradients, { lr });
      return;
    }
    for (const [parameter, gradient] of gradients) {
      const average = this.gradients.get(parameter);
      if (!average) continue;
      this.reached.add(parameter);
      addInto(average, gradient, 1 / this.accumulate);
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
    const averages = new Gradients();
    for (const parameter of this.reached) averages.set(parameter, this.gradients.get(parameter) as Tensor);
    this.optimizer.step(averages, { lr });
    for (const average of averages.values()) copyInto(average, zeros(average.shape, { device: this.device }));
  }
}

function batchOf(images: readonly number[]): number {
  const [batch] = images;
  if (images.length === 4 && batch !== undefined) return batch;
  throw new ShapeError('training', `images of shape [${images.join(', ')}] are no batch`, 'give [B, 3, H, W]');
}
