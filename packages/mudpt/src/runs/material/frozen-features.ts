/** Features of the frozen towers for a run, shared between runs with the same model and images. */
import type { Device, Tensor } from '@mudpt/tensor';
import { imagesDigest } from '../../data/fingerprint.ts';
import type { BatchLoader, Item } from '../../data/index.ts';
import type { ForwardOptions } from '../../evaluation/forward.ts';
import { type Features, imageFeatures } from '../../evaluation/image-features.ts';
import type { OnceComputed } from '../../evaluation/predict.ts';
import { type BaseModel, numericsKey, type Numerics } from './model.ts';
import type { RunCache } from './run-cache.ts';
import type { RunConfig } from '../settings/settings.ts';

/** Features of images, centre crops. The caller disposes them. */
export type FrozenFeatures = (items: readonly Item[], forward: ForwardOptions) => Promise<Features>;

interface Parts {
  readonly base: BaseModel;
  readonly config: Numerics & Pick<RunConfig, 'exif'>;
  readonly cache: RunCache | undefined;
}

/** The key of a model; one without a file to identify it is never shared. */
function sharedWith({ base, cache }: Parts): RunCache | undefined {
  return base.hash === '' ? undefined : cache;
}

export function frozenFeatures(parts: Parts, loader: BatchLoader): FrozenFeatures {
  const { base, config } = parts;
  const cache = sharedWith(parts);
  return async (items, forward) => {
    const make = (): Promise<Features> => imageFeatures(base.clip, loader, items, forward);
    if (!cache || items.length === 0) return make();
    const images = await imagesDigest(items, { known: cache.digests, signal: forward.signal });
    if (images === undefined) return make();
    const { exif = 'ignore' } = config;
    const key = { model: base.hash, images, ...numericsKey(config), exif, batch: forward.batch };
    const features = await cache.features.get(key, items, base.clip.device, make);
    forward.onProgress?.(features.items.length);
    return features;
  };
}

/** Text features of classes under templates. */
export function frozenTexts(parts: Parts): OnceComputed {
  const { base, config } = parts;
  const cache = sharedWith(parts);
  const { device }: { readonly device: Device } = base.clip;
  return (key, make): Promise<Tensor> =>
    cache ? cache.features.getTensor({ model: base.hash, ...numericsKey(config), of: key }, device, make) : make();
}
