/** The inputs of an epoch's steps: images, or outputs of a frozen part of the model, computed once for each augmentation. */
import { scope, tensor } from '@mudpt/tensor';
import type { Clip } from '@mudpt/clip';
import type { Batch, BatchLoader, Item } from '../data/index.ts';
import type { FrozenInputs, PromptMethod } from '../methods/index.ts';

/** Most bytes of inputs that are kept; more are computed again, with the same numbers. */
const MOST_BYTES = 2 ** 30;

/** Shape of a step's input for so many images. */
export function stepShape({ inputs }: Pick<PromptMethod, 'inputs'>, images: number, size: number): readonly number[] {
  return inputs ? [images, inputs.width] : [images, 3, size, size];
}

/** The source of step inputs, and how many images go through the frozen part at once. */
export interface StepInputsOptions {
  readonly clip: Clip;
  readonly method: Pick<PromptMethod, 'inputs' | 'views'>;
  readonly loader: BatchLoader;
  readonly evaluationBatch: number;
  readonly epochs: number;
}

/** Batches of the epochs of a training. */
export class StepInputs {
  /** Batches by augmentation, without pixels. */
  private readonly known = new Map<number, readonly Batch[]>();

  constructor(private readonly options: StepInputsOptions) {}

  /** As `BatchLoader.epoch`; the images of a method with frozen inputs are these, [count, width]. */
  async *epoch(
    items: readonly Item[],
    { batch, epoch, from = 0 }: { readonly batch: number; readonly epoch: number; readonly from?: number },
  ): AsyncGenerator<Batch> {
    const { loader, method, epochs } = this.options;
    const { inputs, views = 1 } = method;
    if (!inputs) {
      yield* loader.epoch(items, { batch, epoch, from, views });
      return;
    }
    const view = (epoch + 1) % inputs.views;
    const known = this.known.get(view);
    if (known) {
      yield* known.slice(from);
      return;
    }
    const isKept = from === 0 && inputs.views < epochs && 4 * inputs.views * items.length * inputs.width <= MOST_BYTES;
    const made: Batch[] = [];
    for await (const images of loader.epoch(items, { batch, epoch: view, from })) {
      const batchOfInputs = await this.computed(images, inputs);
      if (isKept) made.push(batchOfInputs);
      yield batchOfInputs;
    }
    if (isKept) this.known.set(view, made);
  }

  private async computed({ images, shape, labels, items }: Batch, inputs: FrozenInputs): Promise<Batch> {
    const { clip, evaluationBatch } = this.options;
    const [count, ...sizes] = shape;
    const pixels = sizes.reduce((product, size) => product * size, 1);
    const values = new Float32Array(count * inputs.width);
    for (let from = 0; from < count; from += evaluationBatch) {
      const part = Math.min(evaluationBatch, count - from);
      const given = images.subarray(from * pixels, (from + part) * pixels);
      using features = scope(() => inputs.of(tensor(given, { shape: [part, ...sizes], device: clip.device })));
      values.set((await features.data()) as Float32Array, from * inputs.width);
    }
    return { images: values, shape: [count, inputs.width], labels, items };
  }
}
