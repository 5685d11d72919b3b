/** Updates of an epoch and of all training; batches grouped for gradient accumulation. */
import type { Batch } from '../data/loader.ts';
import { stepsPerEpoch } from '../data/sampling.ts';
import type { TrainingSettings } from '../methods/index.ts';

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

/** How far training goes: its epochs, the last of which may be cut. */
export interface Length {
  readonly epochs: number;
  /** Updates of a whole epoch. */
  readonly updates: number;
  /** Updates of the last epoch. */
  readonly last: number;
  /** Updates in all. */
  readonly all: number;
}

/** The length that settings ask for where an epoch has `updates`. */
export function lengthOf({ epochs, iterations }: Pick<TrainingSettings, 'epochs' | 'iterations'>, updates: number): Length {
  if (iterations === 0 || updates === 0) return { epochs, updates, last: updates, all: epochs * updates };
  const begun = Math.ceil(iterations / updates);
  return { epochs: begun, updates, last: iterations - (begun - 1) * updates, all: iterations };
}
