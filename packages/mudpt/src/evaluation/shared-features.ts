/** Features of the frozen image tower that several runs of one process share: every run measures zero-shot on the same test images. */
import { type Device, keep, tensor } from '@mudpt/tensor';
import type { Item } from '../data/index.ts';
import { canonicalText } from '../settings/canonical.ts';
import type { Features } from './image-features.ts';

interface Kept {
  readonly data: Float32Array;
  readonly shape: readonly number[];
}

/** Host memory that is kept at most, in bytes: the test sets of ten ImageNets at 512 channels. */
const MOST_BYTES = 2 ** 30;

export class SharedFeatures {
  private readonly kept = new Map<string, Kept>();
  private bytes = 0;
  /** Times that features were there already. */
  hits = 0;

  constructor(private readonly mostBytes = MOST_BYTES) {}

  /**
   * The features of `items`, computed when nobody did before. The caller disposes them.
   * @param key plain values that say all that features depend on: the model and its precision, the contents of the images, the batch
   */
  async get(key: unknown, items: readonly Item[], device: Device, make: () => Promise<Features>): Promise<Features> {
    const name = canonicalText(key);
    const found = this.kept.get(name);
    if (found) {
      this.hits += 1;
      // Most recently used last.
      this.kept.delete(name);
      this.kept.set(name, found);
      const features = keep(tensor(found.data, { shape: found.shape, device }));
      return { features, items, labels: Int32Array.from(items, ({ label }) => label) };
    }
    const made = await make();
    // What could not be read is told by the loader that tried: others must try too.
    if (made.items.length === items.length && made.features.dtype === 'f32') {
      const data = (await made.features.data()) as Float32Array;
      this.keep(name, { data, shape: made.features.shape });
    }
    return made;
  }

  private keep(name: string, kept: Kept): void {
    if (kept.data.byteLength > this.mostBytes) return;
    this.kept.set(name, kept);
    this.bytes += kept.data.byteLength;
    for (const [oldest, { data }] of this.kept) {
      if (this.bytes <= this.mostBytes) return;
      this.kept.delete(oldest);
      this.bytes -= data.byteLength;
    }
  }
}
