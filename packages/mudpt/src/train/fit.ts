/** Fitting of methods to features: the passes over training images, and the method's search. */
import type { Clip } from '@mudpt/clip';
import type { BatchLoader, Item } from '../data/index.ts';
import type { FeatureMethod, FitReport, Method } from '../methods/index.ts';
import type { Device } from '@mudpt/tensor';
import type { ForwardOptions } from '../evaluation/forward.ts';
import { type Features, imageFeatures } from '../evaluation/image-features.ts';

/** Keeps sets of features until fitting is over: on a large model they take hours. */
export interface FeatureKeeper {
  /** The set of that name, or undefined where none was kept. The caller disposes it. */
  load(name: string, items: readonly Item[], device: Device): Promise<Features | undefined>;
  /** Keeps a set, if every item of it could be read: skipped files must be reported again. */
  save(name: string, items: readonly Item[], features: Features): Promise<void>;
}

/** The inputs of a fit. */
export interface FitOptions {
  readonly clip: Clip;
  readonly method: FeatureMethod;
  readonly loader: BatchLoader;
  readonly train: readonly Item[];
  readonly val: readonly Item[];
  /** Default: no set is kept. */
  readonly keeper?: FeatureKeeper;
  /** How images without augmentation become features. Default: the image tower. */
  readonly frozen?: (items: readonly Item[], options: ForwardOptions) => Promise<Features>;
  /** How images go through the tower; `what` and `total` are for progress. */
  readonly forward: (what: string, total: number) => ForwardOptions;
}

/** Numbers that a method learns. */
export function countLearnt(method: Method): number {
  const statistics = method.kind === 'prompts' ? (method.spec.statistics ?? []) : [];
  return [...method.learnable].reduce((sum, [name, { size }]) => sum + (statistics.includes(name) ? 0 : size), 0);
}

/**
 * Fits `method` in place. Features that `keeper` has are not computed again; the fit depends on them alone, to the bit.
 * @throws the reason of the signal once it is aborted
 */
export async function fitFeatures({
  clip,
  method,
  loader,
  train,
  val,
  keeper,
  frozen = (items, options) => imageFeatures(clip, loader, items, options),
  forward,
}: FitOptions): Promise<{ readonly report: FitReport; readonly seconds: number }> {
  const started = performance.now();
  const made: Features[] = [];
  const features = async (name: string, items: readonly Item[], what: string, epoch?: number): Promise<Features> => {
    const kept = await keeper?.load(name, items, clip.device);
    if (kept) {
      made.push(kept);
      return kept;
    }
    const options = forward(what, items.length);
    const batch = Math.min(options.batch, items.length);
    const computed = await (epoch === undefined
      ? frozen(items, options)
      : imageFeatures(clip, loader, items, options, loader.augmented(items, { batch, epoch })));
    made.push(computed);
    await keeper?.save(name, items, computed);
    return computed;
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
      const { signal, onProgress } = forward(what, of);
      signal?.throwIfAborted();
      onProgress?.(done);
    });
    return { report, seconds: (performance.now() - started) / 1000 };
  } finally {
    for (const { features: tensor } of made) tensor.dispose();
  }
}
