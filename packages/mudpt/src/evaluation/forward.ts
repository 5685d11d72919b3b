/** Images in batches of one shape, as captured steps take them. */
import { sizeOf } from '@mudpt/tensor';
import type { Batch, BatchLoader, Item } from '../data/index.ts';

/** How images go through a model. */
export interface ForwardOptions {
  /** Images at once. */
  readonly batch: number;
  readonly signal?: AbortSignal;
  /** Called with the number of images done. */
  readonly onProgress?: (done: number) => void;
}

export interface PaddedBatch extends Batch {
  readonly input: { readonly data: Float32Array; readonly shape: readonly number[] };
}

/**
 * The last batch is filled up with zeros, so that nothing is recorded and compiled for it alone.
 * @param batches default: the items in their order
 * @throws the signal's reason once it is aborted
 */
export async function* padded(
  loader: BatchLoader,
  items: readonly Item[],
  { batch: size, signal }: ForwardOptions,
  batches: AsyncIterable<Batch> = loader.inOrder(items, Math.min(size, items.length)),
): AsyncGenerator<PaddedBatch> {
  let whole: Batch['shape'] | undefined;
  for await (const batch of batches) {
    signal?.throwIfAborted();
    const { images, shape } = batch;
    whole ??= shape;
    const data = shape[0] === whole[0] ? images : new Float32Array(sizeOf(whole));
    if (data !== images) data.set(images);
    yield { ...batch, input: { data, shape: whole } };
  }
}
