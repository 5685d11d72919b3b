/** The steps of {@link fit}: updates and validation, captured once and replayed; sums of losses stay on the device until they are asked for. */
import {
  reshape,
  addInto,
  capture,
  type CaptureInput,
  copyInto,
  type Device,
  keep,
  mul,
  narrow,
  scope,
  Tensor,
  tensor,
  TensorError,
  zeros,
} from '@mudpt/tensor/functions';
import { noGrad } from '../parameter.ts';
import { clipGradNorm, clipGradValue } from '../optim/clip.ts';
import { withSeed } from '../random.ts';
import { Gradients } from '../tape/gradients.ts';
import { type Loss, lossOf } from '../transforms/loss.ts';
import { lossAndGradients } from '../transforms/loss-and-gradients.ts';
import type { Batch, FitOptions, Means, TensorsOf } from './fit-options.ts';

/** Values whose sums are kept: the loss and metrics. */
const MOST = 16;
type Named = Readonly<Record<string, Tensor>>;
type Body = (inputs: Named) => void;

/** Sums over examples of what losses returned. */
export class Sums {
  private readonly values: Tensor;
  private readonly none: Tensor;
  /** Names of the values that are added now. */
  names: readonly string[] = [];
  examples = 0;

  constructor(private readonly device: Device) {
    this.values = keep(zeros([MOST], { device }));
    this.none = keep(zeros([MOST], { device }));
  }

  /** Adds the means of a batch of `count` examples, on the device. @returns their names */
  add(value: Loss, count: number): readonly string[] {
    const { loss, ...metrics }: Named = value instanceof Tensor ? { loss: value } : (value as unknown as Named);
    const entries = [['loss', loss as Tensor] as const, ...Object.entries(metrics)];
    if (entries.length > MOST)
      throw new TensorError('fit', `the loss function returned ${entries.length} values`, `return at most ${MOST}`);
    const odd = entries.find(([, one]) => !(one instanceof Tensor) || one.size !== 1);
    if (odd)
      throw new TensorError('fit', `${odd[0]} is no tensor of one element`, 'return means over the batch, or leave it out');
    noGrad(() =>
      scope(() => entries.forEach(([, one], place) => addInto(narrow(this.values, 0, place, 1), reshape(one, [1]), count))),
    );
    return entries.map(([name]) => name);
  }

  /** The sums by name. */
  async read(): Promise<Record<string, number>> {
    const values = await this.values.data();
    return Object.fromEntries(this.names.map((name, place) => [name, values[place] as number]));
  }

  /** @throws TensorError when the loss is not finite */
  async means(): Promise<Means> {
    const sums = Object.entries(await this.read()).map(([name, sum]) => [name, sum / this.examples] as const);
    const means = Object.fromEntries(sums) as unknown as Means;
    if (Number.isFinite(means.loss)) return means;
    throw new TensorError('fit', `the loss is ${means.loss}`, 'use a smaller learning rate, clipNorm, or a warm-up');
  }

  restart(sums: Readonly<Record<string, number>> = {}, examples = 0): void {
    this.examples = examples;
    this.names = Object.keys(sums);
    if (this.names.length === 0) copyInto(this.values, this.none);
    else {
      const list = Object.values(sums);
      using saved = tensor(
        Float32Array.from({ length: MOST }, (_, i) => list[i] ?? 0),
        { device: this.device },
      );
      copyInto(this.values, saved);
    }
  }

  dispose(): void {
    this.values.dispose();
    this.none.dispose();
  }
}

export class Steps<B extends Batch> {
  readonly sums: Sums;
  private readonly device: Device;
  private readonly accumulate: number;
  private readonly captured: { dispose(): void }[] = [];
  private readonly totals = new Map<Tensor, Tensor>();
  /** Parameters that the loss depends on; known once a step has run. */
  private readonly reached = new Set<Tensor>();
  /** Names and shapes of what the losses returned when they were recorded. */
  private names = { train: [] as readonly string[], validation: [] as readonly string[] };
  private readonly learn: (inputs: Inputs) => void;
  private readonly update: (inputs: Inputs) => void;
  private readonly measure: (inputs: Inputs) => void;

  constructor(private readonly options: FitOptions<B>) {
    const [group] = options.optimizer.groups;
    this.device = (group as NonNullable<typeof group>).arena.flat.device;
    this.accumulate = options.accumulate ?? 1;
    this.sums = new Sums(this.device);
    if (this.accumulate > 1)
      for (const { arena } of options.optimizer.groups)
        for (const parameter of arena.parameters)
          this.totals.set(parameter, keep(zeros(parameter.shape, { device: this.device })));
    const { loss, validation } = options;
    this.learn = this.prepared((inputs) => this.learnFrom(inputs));
    this.update = this.prepared((inputs) => this.applyTotals(inputs));
    this.measure = this.prepared((inputs) =>
      noGrad(() => {
        this.names.validation = this.sums.add((validation?.loss ?? loss)(unpacked<B>(inputs)), examplesOf(inputs));
      }),
    );
  }

  /** Gradients of a batch, and the update unless more batches are to come. */
  train(batch: B, seed: number, lr: number | undefined): void {
    const rate: Inputs = lr === undefined || this.accumulate > 1 ? {} : { lr };
    const inputs = packed(batch);
    this.learn({ ...inputs, seed: { data: Uint32Array.of(seed), shape: [1], dtype: 'u32' }, ...rate });
    this.sums.names = this.names.train;
    this.sums.examples += examplesOf(inputs);
  }

  /** Updates by the average of `batches` gradients. */
  finish(batches: number, lr: number | undefined): void {
    if (this.accumulate > 1) this.update({ share: 1 / batches, ...(lr !== undefined && { lr }) });
  }

  evaluate(batch: B): void {
    const inputs = packed(batch);
    this.measure(inputs);
    this.sums.names = this.names.validation;
    this.sums.examples += examplesOf(inputs);
  }

  dispose(): void {
    for (const one of this.captured) one.dispose();
    for (const total of this.totals.values()) total.dispose();
    this.sums.dispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  /** `body` captured, or run at once on tensors of its inputs. */
  private prepared(body: Body): (inputs: Inputs) => void {
    const { device } = this;
    if (this.options.capture ?? true) {
      const run = capture<string, void>(body, { device });
      this.captured.push(run);
      return run;
    }
    return (inputs) =>
      scope(() => body(Object.fromEntries(Object.entries(inputs).map(([name, input]) => [name, tensorOf(input, device)]))));
  }

  private learnFrom(inputs: Named): void {
    const { loss } = this.options;
    const { seed } = inputs;
    const { value, gradients } = lossAndGradients(() => withSeed(seed as Tensor, () => loss(unpacked<B>(inputs))));
    lossOf('fit', value);
    this.names.train = this.sums.add(value, examplesOf(inputs));
    if (this.accumulate === 1) return this.step(gradients, inputs);
    for (const [parameter, gradient] of gradients) {
      const total = this.totals.get(parameter);
      if (!total) continue;
      this.reached.add(parameter);
      addInto(total, gradient);
    }
  }

  private applyTotals(inputs: Named): void {
    const reached = [...this.reached];
    const average = new Gradients(
      reached.map((parameter) => [parameter, mul(this.totals.get(parameter) as Tensor, inputs['share'] as Tensor)]),
    );
    this.step(average, inputs);
    for (const parameter of reached)
      copyInto(this.totals.get(parameter) as Tensor, zeros(parameter.shape, { device: this.device }));
  }

  private step(gradients: Gradients, inputs: Named): void {
    const { clipNorm, clipValue, optimizer } = this.options;
    if (clipValue !== undefined) clipGradValue(gradients, clipValue);
    if (clipNorm !== undefined) clipGradNorm(gradients, clipNorm);
    optimizer.step(gradients, 'lr' in inputs ? { lr: inputs['lr'] as Tensor } : {});
  }
}

type Inputs = Readonly<Record<string, CaptureInput>>;
const PREFIX = 'batch.';
const SINGLE = 'batch';

function isInput(batch: Batch): batch is CaptureInput {
  return typeof batch === 'number' || batch instanceof Tensor || ('data' in batch && 'shape' in batch);
}

/** A batch as inputs of a captured function, apart from the step's. */
function packed(batch: Batch): Inputs {
  if (isInput(batch)) return { [SINGLE]: batch };
  return Object.fromEntries(Object.entries(batch).map(([name, input]) => [PREFIX + name, input]));
}

function unpacked<B extends Batch>(inputs: Named): TensorsOf<B> {
  if (SINGLE in inputs) return inputs[SINGLE] as TensorsOf<B>;
  const entries = Object.entries(inputs).filter(([name]) => name.startsWith(PREFIX));
  return Object.fromEntries(entries.map(([name, tensor]) => [name.slice(PREFIX.length), tensor])) as TensorsOf<B>;
}

/** The first size of a batch's first tensor. */
function examplesOf(inputs: Readonly<Record<string, CaptureInput>>): number {
  const first = Object.entries(inputs).find(([name]) => name.startsWith(SINGLE))?.[1];
  return typeof first === 'object' ? (first.shape[0] ?? 1) : 1;
}

function tensorOf(input: CaptureInput, device: Device): Tensor {
  if (typeof input === 'number') return tensor(input, { device });
  if (input instanceof Tensor) return input;
  const { data, shape, dtype } = input;
  return tensor(data, { shape, device, ...(dtype && { dtype }) });
}
