/** The batch loader: images decoded ahead, augmented for training; unreadable ones are skipped and recorded. */
import {
  type AugmentOptions,
  createImageLoader,
  type ImageLoader,
  memoryCache,
  type Normalization,
  normalize,
  type Resizing,
} from '@mudpt/clip';
import { FormatError, InputError } from '@mudpt/tensor';
import type { Item } from './dataset.ts';
import { epochOrder, stepsPerEpoch } from './sampling.ts';

/** How items become batches of images. */
export interface BatchLoaderOptions {
  /** Side of the squares, in pixels: the image tower's. */
  readonly size: number;
  /** Mean and deviation of the model's pictures. Default CLIP's. */
  readonly normalization?: Normalization;
  /** How the model's images become squares: its `config.resizing`. Default CLIP's. */
  readonly resizing?: Resizing;
  /** Seed of order and augmentation. Default 0. */
  readonly seed?: number;
  /** The random crop; false takes the centre in training too. Default `RandomResizedCrop` and flip as CLIP is tuned with. */
  readonly augment?: AugmentOptions | false;
  /** Threads that decode, see `createImageLoader`. 0 is best where the adapter itself computes on the processor. */
  readonly workers?: number;
  /** Whether images are rotated by the camera's tag, see `DecodeOptions`. Default `ignore`. */
  readonly exif?: 'ignore' | 'apply';
  /** Decoded training pictures kept in memory, in bytes. Default 512 MiB. */
  readonly cacheBytes?: number;
}

/** Images and labels that go through a step at once. */
export interface Batch {
  /** Normalised, in `shape`; or what a frozen part of the model has made of them. */
  readonly images: Float32Array;
  /** The second random view of each image, in the same shape; absent unless two views were asked for. */
  readonly images2?: Float32Array;
  /** Shape of `images`: [items, 3, size, size]; of precomputed inputs [items, width]. */
  readonly shape: readonly [count: number, ...sizes: number[]];
  /** [items] */
  readonly labels: Int32Array;
  readonly items: readonly Item[];
}

/** A picture that could not be decoded, and why. */
export interface Unreadable {
  readonly id: string;
  readonly why: string;
}

/** Added to the index of an image for the random numbers of its second view, so that no first view uses them. */
const SECOND_VIEW = 2 ** 51;

/** How many pictures are prepared ahead of their use. */
const AHEAD = 16;

/**
 * Makes batches. What a training batch holds depends on (seed, epoch, step) alone, so those three numbers are all that resuming needs:
 * not on threads, on timing, or on earlier batches.
 */
export class BatchLoader {
  private readonly training: ImageLoader;
  private readonly plain: ImageLoader;
  private readonly bad = new Map<string, Unreadable>();
  private readonly seed: number;

  constructor(private readonly options: BatchLoaderOptions) {
    const { size, seed = 0, augment = {}, workers, exif, cacheBytes = 2 ** 29, resizing } = options;
    const common = { size, workers, resizing, ...(exif && { exif }) };
    this.seed = seed;
    const cache = memoryCache({ maxBytes: cacheBytes });
    this.plain = createImageLoader(common);
    this.training = createImageLoader({ ...common, cache, ...(augment && { augment: { ...augment, seed } }) });
  }

  /** Images that could not be read so far, sorted by name, because their order of arrival depends on timing. */
  get unreadable(): readonly Unreadable[] {
    return [...this.bad.values()].sort((a, b) => (a.id < b.id ? -1 : 1));
  }

  /**
   * Decodes training pictures once, which fills the cache, and returns those that can be read. Training on them then never meets an
   * unreadable one, and batches keep their size.
   * @param onProgress called with the number of pictures done
   * @throws the signal's reason when it is aborted
   */
  async check(
    items: readonly Item[],
    onProgress: (done: number) => void = () => undefined,
    signal?: AbortSignal,
  ): Promise<Item[]> {
    const readable: Item[] = [];
    let done = 0;
    for await (const loaded of this.load(this.training, items, { epoch: 0, first: 0 })) {
      signal?.throwIfAborted();
      if (loaded.pixels) readable.push(loaded.item);
      onProgress(++done);
    }
    return readable;
  }

  /**
   * The batches of one epoch, shuffled, an incomplete last one dropped (unless it is the only one).
   * @param from first step to give: an epoch that was interrupted goes on there
   * @param views 2: each image is augmented twice; the first view is the one that it would have alone
   * @throws FormatError when a picture cannot be read that {@link check} could read
   */
  async *epoch(
    items: readonly Item[],
    { batch, epoch, from = 0, views = 1 }: { batch: number; epoch: number; from?: number; views?: 1 | 2 },
  ): AsyncGenerator<Batch> {
    const count = Math.min(stepsPerEpoch(items.length, batch) * batch, items.length);
    const first = from * batch;
    const order = epochOrder(items.length, this.seed, epoch)
      .slice(first, count)
      .map((index) => items[index] as Item);
    yield* this.batches(this.load(this.training, order, { epoch, first, views }), batch, ({ item, why }) => {
      throw new FormatError(
        'loader',
        `${item.id} cannot be read any more: ${why}`,
        'leave pictures in place while training runs, then resume',
      );
    });
  }

  /** All items in their order, each under a random crop and flip, for features averaged over augmentations. */
  async *augmented(items: readonly Item[], { batch, epoch }: { batch: number; epoch: number }): AsyncGenerator<Batch> {
    yield* this.batches(this.load(this.training, items, { epoch, first: 0 }), batch, () => undefined);
  }

  /** All items in their order, centre-cropped; the last batch may be smaller. Unreadable ones are left out, see {@link unreadable}. */
  async *inOrder(items: readonly Item[], batch: number): AsyncGenerator<Batch> {
    yield* this.batches(this.load(this.plain, items, { epoch: 0, first: 0 }), batch, () => undefined);
  }

  async close(): Promise<void> {
    await Promise.all([this.training.close(), this.plain.close()]);
  }

  private async *load(
    loader: ImageLoader,
    items: readonly Item[],
    { epoch, first, views = 1 }: { epoch: number; first: number; views?: 1 | 2 },
  ): AsyncGenerator<Loaded> {
    const offsets = views === 2 ? [0, SECOND_VIEW] : [0];
    const start = (index: number): Promise<Loaded> | undefined => {
      const item = items[index];
      if (!item) return undefined;
      const loading = Promise.all(
        offsets.map((offset) => loader.load(item.image, { epoch, index: offset + first + index })),
      ).then(
        ([pixels, pixels2]): Loaded => ({ item, ...(pixels && { pixels }), ...(pixels2 && { pixels2 }) }),
        (error: unknown): Loaded => ({ item, why: this.remember(item, error) }),
      );
      // The promise may reject before its turn comes, or after the caller has stopped; the rejection counts as handled, and awaiting it still throws.
      loading.catch(() => undefined);
      return loading;
    };
    const underway = Array.from({ length: AHEAD }, (_, index) => start(index));
    for (let index = 0; index < items.length; index++) {
      const loaded = await underway[index % AHEAD];
      underway[index % AHEAD] = start(index + AHEAD);
      if (loaded) yield loaded;
    }
  }

  /** Records an error about one image; any other error is rethrown. */
  private remember(item: Item, error: unknown): string {
    if (!(error instanceof FormatError || error instanceof InputError)) throw error;
    this.bad.set(item.id, { id: item.id, why: error.problem });
    return error.problem;
  }

  private async *batches(loading: AsyncIterable<Loaded>, size: number, onBad: (loaded: Loaded) => void): AsyncGenerator<Batch> {
    let items: Item[] = [];
    let pixels: Uint8Array[] = [];
    let pixels2: Uint8Array[] = [];
    const make = (): Batch => {
      const { size: side, normalization } = this.options;
      const images = normalize(pixels, side, normalization);
      const second = pixels2.length > 0 && { images2: normalize(pixels2, side, normalization) };
      return {
        images,
        ...second,
        shape: [items.length, 3, side, side],
        labels: Int32Array.from(items, ({ label }) => label),
        items,
      };
    };
    for await (const loaded of loading) {
      if (!loaded.pixels) {
        onBad(loaded);
        continue;
      }
      items.push(loaded.item);
      pixels.push(loaded.pixels);
      if (loaded.pixels2) pixels2.push(loaded.pixels2);
      if (items.length < size) continue;
      yield make();
      [items, pixels, pixels2] = [[], [], []];
    }
    if (items.length > 0) yield make();
  }
}

interface Loaded {
  readonly item: Item;
  readonly pixels?: Uint8Array;
  readonly pixels2?: Uint8Array;
  readonly why?: string;
}
