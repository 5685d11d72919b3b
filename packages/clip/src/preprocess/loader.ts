/** Many images, in order, prepared ahead of their use by several threads. */
import { type ByteSourceInput, DisposedError, ShapeError } from '@mudpt/tensor';
import { processors, startWorkers } from '#platform';
import type { AugmentOptions } from './augment.ts';
import { cacheKey, type ImageCache } from './cache.ts';
import { type DecodeOptions, MAX_PIXELS, readImageFile } from './decode.ts';
import { CLIP_RESIZING, type Resizing } from './geometry.ts';
import type { Workers } from './platform.ts';
import type { ImageTask } from './task.ts';

/** How images are decoded, cropped and prepared, and by how many workers. */
export interface ImageLoaderOptions extends Omit<DecodeOptions, 'name'> {
  /** Side of the squares that come out, in pixels: the image tower's. */
  readonly size: number;
  /** Short side before the centre crop. Default `size`. */
  readonly resize?: number;
  /** How images become squares: a model's `config.resizing`. Default CLIP's. */
  readonly resizing?: Resizing | undefined;
  /** For training: a random crop and flip instead of the centre crop, the same for the same seed, epoch and index. */
  readonly augment?: AugmentOptions & { readonly seed: number };
  /** Threads (Node). 0 works on the calling thread, as browsers always do. Default: the processors, at most 8. */
  readonly workers?: number;
  /** How many images are prepared ahead. Default: twice the workers, at least 2. */
  readonly prefetch?: number;
  /** Keeps the squares, or where they are random the decoded images. Default: none. */
  readonly cache?: ImageCache;
}

/** Largest side of the squares. */
const MAX_SIDE = 2 ** 13;
const MAX_WORKERS = 256;

/** A path, URL, Blob, File or bytes. */
export type ImageSource = ByteSourceInput;

/** An image that is cropped and ready for the tower. */
export interface LoadedImage<Source extends ImageSource = ImageSource> {
  readonly source: Source;
  /** Its place in the sources, from 0. */
  readonly index: number;
  /** [size, size, 3] bytes; `normalize` makes f32 of them. They may be the cache's own: do not write to them. */
  readonly pixels: Uint8Array;
}

/** How one pass over images goes. */
export interface IterateOptions {
  /** Varies the augmentation. Default 0. */
  readonly epoch?: number;
  /** Its reason is thrown as soon as it is aborted; the outcome of work already begun is ignored. */
  readonly signal?: AbortSignal;
  /** Index by which the first source is augmented, when `sources` is a part of a data set. Default 0. */
  readonly firstIndex?: number;
}

/** Makes a loader. Threads start with the first image. */
export function createImageLoader(options: ImageLoaderOptions): ImageLoader {
  return new ImageLoader(options);
}

/** Images prepared for the image tower, by workers, ahead of their use. */
export class ImageLoader {
  private readonly options: Required<
    Pick<ImageLoaderOptions, 'size' | 'resize' | 'workers' | 'prefetch' | 'exif' | 'maxPixels'>
  > &
    ImageLoaderOptions;
  private workers: Promise<Workers> | undefined;
  private isClosed = false;

  constructor(options: ImageLoaderOptions) {
    const { size, resize = size, workers = Math.min(processors(), 8), prefetch = Math.max(2 * workers, 2) } = options;
    const counts: Record<string, [value: number, least: number, most: number]> = {
      size: [size, 1, MAX_SIDE],
      resize: [resize, size, MAX_SIDE],
      workers: [workers, 0, MAX_WORKERS],
      prefetch: [prefetch, 1, 2 ** 16],
    };
    for (const [name, [value, least, most]] of Object.entries(counts)) {
      if (Number.isSafeInteger(value) && value >= least && value <= most) continue;
      throw new ShapeError('createImageLoader', `${name} is ${value}`, `use a whole number from ${least} to ${most}`);
    }
    const { exif = 'ignore', maxPixels = MAX_PIXELS } = options;
    this.options = { ...options, size, resize, workers, prefetch, exif, maxPixels };
  }

  /**
   * One image as [size, size, 3] bytes.
   * @param options how it is augmented, and its name in errors: by default its path or address
   * @throws FormatError naming the file when it cannot be decoded
   */
  async load(
    source: ImageSource,
    { epoch = 0, index = 0, name: called }: { epoch?: number; index?: number; name?: string } = {},
  ): Promise<Uint8Array> {
    if (this.isClosed) throw new DisposedError('ImageLoader', 'the loader is closed', 'make another one');
    const { size, resize, resizing = CLIP_RESIZING, augment, exif, maxPixels, cache } = this.options;
    const { bytes, name } = await readImageFile(source, called);
    const task: ImageTask = {
      input: bytes,
      decode: { exif, maxPixels, name },
      size,
      resize,
      resizing,
      ...(augment && { augment: { ...augment, epoch, index } }),
      wantsDecoded: cache !== undefined && augment !== undefined,
    };
    if (cache === undefined) return (await this.run(task)).pixels;
    const key = await cacheKey(bytes, augment ? `decoded-${exif}` : `${resize}-${size}-${exif}${suffixOf(resizing)}`);
    const known = await cache.get(key);
    if (known !== undefined && augment === undefined) return known.data;
    const { pixels, decoded } = await this.run(known ? { ...task, input: known, wantsDecoded: false } : task);
    if (known === undefined) await cache.set(key, decoded ?? { width: size, height: size, data: pixels });
    return pixels;
  }

  /**
   * The images of `sources` in their order. At most `prefetch` are under way at a time, so sources may be endless. When one fails, those
   * before it are given first and then its error is thrown.
   */
  async *iterate<Source extends ImageSource>(
    sources: Iterable<Source> | AsyncIterable<Source>,
    { epoch = 0, signal, firstIndex = 0 }: IterateOptions = {},
  ): AsyncGenerator<LoadedImage<Source>, void, undefined> {
    signal?.throwIfAborted();
    const abortion = watch(signal);
    const iterator = Symbol.asyncIterator in sources ? sources[Symbol.asyncIterator]() : sources[Symbol.iterator]();
    const underway: Promise<LoadedImage<Source>>[] = [];
    let index = 0;
    let isOver = false;
    try {
      for (;;) {
        while (!isOver && underway.length < this.options.prefetch) {
          const next = await abortion.orElse(Promise.resolve(iterator.next()));
          if (next.done) isOver = true;
          else underway.push(this.prepare(next.value, index++, firstIndex, epoch));
        }
        const first = underway.shift();
        if (first === undefined) return;
        yield await abortion.orElse(first);
      }
    } finally {
      abortion.stop();
      // A source that waits for ever cannot be asked to stop, and must not delay the abort.
      if (!isOver) void Promise.resolve(iterator.return?.()).catch(() => undefined);
    }
  }

  /** Ends the threads, after the images they are at. */
  async close(): Promise<void> {
    this.isClosed = true;
    await (await this.workers)?.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  private prepare<Source extends ImageSource>(
    source: Source,
    index: number,
    firstIndex: number,
    epoch: number,
  ): Promise<LoadedImage<Source>> {
    const loading = this.load(source, { epoch, index: firstIndex + index }).then((pixels) => ({ source, index, pixels }));
    // The promise may reject before its turn comes, or when nobody waits any more; the rejection counts as handled, and awaiting it still throws.
    loading.catch(() => undefined);
    return loading;
  }

  private async run(task: ImageTask): ReturnType<Workers['run']> {
    const workers = await (this.workers ??= startWorkers(this.options.workers));
    return workers.run(task);
  }
}

/** The part of a cache key that separates squares made otherwise from CLIP's. */
function suffixOf({ mode, interpolation }: Resizing): string {
  const isClips = mode === CLIP_RESIZING.mode && interpolation === CLIP_RESIZING.interpolation;
  return isClips ? '' : `-${mode}-${interpolation}`;
}

/** Waits for promises until the signal is aborted. */
function watch(signal: AbortSignal | undefined): { orElse<T>(work: Promise<T>): Promise<T>; stop(): void } {
  if (signal === undefined) return { orElse: (work) => work, stop: () => undefined };
  let abort = () => {};
  const aborted = new Promise<never>((_, reject) => {
    abort = () => reject(signal.reason);
    signal.addEventListener('abort', abort, { once: true });
  });
  aborted.catch(() => undefined);
  return {
    orElse: (work) => {
      // Of two settled promises a race takes the first one given.
      signal.throwIfAborted();
      return Promise.race([work, aborted]);
    },
    stop: () => signal.removeEventListener('abort', abort),
  };
}
