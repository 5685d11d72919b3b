/** The training of prompts: epochs of steps, readings, checkpoints, the best epoch on validation. */
import { InputError } from '@mudpt/tensor';
import { KEEP_ALL } from '../methods/index.ts';
import { BestEpoch } from './best-epoch.ts';
import { Judge } from './judge.ts';
import type { MetricsLine } from './metrics-line.ts';
import { scheduleOf } from './schedule.ts';
import {
  BEGINNING,
  type EpochSums,
  type Learning,
  NO_CURVE,
  restoreTensors,
  type TrainingRecorder,
  type TrainingState,
  UNRECORDED,
  withTensors,
} from './state.ts';
import { type StepStats, Stepper } from './step.ts';
import { StepInputs, stepShape } from './step-inputs.ts';
import { Throughput } from './throughput.ts';
import type { TrainerOptions, TrainingReached, TrainingResult } from './trainer-options.ts';
import { groups, type Length, lengthOf, updatesOf } from './updates.ts';

/**
 * Trains `options.method` in place, from the beginning or from the recorder's state.
 * @throws InputError when there are no images; DivergedError when the loss, the learnt tensors or the optimizer's state are not finite: then the
 * recorder keeps its previous state; errors of the recorder
 */
export async function trainPrompts(options: TrainerOptions): Promise<TrainingResult> {
  using trainer = new Trainer(options);
  return await trainer.run();
}

class Trainer {
  private readonly recorder: TrainingRecorder;
  private readonly stepper: Stepper;
  private readonly best: BestEpoch;
  private readonly learning: Learning;
  private readonly length: Length;
  private readonly group: number;
  private state = BEGINNING;
  /** Start of this session, moved back by the seconds of earlier ones. */
  private begun = performance.now();
  private savedAt = performance.now();
  private readonly throughput = new Throughput();
  private readonly inputs: StepInputs;
  private readonly judge: Judge;

  constructor(private readonly options: TrainerOptions) {
    const { clip, method, settings, loop, train, val, recorder = UNRECORDED } = options;
    this.recorder = recorder;
    const { updates, group } = updatesOf(train.length, settings.batchSize, loop.accumulate);
    if (updates === 0)
      throw new InputError('training', 'there are no training pictures', 'give some', { code: 'training.noImages' });
    this.length = lengthOf(settings, updates);
    this.group = group;
    this.best = new BestEpoch(method, loop, val.length, clip.device);
    this.stepper = new Stepper(clip.device, method, settings, group);
    const { evaluationBatch } = loop;
    this.inputs = new StepInputs({ clip, method, loader: options.loader, evaluationBatch, epochs: this.length.epochs });
    this.judge = new Judge(options, () => this.reached());
    this.learning = { method, optimizer: this.stepper.optimizer, best: this.best.copies, sums: this.stepper.sums };
  }

  async run(): Promise<TrainingResult> {
    const { epochs } = this.length;
    const found = await restoreTensors(this.learning, (tensors) => this.recorder.restore(tensors, this.length));
    if (found) this.goOn(found);
    else {
      this.choose();
      await this.save({});
    }
    while (this.state.epoch < epochs && this.state.stoppedAfter === undefined) {
      const isWhole = await this.epoch(this.state.epoch, epochs);
      if (!isWhole) return this.result({ isStopped: true });
    }
    if (this.state.best) this.best.restore();
    return this.result({ isStopped: false });
  }

  private goOn(state: TrainingState): void {
    this.state = state;
    this.stepper.tally = state.curve;
    this.begun -= state.seconds * 1000;
    this.options.method.rematerialize(state.rematerialization ?? KEEP_ALL);
  }

  private choose(): void {
    const { clip, settings, train, budget, onChoice } = this.options;
    const { size } = clip.config.image;
    const choice = this.stepper.choose(budget, stepShape(this.options.method, Math.min(settings.batchSize, train.length), size));
    this.state = { ...this.state, rematerialization: choice.rematerialization };
    onChoice?.(choice);
  }

  /** @returns false when it was asked to stop on the way */
  private async epoch(epoch: number, epochs: number): Promise<boolean> {
    const { train, settings, loop, signal } = this.options;
    const { group } = this;
    const { updates } = this.length;
    const schedule = scheduleOf(settings);
    const started = performance.now();
    let { read, epoch: total } = this.state.curve;
    let step = this.state.step;
    let lr = 0;
    let measured = step;
    this.throughput.restart();
    const batches = this.inputs.epoch(train, { batch: settings.batchSize, epoch, from: step * group });
    for await (const some of groups(batches, group)) {
      lr = schedule({ epoch, step, steps: updates });
      this.stepper.step(some, lr);
      step += 1;
      const isLast = step === this.updatesIn(epoch);
      const isDue = performance.now() - this.savedAt > loop.checkpointSeconds * 1000;
      // The first reading comes at once, to show that compiling is over and training runs. Readings do not depend on when checkpoints are written, so
      // that the curve of a stopped and continued run is that of one that was not stopped.
      if (isLast || step === 1 || step - read >= loop.logEvery) {
        const stats = await this.judge.finite({ epoch, step: step - 1, lr }, 'the loss is not finite', () => this.stepper.read());
        const imagesPerSecond = this.throughput.measure((step - measured) * group * settings.batchSize);
        [read, measured] = [step, step];
        total = plus(total, stats);
        await this.log({ epoch, epochs, step, stats, lr, imagesPerSecond });
      }
      if (isLast) break;
      const isAsked = signal?.aborted === true;
      if (isAsked || isDue) {
        await this.save({ step, curve: { read, ...this.stepper.tally, epoch: total } }, { lr });
        if (isAsked) return false;
      }
    }
    this.options.method.endEpoch?.(epoch, epochs);
    await this.finishEpoch(epoch, lr, total, (performance.now() - started) / 1000);
    return signal?.aborted !== true || epoch + 1 === epochs;
  }

  private async finishEpoch(epoch: number, lr: number, total: EpochSums, seconds: number): Promise<void> {
    const mean = { loss: total.loss / total.batches, accuracy: total.accuracy / total.batches };
    const { loss } = mean;
    const isDue = this.best.isDue(epoch, this.length.epochs);
    const place = { epoch, step: this.updatesIn(epoch) - 1, lr };
    const valAccuracy = isDue ? await this.judge.validation(place, loss) : undefined;
    const newAccuracy = await this.judge.newClasses(place, loss);
    const line = {
      kind: 'epoch',
      epoch,
      ...mean,
      lr,
      seconds,
      ...(valAccuracy !== undefined && { valAccuracy }),
      ...(newAccuracy !== undefined && { newAccuracy }),
    } as const;
    await this.recorder.log(line, epoch * this.length.updates + place.step);
    this.options.onEpoch?.(line);
    const decided = valAccuracy === undefined ? {} : this.best.after(epoch, valAccuracy, this.state);
    await this.save({ epoch: epoch + 1, step: 0, curve: NO_CURVE, ...decided }, { lr, loss });
  }

  /** Updates of an epoch: the last one may be cut. */
  private updatesIn(epoch: number): number {
    const { epochs, updates, last } = this.length;
    return epoch + 1 === epochs ? last : updates;
  }

  private async log({ epoch, epochs, step, stats, lr, imagesPerSecond }: Reading): Promise<void> {
    const { loss, accuracy, terms } = stats;
    const { updates, all } = this.length;
    const bytes = this.options.clip.device.memory().totalBytes;
    const numbers = { loss, accuracy, lr, imagesPerSecond, bytes };
    const line: MetricsLine = { kind: 'step', epoch, step: epoch * updates + step - 1, ...numbers, ...(terms && { terms }) };
    await this.recorder.log(line, line.step);
    const imagesToGo = (all - epoch * updates - step) * this.group * this.options.settings.batchSize;
    const eta = this.throughput.isKnown ? imagesToGo / imagesPerSecond : Number.POSITIVE_INFINITY;
    this.options.onProgress?.({ epoch, epochs, step, steps: updates, ...numbers, eta });
  }

  /** Rate and mean loss are those of the last update, for the error when its result is not finite. */
  private async save(
    change: Partial<TrainingState>,
    { lr = 0, loss = Number.NaN }: { lr?: number; loss?: number } = {},
  ): Promise<void> {
    const state = { ...this.state, ...change, seconds: (performance.now() - this.begun) / 1000 };
    const before = Math.max(0, state.epoch - 1);
    const [epoch, step] = state.step > 0 ? [state.epoch, state.step - 1] : [before, this.updatesIn(before) - 1];
    await withTensors(this.learning, async (tensors) => {
      await this.judge.expectFiniteState({ epoch, step, lr }, tensors, loss);
      await this.recorder.save(tensors, state);
    });
    this.state = state;
    this.savedAt = performance.now();
  }

  private result({ isStopped }: { readonly isStopped: boolean }): TrainingResult {
    const { stoppedAfter, best } = this.state;
    return {
      ...this.reached(),
      isStopped,
      ...(best && !isStopped && { best }),
      ...(stoppedAfter !== undefined && { stoppedEarlyAt: stoppedAfter }),
    };
  }

  private reached(): TrainingReached {
    const { epoch, seconds } = this.state;
    const { peakBytes } = this.options.clip.device.memory();
    return { epochsDone: epoch, stepsPerEpoch: this.length.updates, seconds, peakBytes };
  }

  [Symbol.dispose](): void {
    this.stepper.dispose();
    this.best.dispose();
  }
}

interface Reading {
  readonly epoch: number;
  readonly epochs: number;
  readonly step: number;
  readonly stats: StepStats;
  readonly lr: number;
  readonly imagesPerSecond: number;
}

function plus(total: EpochSums, { batches, loss, accuracy }: StepStats): EpochSums {
  return {
    batches: total.batches + batches,
    loss: total.loss + loss * batches,
    accuracy: total.accuracy + accuracy * batches,
  };
}
