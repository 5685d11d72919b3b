/** Images of a shard, read and decoded ahead of their use, in batches. */
import { type ImageLoader, type Normalization, normalize } from '../preprocess/index.ts';
import { reasonOfImage, type ShardImage } from './image.ts';

export interface DecodedBatch {
  /** One entry an image of the shard, in its order; `why` where it could not be read. */
  readonly rows: readonly { readonly id: string; readonly why?: string }[];
  /** Normalised, [readable images, 3, size, size]. */
  readonly pixels: Float32Array;
  /** How much of the shard is read with it, from 0 to 1. */
  readonly part: number;
}

export interface BatchOptions {
  readonly loader: ImageLoader;
  /** Images a batch, those that cannot be read included. */
  readonly batch: number;
  /** Side of the squares. */
  readonly size: number;
  readonly normalization?: Normalization | undefined;
  readonly signal: AbortSignal;
}

/** Bytes of files that wait to be decoded, beyond which no further image is read. */
const WAITING_BYTES = 2 ** 28;

interface Underway {
  readonly image: ShardImage;
  readonly pixels: Promise<Uint8Array | { readonly why: string }>;
}

/**
 * What a batch holds follows from the shard and the batch size alone. In memory are four batches at most, and files of 256 MiB (or a larger
 * one) that wait for a thread.
 * @throws the signal's reason; errors of the shard itself
 */
export async function* decodedBatches(
  images: AsyncIterable<ShardImage>,
  { loader, batch, size, normalization, signal }: BatchOptions,
): AsyncGenerator<DecodedBatch, void, undefined> {
  const underway = new Ahead(images, loader, 2 * batch);
  try {
    for (;;) {
      const taken: Underway[] = [];
      while (taken.length < batch) {
        signal.throwIfAborted();
        const next = await underway.take();
        if (!next) break;
        taken.push(next);
      }
      const last = taken.at(-1);
      if (!last) return;
      const decoded = await Promise.all(taken.map(async ({ image: { id }, pixels }) => ({ id, pixels: await pixels })));
      const squares = decoded.flatMap(({ pixels }) => (pixels instanceof Uint8Array ? [pixels] : []));
      yield {
        rows: decoded.map(({ id, pixels }) => (pixels instanceof Uint8Array ? { id } : { id, why: pixels.why })),
        pixels: normalize(squares, size, normalization),
        part: last.image.part,
      };
    }
  } finally {
    await underway.close();
  }
}

/** Reads ahead while batches are computed, without waiting for the consumer. */
class Ahead {
  private readonly ready: Underway[] = [];
  private waitingBytes = 0;
  private isOver = false;
  private isClosed = false;
  /** Wakes the reader or the consumer: each waits for the other. */
  private wake: () => void = () => undefined;
  private changed = this.nextChange();
  private failure: { readonly error: unknown } | undefined;
  private readonly reading: Promise<void>;

  constructor(
    images: AsyncIterable<ShardImage>,
    private readonly loader: ImageLoader,
    private readonly most: number,
  ) {
    this.reading = this.read(images).catch((error: unknown) => {
      this.failure = { error };
      this.tell();
    });
  }

  /** The next batch; undefined after the last. */
  async take(): Promise<Underway | undefined> {
    for (;;) {
      const next = this.ready.shift();
      if (next) {
        this.tell();
        return next;
      }
      if (this.failure) throw this.failure.error;
      if (this.isOver) return undefined;
      await this.changed;
    }
  }

  async close(): Promise<void> {
    this.isClosed = true;
    this.tell();
    await this.reading;
    await Promise.allSettled(this.ready.map(({ pixels }) => pixels));
  }

  private async read(images: AsyncIterable<ShardImage>): Promise<void> {
    for await (const image of images) {
      this.ready.push({ image, pixels: this.decode(image) });
      this.tell();
      while (!this.isClosed && (this.ready.length >= this.most || this.waitingBytes > WAITING_BYTES)) await this.changed;
      if (this.isClosed) return;
    }
    this.isOver = true;
    this.tell();
  }

  private decode(image: ShardImage): Underway['pixels'] {
    if ('why' in image) return Promise.resolve({ why: image.why });
    const bytes = typeof image.source === 'string' ? 0 : image.source.length;
    this.waitingBytes += bytes;
    const pixels = this.loader
      .load(image.source, { name: image.id })
      .catch((error: unknown) => ({ why: reasonOfImage(error) }))
      .finally(() => {
        this.waitingBytes -= bytes;
        this.tell();
      });
    // The promise may reject before its turn comes; the rejection counts as handled, and awaiting it still throws.
    pixels.catch(() => undefined);
    return pixels;
  }

  private tell(): void {
    const { wake } = this;
    this.changed = this.nextChange();
    wake();
  }

  private nextChange(): Promise<void> {
    return new Promise((resolve) => (this.wake = resolve));
  }
}
