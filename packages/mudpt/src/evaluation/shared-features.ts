/** Features of the frozen towers, computed once for all runs: kept in this process, and on disk for others. */
import { type Device, keep, tensor, type Tensor } from '@mudpt/tensor';
import { canonicalText } from '@mudpt/tensor/internal';
import type { TensorFiles } from '../cache/tensor-files.ts';
import type { Item } from '../data/index.ts';
import type { Features } from './image-features.ts';

interface Kept {
  readonly data: Float32Array;
  readonly shape: readonly number[];
}

/** Host memory that is kept at most, in bytes: the test sets of ten ImageNets at 512 channels. */
const MOST_BYTES = 2 ** 30;

export interface SharedFeaturesOptions {
  readonly mostBytes?: number;
  /** Where features outlive the process; default: they do not. */
  readonly files?: TensorFiles | undefined;
}

export class SharedFeatures {
  private readonly kept = new Map<string, Kept>();
  private readonly mostBytes: number;
  private readonly files: TensorFiles | undefined;
  private bytes = 0;
  /** How many requests were answered without computing, from this process or from disk. */
  hits = 0;

  constructor({ mostBytes = MOST_BYTES, files }: SharedFeaturesOptions = {}) {
    this.mostBytes = mostBytes;
    this.files = files;
  }

  /**
   * The features of `items`, computed at the first request. The caller disposes them.
   * @param key plain values that determine the features: the model and its precision, the contents of the images, the batch
   */
  async get(key: unknown, items: readonly Item[], device: Device, make: () => Promise<Features>): Promise<Features> {
    const name = canonicalText(['images', key]);
    const found = await this.find(name, device);
    if (found) return { features: found, items, labels: Int32Array.from(items, ({ label }) => label) };
    const made = await make();
    // Incomplete features are not kept: unreadable images are reported by the loader that met them, and other runs must report them too.
    if (made.items.length === items.length) await this.save(name, made.features);
    return made;
  }

  /** The same for one tensor: text features of classes. */
  async getTensor(key: unknown, device: Device, make: () => Promise<Tensor>): Promise<Tensor> {
    const name = canonicalText(['tensor', key]);
    const found = await this.find(name, device);
    if (found) return found;
    const made = await make();
    await this.save(name, made);
    return made;
  }

  private async find(name: string, device: Device): Promise<Tensor | undefined> {
    const kept = this.kept.get(name);
    if (kept) {
      this.hits += 1;
      // Most recently used last.
      this.kept.delete(name);
      this.kept.set(name, kept);
      return keep(tensor(kept.data, { shape: kept.shape, device }));
    }
    const loaded = await this.files?.load(name, device);
    if (!loaded) return undefined;
    this.hits += 1;
    await this.remember(name, loaded);
    return loaded;
  }

  private async save(name: string, values: Tensor): Promise<void> {
    await this.files?.save(name, values);
    await this.remember(name, values);
  }

  private async remember(name: string, values: Tensor): Promise<void> {
    if (values.dtype === 'f32') this.keepHere(name, { data: (await values.data()) as Float32Array, shape: values.shape });
  }

  private keepHere(name: string, kept: Kept): void {
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
