/** Features of the frozen image tower, kept by image while a model is loaded: a new template, a new class name cost no second pass. */
import type { AugmentOptions, Clip } from '@mudpt/clip';
import { keep, tensor, type Tensor } from '@mudpt/tensor';
import { BatchLoader, evaluationBatch, imageFeatures, type Item } from 'mudpt/core';

/** Images at once: few, so that progress is seen. */
const AT_ONCE = 32;

/** Photographs are turned upright; otherwise pixels are taken as they are stored, as CLIP was trained. */
export type Exif = 'apply';

export interface KnownFeatures {
  /** [N, embed], not normalised; the caller disposes it. */
  readonly features: Tensor;
  readonly items: readonly Item[];
  readonly labels: Int32Array;
  readonly unreadable: readonly { readonly id: string; readonly why: string }[];
}

export class FeatureCache {
  private readonly rows = new Map<string, Float32Array>();
  private readonly bad = new Map<string, string>();

  /** @param exif whether photographs are turned upright by the camera's tag */
  constructor(
    private readonly clip: Clip,
    private readonly exif?: Exif,
  ) {}

  /** @throws the signal's reason once it is aborted */
  async of(
    items: readonly Item[],
    onProgress: (done: number, total: number) => void,
    signal?: AbortSignal,
  ): Promise<KnownFeatures> {
    const missing = items.filter(({ id }) => !this.rows.has(id) && !this.bad.has(id));
    if (missing.length > 0) await this.compute(missing, onProgress, signal);
    const { embed } = this.clip.config;
    const readable = items.filter(({ id }) => this.rows.has(id));
    const data = new Float32Array(readable.length * embed);
    for (const [place, { id }] of readable.entries()) data.set(this.rows.get(id) as Float32Array, place * embed);
    return {
      features: keep(tensor(data, { shape: [readable.length, embed], device: this.clip.device })),
      items: readable,
      labels: Int32Array.from(readable, ({ label }) => label),
      unreadable: items.flatMap(({ id }) => (this.bad.has(id) ? [{ id, why: this.bad.get(id) as string }] : [])),
    };
  }

  private async compute(
    items: readonly Item[],
    onProgress: (done: number, total: number) => void,
    signal?: AbortSignal,
  ): Promise<void> {
    const loader = loaderOf(this.clip, { exif: this.exif });
    try {
      const batch = evaluationBatch(this.clip, AT_ONCE);
      const options = { batch, onProgress: (done: number) => onProgress(done, items.length), ...(signal && { signal }) };
      const { features, items: seen } = await imageFeatures(this.clip, loader, items, options);
      try {
        const data = (await features.data()) as Float32Array;
        const { embed } = this.clip.config;
        for (const [place, { id }] of seen.entries()) this.rows.set(id, data.slice(place * embed, (place + 1) * embed));
      } finally {
        features.dispose();
      }
      for (const { id, why } of loader.unreadable) this.bad.set(id, why);
    } finally {
      await loader.close();
    }
  }
}

/** A loader that crops for this model. */
export function loaderOf(
  clip: Clip,
  options: { readonly seed?: number; readonly augment?: AugmentOptions; readonly exif?: Exif | undefined },
): BatchLoader {
  const { image, normalization, resizing } = clip.config;
  return new BatchLoader({
    size: image.size,
    seed: options.seed ?? 0,
    augment: options.augment ?? {},
    ...(normalization && { normalization }),
    ...(resizing && { resizing }),
    ...(options.exif && { exif: options.exif }),
  });
}
