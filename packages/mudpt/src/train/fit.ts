/** The fitting of methods on features: features of the training pictures, as often as the method wants them, and its own search. */
import type { Clip } from '@mudpt/clip';
import type { BatchLoader, Item } from '../data/index.ts';
import type { FeatureMethod, FitReport, Method } from '../methods/index.ts';
import type { FeatureStore } from '../features/feature-store.ts';
import { type Features, imageFeatures, type ScoringOptions } from '../evaluation/scoring.ts';

export interface FitOptions {
  readonly clip: Clip;
  readonly method: FeatureMethod;
  readonly loader: BatchLoader;
  readonly train: readonly Item[];
  readonly val: readonly Item[];
  /** Where sets of features are kept until fitting is over. */
  readonly store: FeatureStore;
  /** How pictures go through the tower; `what` and `total` are for progress. */
  readonly scoring: (what: string, total: number) => ScoringOptions;
}

/** Numbers that a method learns. */
export function countLearnt({ learnable }: Pick<Method, 'learnable'>): number {
  return [...learnable.values()].reduce((sum, { size }) => sum + size, 0);
}

/**
 * Fits `method` in place. Features that `store` has are not computed again; what is fitted to them follows from them to the bit.
 * @throws the reason of the signal once it is aborted
 */
export async function fitFeatures({
  clip,
  method,
  loader,
  train,
  val,
  store,
  scoring,
}: FitOptions): Promise<{ readonly report: FitReport; readonly seconds: number }> {
  const started = performance.now();
  const made: Features[] = [];
  const features = async (name: string, items: readonly Item[], what: string, epoch?: number): Promise<Features> => {
    const kept = await store.load(name, items, clip.device);
    if (kept) {
      made.push(kept);
      return kept;
    }
    const options = scoring(what, items.length);
    const batch = Math.min(options.batch, items.length);
    const batches = epoch === undefined ? undefined : loader.augmented(items, { batch, epoch });
    const own = await imageFeatures(clip, loader, items, { ...options, ...(batches && { batches }) });
    made.push(own);
    await store.save(name, items, own);
    return own;
  };
  try {
    const plain = await features('training', train, 'training features');
    const validation = val.length > 0 ? await features('validation', val, 'validation features') : undefined;
    const augmented: Features[] = [];
    for (let pass = 0; pass < method.augmentedPasses; pass++)
      augmented.push(
        await features(`augmented-${pass}`, train, `augmented features, pass ${pass + 1} of ${method.augmentedPasses}`, pass),
      );
    const report = await method.fit({ train: plain, val: validation, augmented }, (done, of, what) => {
      const { signal, onProgress } = scoring(what, of);
      signal?.throwIfAborted();
      onProgress?.(done);
    });
    return { report, seconds: (performance.now() - started) / 1000 };
  } finally {
    for (const own of made) own.features.dispose();
  }
}
