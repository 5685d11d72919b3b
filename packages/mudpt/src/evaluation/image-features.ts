/** Features of the frozen image tower, for whole sets of images. */
import type { Clip } from '@mudpt/clip';
import { capture, cat, copyInto, empty, InputError, keep, narrow, type Tensor } from '@mudpt/tensor';
import type { Batch, BatchLoader, Item } from '../data/index.ts';
import { type ForwardOptions, padded } from './forward.ts';

/** Features of images that could be read, with their items and labels. */
export interface Features {
  /** [N, embed], not normalised. */
  readonly features: Tensor;
  /** Images that could be read, in their order. */
  readonly items: readonly Item[];
  readonly labels: Int32Array;
}

/**
 * Features of images. The caller disposes them.
 * @param batches other batches than the items in order (augmented ones)
 * @throws InputError for a model without an image tower
 */
export async function imageFeatures(
  clip: Clip,
  loader: BatchLoader,
  items: readonly Item[],
  options: ForwardOptions,
  batches?: AsyncIterable<Batch>,
): Promise<Features> {
  const { image, device, config } = clip;
  if (!image) throw new InputError('evaluation', 'the model has no image tower', 'load it with both towers');
  const run = capture<'images', Tensor>(({ images }) => image.forward(images), { device });
  const parts: Tensor[] = [];
  const seen: Item[] = [];
  try {
    for await (const batch of padded(loader, items, options, batches)) {
      const features = run({ images: batch.input });
      // The captured result is overwritten by the next batch.
      const part = keep(empty(device, [batch.items.length, config.embed]));
      using rows = narrow(features, 0, 0, batch.items.length);
      copyInto(part, rows);
      parts.push(part);
      for (const item of batch.items) seen.push(item);
      options.onProgress?.(seen.length);
      // Without a wait now and then the host would record the whole set ahead of the device.
      if (parts.length % 8 === 0) await device.synchronize();
    }
    const labels = Int32Array.from(seen, ({ label }) => label);
    if (parts.length === 0) return { features: keep(empty(device, [0, config.embed])), items: seen, labels };
    return { features: keep(cat(parts, 0)), items: seen, labels };
  } finally {
    run.dispose();
    for (const part of parts) part.dispose();
  }
}
