/** Training over epochs: updates, means, validation, early stopping, and where to go on. */
import { TensorError } from '@mudpt/tensor/functions';
import { Plateau } from '../optim/plateau.ts';
import type { Progress } from '../optim/schedule.ts';
import type {
  Batch,
  BatchSource,
  EpochReport,
  EpochSource,
  FitOptions,
  FitResult,
  FitState,
  Means,
  Watch,
} from './fit-options.ts';
import { Steps } from './steps.ts';

const BEGINNING: FitState = { epoch: 0, step: 0, batch: 0, sums: {}, examples: 0, best: null, waited: 0 };

/**
 * Trains: the parameters of `optimizer` by `loss` of the batches of `data`, for `epochs`. The step is captured at the first batch of each shape; losses are
 * added up on the device and read once an epoch, and for `onStep`.
 *
 * ```ts
 * const { history } = await fit({
 *   module: model,
 *   loss: ({ x, y }) => crossEntropy(model.forward(x), y),
 *   optimizer: new AdamW(model.parameters(), { lr: 1e-3 }),
 *   data: new DataLoader(items, { batchSize: 32, shuffle: true, dtypes: { y: 'i32' } }),
 *   epochs: 10,
 * });
 * ```
 * A run that was aborted and goes on from its state, with the tensors of that moment, ends with the bits of one that was not, if its data do not depend on more
 * than the epoch.
 * @throws TensorError when a mean loss is not finite, an epoch has no batches, or the watched value is none of those that are known
 */
export async function fit<B extends Batch>(options: FitOptions<B>): Promise<FitResult> {
  using steps = new Steps(options);
  return await new Fit(options, steps).run();
}

class Fit<B extends Batch> {
  private readonly history: Omit<EpochReport, 'state'>[] = [];
  private state: FitState;
  private lr: number | undefined;

  constructor(
    private readonly options: FitOptions<B>,
    private readonly steps: Steps<B>,
  ) {
    this.state = options.state ?? BEGINNING;
    const { schedule } = options;
    if (schedule instanceof Plateau && this.state.plateau) schedule.state = this.state.plateau;
  }

  async run(): Promise<FitResult> {
    const { epochs, earlyStopping, signal } = this.options;
    const isOver = (): boolean => earlyStopping !== undefined && this.state.waited >= earlyStopping.patience;
    while (this.state.epoch < epochs) {
      if (isOver()) return this.result('early');
      if (signal?.aborted || !(await this.epoch())) return this.result('aborted');
    }
    return this.result(isOver() ? 'early' : 'epochs');
  }

  /** @returns false when it was aborted on the way */
  private async epoch(): Promise<boolean> {
    const { module, data, accumulate = 1, signal, every = 10, onStep, seed = 0 } = this.options;
    const { sums } = this.steps;
    const { epoch } = this.state;
    const started = performance.now();
    let { step, batch } = this.state;
    sums.restart(this.state.sums, this.state.examples);
    module?.train();
    let waiting = 0;
    const finish = async (): Promise<void> => {
      this.steps.finish(waiting, this.lr);
      [step, waiting] = [step + 1, 0];
      if (onStep && step % every === 0) await onStep({ epoch, step, train: await sums.means(), lr: this.lr });
    };
    for await (const one of batchesOf(data, epoch, batch)) {
      if (waiting === 0) this.lr = this.rate(epoch, step);
      this.steps.train(one, seedOf(seed, epoch, batch), this.lr);
      [batch, waiting] = [batch + 1, waiting + 1];
      if (waiting < accumulate) continue;
      await finish();
      if (!signal?.aborted) continue;
      this.state = { ...this.state, step, batch, sums: await sums.read(), examples: sums.examples };
      return false;
    }
    if (waiting > 0) await finish();
    if (step === 0) throw new TensorError('fit', `epoch ${epoch} has no batches`, 'give data that can be read in every epoch');
    await this.report(epoch, await sums.means(), started);
    return true;
  }

  private async report(epoch: number, train: Means, started: number): Promise<void> {
    const { schedule, onEpoch } = this.options;
    const validation = await this.validate(epoch);
    const value = this.watched(validation ?? train);
    const { mode = 'min' }: Watch = this.options.watch ?? {};
    const { best } = this.state;
    // A NaN is never the best: nothing would be better than it.
    const isBest = !Number.isNaN(value) && (best === null || (mode === 'min' ? value < best : value > best));
    if (schedule instanceof Plateau) schedule.observe(value);
    this.state = {
      ...BEGINNING,
      epoch: epoch + 1,
      best: isBest ? value : best,
      waited: isBest ? 0 : this.state.waited + 1,
      ...(schedule instanceof Plateau && { plateau: schedule.state }),
    };
    const seconds = (performance.now() - started) / 1000;
    const line = { epoch, train, ...(validation && { validation }), lr: this.lr, seconds, isBest };
    this.history.push(line);
    await onEpoch?.({ ...line, state: this.state });
  }

  private async validate(epoch: number): Promise<Means | undefined> {
    const { module, validation } = this.options;
    if (!validation) return undefined;
    const { sums } = this.steps;
    sums.restart();
    module?.eval();
    for await (const batch of batchesOf(validation.data, epoch, 0)) this.steps.evaluate(batch);
    module?.train();
    if (sums.examples === 0) throw new TensorError('fit', 'validation has no batches', 'give some, or leave it out');
    return await sums.means();
  }

  private watched(means: Means): number {
    const { name = 'loss' }: Watch = this.options.watch ?? {};
    const value = means[name];
    if (value !== undefined) return value;
    throw new TensorError('fit', `there is no ${name} to watch`, `watch ${Object.keys(means).join(' or ')}`);
  }

  private rate(epoch: number, step: number): number | undefined {
    const { schedule, data, accumulate = 1 } = this.options;
    if (!schedule) return undefined;
    if (schedule instanceof Plateau) return schedule.lr;
    const batches = isSource(data) ? data.length : Array.isArray(data) ? data.length : undefined;
    const progress: Progress = {
      epoch,
      step,
      get steps() {
        if (batches !== undefined) return Math.ceil(batches / accumulate);
        throw new TensorError(
          'fit',
          'the schedule counts steps, and the data do not tell how many an epoch has',
          'give a DataLoader of an array, or a schedule by epochs',
        );
      },
    };
    return schedule(progress);
  }

  private result(ended: FitResult['ended']): FitResult {
    return { history: this.history, state: this.state, ended };
  }
}

function isSource<B>(data: BatchSource<B>): data is EpochSource<B> {
  return typeof data === 'object' && 'epoch' in data;
}

async function* batchesOf<B>(data: BatchSource<B>, epoch: number, from: number): AsyncGenerator<B, void, undefined> {
  if (isSource(data)) return yield* data.epoch(epoch, from);
  let at = 0;
  for await (const batch of typeof data === 'function' ? data(epoch) : data) if (at++ >= from) yield batch;
}

/** One u32 for every batch of every epoch. */
function seedOf(seed: number, epoch: number, batch: number): number {
  let hash = seed >>> 0;
  for (const part of [epoch, batch]) hash = Math.imul(hash ^ (part + 0x9e3779b9), 0x85ebca6b) ^ (hash >>> 13);
  return hash >>> 0;
}
