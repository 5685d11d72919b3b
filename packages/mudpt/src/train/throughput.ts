/** How fast training goes, and how an epoch is cut. */
import { type Batch, stepsPerEpoch } from '../data/index.ts';

/** Pictures per second, smoothed. The first interval, in which kernels are compiled, says nothing about the following ones. */
export class Pace {
  private last = performance.now();
  private rate: number | undefined;
  private intervals = 0;

  /** What lies between two epochs does not count. */
  restart(): void {
    this.last = performance.now();
  }

  get isKnown(): boolean {
    return this.intervals > 1;
  }

  measure(pictures: number): number {
    const now = performance.now();
    const present = (1000 * pictures) / Math.max(now - this.last, 1e-3);
    this.last = now;
    this.intervals += 1;
    this.rate = this.rate === undefined || this.intervals === 2 ? present : 0.7 * this.rate + 0.3 * present;
    return this.rate;
  }
}

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

/** How an epoch is cut into updates. */
export function updatesOf(
  pictures: number,
  batch: number,
  accumulate: number,
): { readonly updates: number; readonly group: number } {
  const batches = stepsPerEpoch(pictures, batch);
  const group = Math.min(accumulate, batches);
  return { updates: group === 0 ? 0 : Math.floor(batches / group), group };
}
