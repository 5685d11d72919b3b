/** Features of some test images before and after learning, for a drawing: a bounded number, and always the same images. */
import { narrow } from '@mudpt/tensor';
import { nth } from '@mudpt/tensor/internal';
import type { Item } from '../data/index.ts';
import type { Features } from './image-features.ts';

/** Images drawn at most: laying out a thousand takes longer than the rest of a report. */
export const MOST_IMAGES = 500;
/** Rows read from the device at once. */
const ROWS_AT_ONCE = 4096;

/** Sampled features [images, width], not normalised. */
export interface SampledFeatures {
  readonly items: readonly Item[];
  readonly width: number;
  readonly frozen: Float32Array;
  /** Absent where learning leaves the image features as they are. [images, tunedWidth]: a method may have features of another width. */
  readonly tuned?: Float32Array;
  readonly tunedWidth?: number;
}

/** `most` of `items` at equal distances, so that classes in sequence keep their shares. */
export function sampleOf<T>(items: readonly T[], most = MOST_IMAGES): T[] {
  const count = Math.min(items.length, most);
  return Array.from({ length: count }, (_, index) => nth(items, Math.floor((index * items.length) / count)));
}

/** Collects features of a sample while images go through the models. */
export class FeatureSample {
  private items: readonly Item[] = [];
  private places = new Map<Item, number>();
  private width = 0;
  private frozen: Float32Array | undefined;
  private tuned: Float32Array | undefined;
  private tunedWidth = 0;

  /** Chooses the sample among the images that could be read, and takes their frozen features. */
  async begin({ features, items }: Features): Promise<void> {
    const [, width = 0] = features.shape;
    this.width = width;
    this.items = sampleOf(items);
    this.places = new Map(this.items.map((item, place) => [item, place]));
    const rows = new Float32Array(this.items.length * width);
    for (let from = 0; from < items.length; from += ROWS_AT_ONCE) {
      const some = items.slice(from, from + ROWS_AT_ONCE);
      using part = narrow(features, 0, from, some.length);
      this.take(some, (await part.data()) as Float32Array, rows, width);
    }
    this.frozen = rows;
  }

  /** @param rows features of a batch [items, width], or more rows where it was filled up */
  addTuned(items: readonly Item[], rows: Float32Array, width: number): void {
    this.tuned ??= new Float32Array(this.items.length * width);
    this.tunedWidth = width;
    this.take(items, rows, this.tuned, width);
  }

  get sampled(): SampledFeatures | undefined {
    const { items, width, frozen, tuned, tunedWidth } = this;
    return frozen && { items, width, frozen, ...(tuned && { tuned, tunedWidth }) };
  }

  private take(items: readonly Item[], rows: Float32Array, into: Float32Array, width: number): void {
    for (const [row, item] of items.entries()) {
      const place = this.places.get(item);
      if (place !== undefined) into.set(rows.subarray(row * width, (row + 1) * width), place * width);
    }
  }
}
