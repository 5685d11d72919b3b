/** Keeps a run's training in its folder: the curve in `metrics.jsonl` and TensorBoard's events, the state in checkpoints. */
import type { Tensor } from '@mudpt/tensor';
import { LEARNT } from '../../train/state.ts';
import type { MetricsLine } from '../../train/metrics-line.ts';
import type { Extent, TrainingRecorder, TrainingState } from '../../train/state.ts';
import { CHECKPOINT_FORMAT, loadCheckpoint, writeCheckpoint } from '../files/checkpoint.ts';
import { EpochFiles, type KeptEpochs } from '../files/epoch-files.ts';
import { findCheckpoint } from '../files/generations.ts';
import type { RunMarks } from '../settings/identity.ts';
import type { RunFolder } from '../files/run-folder.ts';
import { EventFile } from '../files/tensorboard.ts';

export interface RecorderOptions {
  readonly folder: RunFolder;
  /** What a checkpoint must belong to. */
  readonly marks: RunMarks;
  /** Go on from the folder's checkpoint. */
  readonly resume: boolean;
  /** Write TensorBoard's events too. */
  readonly tensorboard?: boolean;
  /** How many of the last epochs are kept with their learnt tensors. Default: none. */
  readonly keepEpochs?: KeptEpochs | undefined;
  /** Called before each checkpoint; throws when this process may no longer write the run. */
  readonly expectWriter?: (() => Promise<void>) | undefined;
}

export class RunRecorder implements TrainingRecorder {
  private metricsBytes = 0;
  private readonly events: EventFile | undefined;
  private readonly epochs: EpochFiles;

  constructor(private readonly options: RecorderOptions) {
    this.epochs = new EpochFiles(options.folder.file('epochs'), options.marks);
    this.events = options.tensorboard ? new EventFile(options.folder.path) : undefined;
  }

  /** @throws InputError, FormatError as {@link findCheckpoint} and {@link loadCheckpoint} */
  async restore(tensors: ReadonlyMap<string, Tensor>, extent: Extent): Promise<TrainingState | undefined> {
    const { folder, marks, resume } = this.options;
    if (!resume) {
      await folder.metrics.cut(0);
      await this.epochs.cut(0);
      return undefined;
    }
    const { path } = await findCheckpoint(folder, marks, extent);
    const { format: _f, marks: _m, metricsBytes, ...state } = await loadCheckpoint(path, tensors, marks, extent);
    await folder.metrics.cut(metricsBytes);
    await this.epochs.cut(state.epoch);
    this.metricsBytes = metricsBytes;
    return state;
  }

  async log(line: MetricsLine, step: number): Promise<void> {
    this.metricsBytes = await this.options.folder.metrics.append([line]);
    const scalars = scalarsOf(line);
    if (Object.keys(scalars).length > 0) await this.events?.add(step, scalars);
  }

  async save(tensors: ReadonlyMap<string, Tensor>, state: TrainingState): Promise<void> {
    const { folder, marks, expectWriter, keepEpochs = 0 } = this.options;
    await expectWriter?.();
    // Before the checkpoint, so that each epoch it has passed is there: one that is done again is written again, with the same bits.
    if (state.epoch > 0 && state.step === 0) await this.epochs.keep(state.epoch, learntOf(tensors), keepEpochs);
    // A checkpoint records the length of the metrics, so these must reach the disk first.
    await folder.metrics.sync();
    const position = { format: CHECKPOINT_FORMAT, marks, metricsBytes: this.metricsBytes, ...state } as const;
    await writeCheckpoint(folder.file('checkpoint'), tensors, position, { previous: folder.file('previous') });
  }
}

function learntOf(tensors: ReadonlyMap<string, Tensor>): Map<string, Tensor> {
  return new Map([...tensors].flatMap(([name, one]) => (name.startsWith(LEARNT) ? [[name.slice(LEARNT.length), one]] : [])));
}

function scalarsOf(line: MetricsLine): Record<string, number> {
  if (line.kind === 'step') return { 'train/loss': line.loss, 'train/accuracy': line.accuracy, lr: line.lr };
  const { valAccuracy, newAccuracy } = line;
  return {
    ...(valAccuracy !== undefined && { 'val/accuracy': valAccuracy }),
    ...(newAccuracy !== undefined && { 'new/accuracy': newAccuracy }),
  };
}
