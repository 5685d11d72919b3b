/** Updates of an epoch: batches grouped for gradient accumulation. */
import type { Batch } from '../data/loader.ts';
import { stepsPerEpoch } from '../data/sampling.ts';

/** `size` batches at a time; an incomplete last group is dropped. */
export async function* groups(batches: AsyncIterable<Batch>, size: number): AsyncGenerator<Batch[]> {
  let group: Batch[] = [];
  for await (const batch of batches) {
    group.push(batch);
    if (group.length < size) continue;
    yield group;
    group = [];
  }
}

/** Updates of an epoch, and the batches of each: an epoch with fewer batches than are accumulated is one update. */
export function updatesOf(
  images: number,
  batch: number,
  accumulate: number,
): { readonly updates: number; readonly group: number } {
  const batches = stepsPerEpoch(images, batch);
  const group = Math.min(accumulate, batches);
  return { updates: group === 0 ? 0 : Math.floor(batches / group), group };
}
