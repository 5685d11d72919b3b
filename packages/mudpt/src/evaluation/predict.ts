/** Images, or their features, through a method to predictions, batch by batch. */
import type { Clip } from '@mudpt/clip';
import { capture, narrow, type Tensor } from '@mudpt/tensor';
import type { BatchLoader, Item } from '../data/index.ts';
import { type ClassContext, methodContext, type PromptMethod } from '../methods/index.ts';
import { ZeroShot, zeroShotSettings } from '../methods/zero-shot.ts';
import { type ForwardOptions, padded } from './forward.ts';
import type { Features } from './image-features.ts';
import { type ImagePrediction, rankLogits } from './predictions.ts';

/** Options of predictions. */
export interface PredictionOptions extends ForwardOptions {
  /** Labels kept for an image. Default 5. */
  readonly keep?: number;
  /** Temperature of `ImagePrediction.confidence`. Default 1. */
  readonly temperature?: number;
  /** Called with the image features [items or more, width] of each batch, where the method gives them. */
  readonly onFeatures?: (items: readonly Item[], features: Float32Array, width: number) => void;
  /** Called with the predictions of each batch as they come. */
  readonly onPredictions?: (predictions: readonly ImagePrediction[]) => void;
}

/** Logits, with features where somebody asks for them. */
interface Evaluated {
  readonly logits: Tensor;
  readonly imageFeatures?: Tensor;
}

/** Runs images through a method. Text features are computed once, where they do not depend on the image. */
export async function predictImages(
  clip: Clip,
  method: PromptMethod,
  loader: BatchLoader,
  items: readonly Item[],
  options: PredictionOptions,
): Promise<ImagePrediction[]> {
  const texts = method.textFeatures();
  try {
    const { onFeatures } = options;
    const run = capture<'images', Evaluated>(
      ({ images }) => (onFeatures && method.evaluateWithFeatures?.(images, texts)) || { logits: method.evaluate(images, texts) },
      { device: clip.device },
    );
    const predictions: ImagePrediction[] = [];
    try {
      for await (const batch of padded(loader, items, options)) {
        const { logits, imageFeatures } = run({ images: batch.input });
        if (imageFeatures) onFeatures?.(batch.items, (await imageFeatures.data()) as Float32Array, imageFeatures.shape[1] ?? 0);
        const values = (await logits.data()) as Float32Array;
        const ranked = rankLogits(batch.items, values, method.classNames.length, options.keep, options.temperature);
        for (const one of ranked) predictions.push(one);
        options.onPredictions?.(ranked);
        options.onProgress?.(predictions.length);
      }
    } finally {
      run.dispose();
    }
    return predictions;
  } finally {
    texts?.dispose();
  }
}

/** How many features get their logits at once. */
const FEATURES_AT_ONCE = 1000;

/**
 * Predictions from features by any function of a part of them to logits.
 * @param keep labels kept for an image; default 5
 * @param temperature of `ImagePrediction.confidence`; default 1
 */
export async function predictFeatures(
  { features, items }: Pick<Features, 'features' | 'items'>,
  classes: number,
  logitsOf: (features: Tensor) => Tensor,
  keep?: number,
  temperature?: number,
): Promise<ImagePrediction[]> {
  const predictions: ImagePrediction[] = [];
  for (let from = 0; from < items.length; from += FEATURES_AT_ONCE) {
    const some = items.slice(from, from + FEATURES_AT_ONCE);
    using rows = narrow(features, 0, from, some.length);
    using logits = logitsOf(rows);
    const values = (await logits.data()) as Float32Array;
    for (const one of rankLogits(some, values, classes, keep, temperature)) predictions.push(one);
  }
  return predictions;
}

/** Computes a tensor, or gives what was computed for an equal key. The caller disposes it. */
export type OnceComputed = (key: unknown, make: () => Promise<Tensor>) => Promise<Tensor>;

/**
 * Predictions of the frozen model, with the data set's template.
 * @param once where class features are kept for others; default: they are computed
 */
export async function predictZeroShot(
  clip: Clip,
  features: Features,
  { classNames, template, descriptions }: ClassContext,
  once: OnceComputed = (_key, make) => make(),
): Promise<ImagePrediction[]> {
  const context = await methodContext(clip, { classNames, template, descriptions, seed: 0 });
  const settings = zeroShotSettings.parse({});
  const classFeatures = await once({ what: 'zero-shot', classNames, template, descriptions, settings }, () =>
    Promise.resolve(new ZeroShot(context, settings).classFeatures),
  );
  const method = new ZeroShot(context, settings, classFeatures);
  try {
    return await predictFeatures(features, classNames.length, (rows) => method.evaluate(rows));
  } finally {
    method.dispose();
  }
}
