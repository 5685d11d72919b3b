/** The training of prompts: epochs of steps, readings, checkpoints, early stopping. */
import { copyInto, FormatError, keep, type Tensor, zeros } from '@mudpt/tensor';
import { KEEP_ALL } from '../methods/index.ts';
import { type Extent, type Learning, loadCheckpoint, NO_CURVE, type Position, writeCheckpoint } from '../runs/checkpoint.ts';
import { budgetOf } from '../memory/budget.ts';
import { DivergedError, type Divergence } from './diverged.ts';
import { expectFinite, NotFiniteError } from './finite.ts';
import type { Budget } from '../memory/choice.ts';
import { findCheckpoint } from '../runs/generations.ts';
import { groups, Pace, updatesOf } from './throughput.ts';
import { scheduleOf } from './schedule.ts';
import { metricsOfScores, scoreMethod, scoringBatch } from '../evaluation/scoring.ts';
import { type StepStats, Stepper } from './step.ts';
import { EventFile } from '../runs/tensorboard.ts';
import type { TrainerOptions, TrainingResult } from './trainer-options.ts';

/**
 * Trains `options.method` in place, and writes checkpoint and metrics into the folder as it goes.
 * @throws FormatError when there are no pictures, or the checkpoint belongs to something else; DivergedError when the
 * loss, what is learnt or the optimizer's state is not finite: then the last checkpoint stays as it was
 */
export async function trainPrompts(options: TrainerOptions): Promise<TrainingResult> {
  using trainer = new Trainer(options);
  return await trainer.run();
}

class Trainer {
  private readonly stepper: Stepper;
  private readonly learning: Learning;
  private readonly updates: number;
  private readonly group: number;
  private readonly events: EventFile | undefined;
  private readonly budget: Budget;
  private position: Position;
  /** When this session began, less the seconds of earlier ones. */
  private begun = performance.now();
  private savedAt = performance.now();
  private readonly pace = new Pace();

  constructor(private readonly options: TrainerOptions) {
    const { clip, method, settings, config, train, marks } = options;
    const { updates, group } = updatesOf(train.length, settings.batchSize, config.accumulate);
    if (updates === 0) throw new FormatError('training', 'there are no training pictures', 'give some');
    if (config.patience > 0 && options.val.length === 0)
      throw new FormatError(
        'training',
        'there are no validation pictures to stop early by',
        'set patience to 0, or give a val folder',
      );
    [this.updates, this.group] = [updates, group];
    this.budget = options.budget ?? budgetOf(config.memory, clip.device);
    this.stepper = new Stepper(clip.device, method, settings, group);
    this.events = config.tensorboard ? new EventFile(options.folder.path) : undefined;
    const best = new Map<string, Tensor>();
    if (config.patience > 0)
      for (const [name, { shape }] of method.learnable) best.set(name, keep(zeros(shape, { device: clip.device })));
    const optimizer = this.stepper.optimizer as unknown as Learning['optimizer'];
    this.learning = { method, optimizer, best, sums: this.stepper.sums };
    this.position = { format: 2, marks, epoch: 0, step: 0, seconds: 0, metricsBytes: 0, curve: NO_CURVE };
  }

  async run(): Promise<TrainingResult> {
    const { settings, folder, resume, marks } = this.options;
    if (resume) {
      const extent: Extent = { epochs: settings.epochs, updates: this.updates };
      const { path } = await findCheckpoint(folder, marks, extent);
      this.position = await loadCheckpoint(path, this.learning, marks, extent);
      await folder.cutMetrics(this.position.metricsBytes);
      this.stepper.tally = this.position.curve;
      this.begun -= this.position.seconds * 1000;
      this.options.method.rematerialize(this.position.rematerialization ?? KEEP_ALL);
    } else {
      await folder.cutMetrics(0);
      this.choose();
      await this.save({});
    }
    const { epochs } = settings;
    while (this.position.epoch < epochs && this.position.stoppedAfter === undefined) {
      const isWhole = await this.epoch(this.position.epoch, epochs);
      if (!isWhole) return this.result(true);
    }
    if (this.position.best) this.copyBest((own, best) => copyInto(own, best));
    return this.result(false);
  }

  private choose(): void {
    const { clip, settings, train, onChoice } = this.options;
    const { size } = clip.config.image;
    const choice = this.stepper.choose(this.budget, [Math.min(settings.batchSize, train.length), 3, size, size]);
    this.position = { ...this.position, rematerialization: choice.rematerialization };
    onChoice?.(choice);
  }

  /** @returns false when it was asked to stop on the way */
  private async epoch(epoch: number, epochs: number): Promise<boolean> {
    const { loader, train, settings, signal } = this.options;
    const { updates, group } = this;
    const schedule = scheduleOf(settings);
    const started = performance.now();
    const { curve } = this.position;
    const total = { ...curve.epoch };
    let step = this.position.step;
    let [lr, read] = [0, curve.read];
    let measured = step;
    this.pace.restart();
    const batches = loader.epoch(train, { batch: settings.batchSize, epoch, from: step * group });
    for await (const own of groups(batches, group)) {
      lr = schedule({ epoch, step, steps: updates });
      this.stepper.step(own, lr);
      step += 1;
      const isLast = step === updates;
      const isDue = performance.now() - this.savedAt > this.options.config.checkpointSeconds * 1000;
      // The first reading comes at once: it tells that compiling is over and training runs. When a checkpoint is written does not count, so
      // that the curve of a run that was stopped is that of one that was not.
      if (isLast || step === 1 || step - read >= this.options.config.logEvery) {
        const stats = await this.diverging({ epoch, step: step - 1, lr }, 'the loss is not finite', () => this.stepper.read());
        const imagesPerSecond = this.pace.measure((step - measured) * group * settings.batchSize);
        [read, measured] = [step, step];
        addStats(total, stats);
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

  private async finishEpoch(epoch: number, lr: number, total: StepTotal, seconds: number): Promise<void> {
    const { folder, onEpoch, config } = this.options;
    const mean = { loss: total.loss / total.batches, accuracy: total.accuracy / total.batches };
    const place = { epoch, step: this.updates - 1, lr };
    const { loss } = mean;
    // What is validated, and may be kept as the best, is asked before: a last update may overflow while its loss was finite.
    if (config.patience > 0) await this.diverging(place, LEARNT, () => this.expectFinite(), loss);
    const valAccuracy = config.patience > 0 ? await this.diverging(place, COMPUTED, () => this.validate(), loss) : undefined;
    const line = { kind: 'epoch', epoch, ...mean, lr, seconds, ...(valAccuracy !== undefined && { valAccuracy }) } as const;
    const metricsBytes = await folder.appendMetrics([line]);
    if (valAccuracy !== undefined) await this.events?.add((epoch + 1) * this.updates - 1, { 'val/accuracy': valAccuracy });
    onEpoch?.(line);
    let { best, stoppedAfter } = this.position;
    if (valAccuracy !== undefined) {
      if (!best || valAccuracy > best.accuracy) {
        best = { accuracy: valAccuracy, epoch };
        this.copyBest((own, copy) => copyInto(copy, own));
      } else if (epoch - best.epoch >= config.patience) stoppedAfter = epoch;
    }
    const next = { epoch: epoch + 1, step: 0, metricsBytes, curve: NO_CURVE, ...(best && { best }) };
    await this.save({ ...next, ...(stoppedAfter !== undefined && { stoppedAfter }) }, { lr, loss });
  }

  /** What `body` gives; a number that is not finite in it is told as a divergence at `place`. */
  private async diverging<T>(
    place: Pick<Divergence, 'epoch' | 'step' | 'lr'>,
    what: string,
    body: () => Promise<T>,
    loss = Number.NaN,
  ): Promise<T> {
    try {
      return await body();
    } catch (cause) {
      if (!(cause instanceof NotFiniteError)) throw cause;
      throw new DivergedError({ ...place, askedLr: this.options.settings.lr, loss: String(loss), what }, this.reached(), {
        cause,
      });
    }
  }

  private async expectFinite(): Promise<void> {
    const { method, clip } = this.options;
    await expectFinite('training', 'what is learnt', [...method.learnable, ...method.state], clip.device, '');
  }

  private async validate(): Promise<number> {
    const { clip, method, loader, val, config } = this.options;
    const batch = scoringBatch(clip, config.evaluationBatch, method, this.budget);
    const scores = await scoreMethod(clip, method, loader, val, { batch });
    return metricsOfScores(scores, method.classNames.length).accuracy;
  }

  private copyBest(copy: (own: Tensor, best: Tensor) => void): void {
    for (const [name, best] of this.learning.best) {
      const own = this.options.method.learnable.get(name);
      if (own && own.size > 0) copy(own, best);
    }
  }

  private async log(now: LogEntry): Promise<void> {
    const { clip, folder, onProgress } = this.options;
    const { epoch, epochs, step, stats, lr, imagesPerSecond } = now;
    const { loss, accuracy, terms } = stats;
    const bytes = clip.device.memory().totalBytes;
    const { updates } = this;
    const line = {
      kind: 'step',
      epoch,
      step: epoch * updates + step - 1,
      loss,
      accuracy,
      lr,
      ...(terms && { terms }),
      imagesPerSecond,
      bytes,
    } as const;
    this.position = { ...this.position, metricsBytes: await folder.appendMetrics([line]) };
    await this.events?.add(line.step, { 'train/loss': loss, 'train/accuracy': accuracy, lr });
    const picturesToGo = ((epochs - epoch) * updates - step) * this.group * this.options.settings.batchSize;
    onProgress?.({
      epoch,
      epochs,
      step,
      steps: updates,
      loss,
      accuracy,
      lr,
      imagesPerSecond,
      bytes,
      eta: this.pace.isKnown ? picturesToGo / imagesPerSecond : Number.POSITIVE_INFINITY,
    });
  }

  /** Rate and mean loss are those of the last update, to be told if its result is not finite. */
  private async save(
    change: Partial<Position>,
    { lr = 0, loss = Number.NaN }: { lr?: number; loss?: number } = {},
  ): Promise<void> {
    const position = { ...this.position, ...change, seconds: (performance.now() - this.begun) / 1000 };
    const [epoch, step] =
      position.step > 0 ? [position.epoch, position.step - 1] : [Math.max(0, position.epoch - 1), this.updates - 1];
    const { folder, expectWriter } = this.options;
    await expectWriter?.();
    await folder.syncMetrics();
    const previous = folder.file('previous');
    const write = () => writeCheckpoint(folder.file('checkpoint'), this.learning, position, { previous });
    await this.diverging({ epoch, step, lr }, LEARNT, write, loss);
    this.position = position;
    this.savedAt = performance.now();
  }

  private result(isStopped: boolean): TrainingResult {
    const { stoppedAfter } = this.position;
    return { ...this.reached(), isStopped, ...(stoppedAfter !== undefined && { stoppedEarlyAt: stoppedAfter }) };
  }

  private reached() {
    const { epoch, seconds } = this.position;
    const { peakBytes } = this.options.clip.device.memory();
    return { epochsDone: epoch, stepsPerEpoch: this.updates, seconds, peakBytes };
  }

  [Symbol.dispose](): void {
    this.stepper.dispose();
    for (const best of this.learning.best.values()) best.dispose();
  }
}

const LEARNT = 'what is learnt, or the state of the optimizer, is not finite after the update';
const COMPUTED = 'what is computed from the learnt prompts is not finite';

type StepTotal = { batches: number; loss: number; accuracy: number };

interface LogEntry {
  readonly epoch: number;
  readonly epochs: number;
  readonly step: number;
  readonly stats: StepStats;
  readonly lr: number;
  readonly imagesPerSecond: number;
}

function addStats(total: StepTotal, { batches, loss, accuracy }: StepStats): void {
  total.batches += batches;
  total.loss += loss * batches;
  total.accuracy += accuracy * batches;
}
