/** Batches of a data set: in order or shuffled by a seed, put side by side, some of them prepared ahead. */
import { type HostInput, type Shape, ShapeError, sizeOf, TensorError } from '@mudpt/tensor/functions';
import { expectOptions } from '@mudpt/tensor/kernels';
import { randomFrom } from '../random.ts';
import { collate, type Collated, type CollateTypes } from './collate.ts';

/** Items by index; `get` may read files, decode, or augment. */
export interface Dataset<T> {
  readonly length: number;
  get(index: number, epoch: number): T | Promise<T>;
}

/** Where items come from: a list, a data set, an iterable, or a function that begins one for each epoch. */
export type DataSource<T> =
  | readonly T[]
  | Dataset<T>
  | Iterable<T>
  | AsyncIterable<T>
  | ((epoch: number) => Iterable<T> | AsyncIterable<T>);

/** Options of a {@link DataLoader}. */
export type DataLoaderOptions<T, B> = {
  readonly batchSize: number;
  /** Another order in every epoch, which depends on seed and epoch alone. Default false. */
  readonly shuffle?: boolean;
  /** Default 0. */
  readonly seed?: number;
  /** Whether an incomplete last batch is left out. Default false. */
  readonly dropLast?: boolean;
  /** Batches that are prepared while one is in use. Default 2. */
  readonly prefetch?: number;
  /** Makes a batch. Default: {@link collate}. */
  readonly collate?: (items: readonly T[]) => B | Promise<B>;
  /** dtypes of the default's batches, for instance `{ label: 'i32' }`. */
  readonly dtypes?: CollateTypes<T>;
};

/**
 * Batches of `source`, as often as it is iterated: each time is the next epoch. What a batch holds depends on (seed, epoch, batch) alone.
 *
 * ```ts
 * const loader = new DataLoader(items, { batchSize: 32, shuffle: true, dtypes: { label: 'i32' } });
 * for await (const { image, label } of loader) step({ image, label });
 * ```
 */
export class DataLoader<T, B = Collated<T>> implements AsyncIterable<B> {
  /** Batches of an epoch; undefined where only the source knows. */
  readonly length: number | undefined;
  private readonly items: number | undefined;
  private readonly prefetch: number;
  private next = 0;

  /** @throws TensorError for sizes that are not whole, or a source that cannot be shuffled */
  constructor(
    private readonly source: DataSource<T>,
    private readonly options: DataLoaderOptions<T, B>,
  ) {
    expectOptions('DataLoader', options, ['batchSize', 'shuffle', 'seed', 'dropLast', 'prefetch', 'collate', 'dtypes']);
    const { batchSize, shuffle = false, dropLast = false, prefetch = 2 } = options;
    if (!Number.isInteger(batchSize) || batchSize < 1 || !Number.isInteger(prefetch) || prefetch < 0)
      throw new TensorError(
        'DataLoader',
        `batchSize is ${batchSize}, prefetch ${prefetch}`,
        'give whole numbers, a batchSize of at least 1',
      );
    const indexed = indexedSource(source);
    if (shuffle && !indexed)
      throw new TensorError(
        'DataLoader',
        'an iterator cannot be shuffled',
        'give an array, or an object with length and get(index)',
      );
    this.items = indexed?.length;
    this.prefetch = prefetch;
    if (this.items !== undefined) this.length = dropLast ? Math.floor(this.items / batchSize) : Math.ceil(this.items / batchSize);
  }

  /** The next epoch, from 0. */
  [Symbol.asyncIterator](): AsyncGenerator<B, void, undefined> {
    const epoch = this.next;
    this.next += 1;
    return this.epoch(epoch);
  }

  /** The batches of an epoch, from batch `from`: those before it are not prepared, unless the source is an iterator, which is read through. */
  async *epoch(epoch: number, from = 0): AsyncGenerator<B, void, undefined> {
    const { next, close } = this.items === undefined ? this.inSequence(epoch, from) : this.byIndex(epoch, from, this.items);
    const ahead: Promise<B | undefined>[] = [];
    try {
      for (;;) {
        while (ahead.length <= this.prefetch) {
          const batch = next();
          // A prepared batch that nobody takes must not end the process when it fails.
          batch.catch(() => undefined);
          ahead.push(batch);
        }
        const batch = await ahead.shift();
        if (batch === undefined) return;
        yield batch;
      }
    } finally {
      await Promise.allSettled(ahead);
      await close();
    }
  }

  private byIndex(epoch: number, from: number, count: number): Batches<B> {
    const { batchSize, shuffle = false, seed = 0 } = this.options;
    const source = indexedSource(this.source) as Dataset<T>;
    const order = shuffle ? permutation(count, seed, epoch) : undefined;
    let at = from;
    return {
      next: async () => {
        const batch = at++;
        if (batch >= (this.length as number)) return undefined;
        const begin = batch * batchSize;
        const indices = Array.from({ length: Math.min(batchSize, count - begin) }, (_, i) => order?.[begin + i] ?? begin + i);
        return await this.made(await Promise.all(indices.map((index) => source.get(index, epoch))));
      },
      close: () => Promise.resolve(),
    };
  }

  private inSequence(epoch: number, from: number): Batches<B> {
    const iterator = iteratorOf(this.source, epoch);
    const { batchSize, dropLast = false } = this.options;
    let isOver = false;
    const read = async (): Promise<T[]> => {
      const items: T[] = [];
      while (items.length < batchSize && !isOver) {
        const { done, value } = await iterator.next();
        if (done) isOver = true;
        else items.push(value);
      }
      return items.length === 0 || (dropLast && items.length < batchSize) ? [] : items;
    };
    let previous: Promise<unknown> = (async () => {
      for (let skipped = 0; skipped < from; skipped += 1) await read();
    })();
    return {
      next: () => {
        const items = previous.then(read);
        previous = items;
        return items.then((list) => (list.length === 0 ? undefined : this.made(list)));
      },
      close: async () => void (isOver || (await iterator.return?.())),
    };
  }

  private async made(items: readonly T[]): Promise<B> {
    const { collate: make, dtypes } = this.options;
    return make ? await make(items) : (collate(items, dtypes) as B);
  }
}

type Batches<B> = { readonly next: () => Promise<B | undefined>; readonly close: () => Promise<void> };

function indexedSource<T>(source: DataSource<T>): Dataset<T> | undefined {
  if (Array.isArray(source)) return { length: source.length, get: (index) => (source as readonly T[])[index] as T };
  return typeof source === 'object' && 'get' in source && 'length' in source ? source : undefined;
}

function iteratorOf<T>(source: DataSource<T>, epoch: number): AsyncIterator<T> | Iterator<T> {
  const begun = typeof source === 'function' ? source(epoch) : source;
  if (Symbol.asyncIterator in begun) return begun[Symbol.asyncIterator]();
  if (Symbol.iterator in begun) return begun[Symbol.iterator]();
  throw new TensorError('DataLoader', 'its source gives no items', 'give an array, { length, get }, or an iterable');
}

/** 0..count-1 in an order that depends on (seed, epoch) alone: a Fisher-Yates shuffle. */
function permutation(count: number, seed: number, epoch: number): Uint32Array {
  const random = randomFrom(Math.imul(seed, 0x9e3779b1) + Math.imul(epoch + 1, 0x85ebca6b));
  const order = Uint32Array.from({ length: count }, (_, index) => index);
  for (let last = count - 1; last > 0; last -= 1) {
    const other = Math.floor(random() * (last + 1));
    [order[last], order[other]] = [order[other] as number, order[last] as number];
  }
  return order;
}

/** Columns of equal first size as a data set: item i is row i of each. @throws ShapeError when first sizes differ */
export function rowsOf<const C extends Readonly<Record<string, HostInput>>>(
  columns: C,
): Dataset<{ readonly [K in keyof C]: HostInput }> {
  const entries = Object.entries<HostInput>(columns);
  const length = entries[0]?.[1].shape[0] ?? 0;
  for (const [name, { data, shape }] of entries)
    if (shape[0] !== length || data.length !== sizeOf(shape))
      throw new ShapeError(
        'rowsOf',
        `${name} has ${data.length} numbers and shape [${shape.join(', ')}], the first column ${length} rows`,
        'give columns of one number of rows, and shapes that fit their data',
      );
  const rows = entries.map(([name, { data, shape, dtype }]) => {
    const row: Shape = shape.slice(1);
    const size = sizeOf(row);
    return { name, size, row, data, dtype };
  });
  return {
    length,
    get: (index) =>
      Object.fromEntries(
        rows.map(({ name, size, row, data, dtype }) => [
          name,
          { data: data.slice(index * size, (index + 1) * size), shape: row, ...(dtype && { dtype }) },
        ]),
      ) as { readonly [K in keyof C]: HostInput },
  };
}
