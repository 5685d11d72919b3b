/** The training of prompts: epochs of steps, readings, checkpoints, early stopping. */
import type { Clip } from '@mudpt/clip';
import { copyInto, FormatError, keep, type Tensor, zeros } from '@mudpt/tensor';
import type { BatchLoader, Item } from '../data/index.ts';
import { KEEP_ALL, type PromptMethod, type TrainingSettings } from '../methods/index.ts';
import { type Learning, loadCheckpoint, type Position, writeCheckpoint } from './checkpoint.ts';
import type { RunConfig } from './config.ts';
import { budgetOf } from './budget.ts';
import type { Budget, StepChoice } from './memory.ts';
import { groups, Pace, updatesOf } from './pace.ts';
import type { MetricsLine } from './records.ts';
import type { RunFolder } from './run-folder.ts';
import { scheduleOf } from './schedule.ts';
import { metricsOfScores, scoreMethod, scoringBatch } from './scoring.ts';
import { type StepStats, Stepper } from './step.ts';
import { EventFile } from './tensorboard.ts';

/** Where training stands, for a progress line. */
export interface TrainingProgress {
  readonly epoch: number;
  readonly epochs: number;
  /** Steps of this epoch that are done. */
  readonly step: number;
  readonly steps: number;
  readonly loss: number;
  /** On the training pictures of the last steps, in percent. */
  readonly accuracy: number;
  readonly lr: number;
  readonly imagesPerSecond: number;
  /** GPU memory held. */
  readonly bytes: number;
  /** Seconds to go; infinite while nothing is known. */
  readonly eta: number;
}

export interface TrainerOptions {
  readonly clip: Clip;
  readonly method: PromptMethod;
  readonly loader: BatchLoader;
  /** Readable ones: see `BatchLoader.check`. */
  readonly train: readonly Item[];
  readonly val: readonly Item[];
  readonly config: RunConfig;
  readonly settings: TrainingSettings;
  readonly folder: RunFolder;
  /** What a checkpoint must belong to. */
  readonly belongs: Pick<Position, 'identity' | 'pictures' | 'model'>;
  /** Go on from the folder's checkpoint. */
  readonly resume: boolean;
  /** Default: what the configuration says. */
  readonly budget?: Budget;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: TrainingProgress) => void) | undefined;
  /** How a new run's steps will run. */
  readonly onChoice?: ((choice: StepChoice) => void) | undefined;
  readonly onEpoch?: ((line: MetricsLine & { kind: 'epoch' }) => void) | undefined;
}

export interface TrainingResult {
  readonly epochsDone: number;
  readonly stepsPerEpoch: number;
  readonly seconds: number;
  readonly peakBytes: number;
  /** The signal was aborted: the checkpoint holds what was reached. */
  readonly isStopped: boolean;
  readonly stoppedEarlyAt?: number;
}

/**
 * Trains `options.method` in place, and writes checkpoint and metrics into the folder as it goes.
 * @throws FormatError when there are no pictures, or the checkpoint belongs to something else; TensorError when the loss is not finite
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
    const { clip, method, settings, config, train, belongs } = options;
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
    this.learning = { method, optimizer: this.stepper.optimizer as unknown as Learning['optimizer'], best };
    this.position = { format: 1, ...belongs, epoch: 0, step: 0, seconds: 0, metricsBytes: 0 };
  }

  async run(): Promise<TrainingResult> {
    const { settings, folder, resume, belongs } = this.options;
    if (resume) {
      this.position = await loadCheckpoint(folder.file('checkpoint'), this.learning, belongs);
      await folder.cutMetrics(this.position.metricsBytes);
      this.begun -= this.position.seconds * 1000;
      this.options.method.economise(this.position.economy ?? KEEP_ALL);
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
    this.position = { ...this.position, economy: choice.economy };
    onChoice?.(choice);
  }

  /** @returns false when it was asked to stop on the way */
  private async epoch(epoch: number, epochs: number): Promise<boolean> {
    const { loader, train, settings, signal } = this.options;
    const { updates, group } = this;
    const schedule = scheduleOf(settings);
    const started = performance.now();
    const total = { batches: 0, loss: 0, accuracy: 0 };
    let step = this.position.step;
    let [lr, read] = [0, step];
    this.pace.restart();
    const batches = loader.epoch(train, { batch: settings.batchSize, epoch, from: step * group });
    for await (const own of groups(batches, group)) {
      lr = schedule({ epoch, step, steps: updates });
      this.stepper.step(own, lr);
      step += 1;
      const isLast = step === updates;
      const isAsked = signal?.aborted === true;
      const isDue = performance.now() - this.savedAt > this.options.config.checkpointSeconds * 1000;
      // The first reading comes at once: it tells that compiling is over and training runs.
      if (isLast || isAsked || isDue || step === 1 || step - read >= this.options.config.logEvery) {
        const stats = await this.stepper.read();
        const imagesPerSecond = this.pace.measure((step - read) * group * settings.batchSize);
        read = step;
        addStats(total, stats);
        await this.log({ epoch, epochs, step, stats, lr, imagesPerSecond });
        if ((isAsked || isDue) && !isLast) await this.save({ step });
        if (isAsked && !isLast) return false;
      }
      if (isLast) break;
    }
    this.options.method.endEpoch?.(epoch, epochs);
    await this.finishEpoch(epoch, lr, total, (performance.now() - started) / 1000);
    return signal?.aborted !== true || epoch + 1 === epochs;
  }

  private async finishEpoch(epoch: number, lr: number, total: StepTotal, seconds: number): Promise<void> {
    const { folder, onEpoch, config } = this.options;
    const mean = { loss: total.loss / total.batches, accuracy: total.accuracy / total.batches };
    const valAccuracy = config.patience > 0 ? await this.validate() : undefined;
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
    await this.save({
      epoch: epoch + 1,
      step: 0,
      metricsBytes,
      ...(best && { best }),
      ...(stoppedAfter !== undefined && { stoppedAfter }),
    });
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

  private async save(change: Partial<Position>): Promise<void> {
    const position = { ...this.position, ...change, seconds: (performance.now() - this.begun) / 1000 };
    await writeCheckpoint(this.options.folder.file('checkpoint'), this.learning, position);
    this.position = position;
    this.savedAt = performance.now();
  }

  private result(isStopped: boolean): TrainingResult {
    const { epoch, seconds, stoppedAfter } = this.position;
    return {
      epochsDone: epoch,
      stepsPerEpoch: this.updates,
      seconds,
      peakBytes: this.options.clip.device.memory().peakBytes,
      isStopped,
      ...(stoppedAfter !== undefined && { stoppedEarlyAt: stoppedAfter }),
    };
  }

  [Symbol.dispose](): void {
    this.stepper.dispose();
    for (const best of this.learning.best.values()) best.dispose();
  }
}

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
