/** Pictures through a model, batch by batch, to what each is taken for. */
import type { Clip } from '@mudpt/clip';
import { capture, cat, copyInto, empty, keep, narrow, type Tensor } from '@mudpt/tensor';
import type { Batch, BatchLoader, Dataset, Item } from '../data/index.ts';
import { type Method, methodContext, methodNamed, type PromptMethod } from '../methods/index.ts';
import { NotFiniteError } from '../train/finite.ts';
import { type Budget, heldBytes } from '../memory/choice.ts';
import { type Metrics, metricsOf } from './metrics.ts';

export interface ScoringOptions {
  /** Pictures at once. */
  readonly batch: number;
  readonly signal?: AbortSignal;
  /** Labels kept per picture. Default 5. */
  readonly keep?: number;
  /** Called with the number of pictures done. */
  readonly onProgress?: (done: number) => void;
  /** Called with the scores of each batch as they come. */
  readonly onScores?: (scores: readonly Score[]) => void;
}

/** What one picture is taken for. */
export interface Score {
  readonly item: Item;
  /** The likeliest labels with their probabilities, best first, as many as were asked for. */
  readonly top: readonly (readonly [label: number, probability: number])[];
  /** Cross-entropy against the item's label. */
  readonly loss: number;
}

/**
 * The most pictures that go through a method at once: as many as asked for, while the widest activation (the hidden layer of a block, or
 * the texts of all images) fits a storage binding of the device, and all that lives at once fits what is left of the budget.
 */
export function scoringBatch({ device, config }: Clip, wanted: number, method?: Method, budget?: Budget): number {
  const { image, embed } = config;
  const rows = 2 + (image.size / image.patch) ** 2 + 16; // the class token, patches, and room for prompts
  const texts = method?.kind === 'prompts' ? method.textsPerImage * embed : 0;
  const widest = Math.max(rows * Math.max(image.hidden, 3 * image.width), texts);
  const most = Math.floor(device.limits.maxStorageBufferBindingSize / (4 * widest));
  if (!budget) return Math.max(1, Math.min(wanted, most));
  const fitting = Math.floor((budget.bytes - heldBytes(device)) / (scoringBytes(image, rows) + TEXT_COPIES * 4 * texts));
  return Math.max(1, Math.min(wanted, most, fitting));
}

/** Text features of every image: one by one, stacked, normalised; and what the pool rounds up. */
const TEXT_COPIES = 3;

/** At most so much lives at once for each picture: a block's widest moment, the picture itself, and a quarter that the pool rounds up. */
function scoringBytes({ width, hidden, size }: Clip['config']['image'], rows: number): number {
  return 1.25 * 4 * (rows * (6 * width + hidden) + 6 * size ** 2);
}

/** Runs pictures through a method. Text features are computed once, where they do not depend on the picture. */
export async function scoreMethod(
  clip: Clip,
  method: PromptMethod,
  loader: BatchLoader,
  items: readonly Item[],
  options: ScoringOptions,
): Promise<Score[]> {
  const texts = method.textFeatures();
  try {
    const run = capture<'images', Tensor>(({ images }) => method.evaluate(images, texts), { device: clip.device });
    const scores: Score[] = [];
    try {
      for await (const batch of padded(loader, items, options)) {
        const logits = await run({ images: batch.input }).data();
        const ranked = rank(batch, logits as Float32Array, method.classNames.length, options.keep);
        for (const one of ranked) scores.push(one);
        options.onScores?.(ranked);
        options.onProgress?.(scores.length);
      }
    } finally {
      run.dispose();
    }
    return scores;
  } finally {
    texts?.dispose();
  }
}

export interface Features {
  /** [N, embed], not normalised. */
  readonly features: Tensor;
  /** Those that could be read, in their order. */
  readonly items: readonly Item[];
  readonly labels: Int32Array;
}

/** Features of the frozen image tower. The caller disposes them. `batches`: other batches than the items in order (augmented ones). */
export async function imageFeatures(
  clip: Clip,
  loader: BatchLoader,
  items: readonly Item[],
  options: ScoringOptions & { readonly batches?: AsyncIterable<Batch> },
): Promise<Features> {
  const { image, device, config } = clip;
  if (!image) throw new TypeError('the model has no image tower');
  const run = capture<'images', Tensor>(({ images }) => image.forward(images), { device });
  const parts: Tensor[] = [];
  const seen: Item[] = [];
  try {
    for await (const batch of padded(loader, items, options)) {
      const features = run({ images: batch.input });
      // The captured result is overwritten by the next batch.
      const part = keep(empty(device, [batch.items.length, config.embed]));
      using rows = narrow(features, 0, 0, batch.items.length);
      copyInto(part, rows);
      parts.push(part);
      for (const item of batch.items) seen.push(item);
      options.onProgress?.(seen.length);
      // Without a wait now and then the host would run ahead of the device by the whole set.
      if (parts.length % 8 === 0) await device.synchronize();
    }
    const labels = Int32Array.from(seen, ({ label }) => label);
    if (parts.length === 0) return { features: keep(empty(device, [0, config.embed])), items: seen, labels };
    return { features: keep(cat(parts, 0)), items: seen, labels };
  } finally {
    run.dispose();
    for (const part of parts) part.dispose();
  }
}

/** Features whose logits are made at once. */
const FEATURES_AT_ONCE = 1000;

/** Scores of features by any function of a part of them to logits. */
export async function scoreLogits(
  { features, items }: Pick<Features, 'features' | 'items'>,
  classes: number,
  logitsOf: (features: Tensor) => Tensor,
  keep?: number,
): Promise<Score[]> {
  const scores: Score[] = [];
  for (let from = 0; from < items.length; from += FEATURES_AT_ONCE) {
    const own = items.slice(from, from + FEATURES_AT_ONCE);
    using rows = narrow(features, 0, from, own.length);
    using logits = logitsOf(rows);
    for (const one of rank({ items: own }, (await logits.data()) as Float32Array, classes, keep)) scores.push(one);
  }
  return scores;
}

/** Scores of the frozen model, with the data set's own template. */
export async function scoreZeroShot(
  clip: Clip,
  features: Features,
  { classNames, template }: Pick<Dataset, 'classNames' | 'template'>,
): Promise<Score[]> {
  const context = await methodContext(clip, { classNames, template, seed: 0 });
  const method = methodNamed('zero-shot').create(context, {});
  try {
    if (method.kind !== 'features') throw new TypeError('zero-shot is a method on features');
    const { evaluate } = method;
    return await scoreLogits(features, classNames.length, (rows) => evaluate.call(method, rows));
  } finally {
    method.dispose();
  }
}

export function metricsOfScores(scores: readonly Score[], classes: number): Metrics {
  return metricsOf(
    scores.map(({ item }) => item.label),
    scores.map(({ top }) => top[0]?.[0] ?? 0),
    classes,
  );
}

/**
 * Ranks each row of logits [at least items, classes]; of equal logits the first label wins, as argmax has it.
 * @throws NotFiniteError naming the image whose logits are not finite: a NaN is never told as a probability
 */
export function rank({ items }: { readonly items: readonly Item[] }, logits: Float32Array, classes: number, keep = 5): Score[] {
  return items.map((item, row) => {
    const own = logits.subarray(row * classes, (row + 1) * classes);
    const most = own.reduce((a, b) => Math.max(a, b), -Infinity);
    const total = own.reduce((sum, value) => sum + Math.exp(value - most), 0);
    if (!own.every(Number.isFinite))
      throw new NotFiniteError(
        'scoring',
        `the scores of ${item.id} are not finite`,
        'use f32 if this is f16; else what was learnt, or the base model, is damaged: train again, or fetch it again',
      );
    const order = Array.from(own.keys()).sort((a, b) => (own[b] ?? 0) - (own[a] ?? 0) || a - b);
    return {
      item,
      top: order.slice(0, keep).map((label) => [label, Math.exp((own[label] ?? 0) - most) / total] as const),
      loss: Math.log(total) + most - (own[item.label] ?? 0),
    };
  });
}

interface PaddedBatch extends Batch {
  readonly input: { readonly data: Float32Array; readonly shape: readonly number[] };
}

/** Batches of one shape: the last is filled up with zeros, so that nothing is recorded and compiled for it alone. */
async function* padded(
  loader: BatchLoader,
  items: readonly Item[],
  {
    batch,
    signal,
    batches = loader.inOrder(items, Math.min(batch, items.length)),
  }: ScoringOptions & { batches?: AsyncIterable<Batch> },
): AsyncGenerator<PaddedBatch> {
  let whole: number | undefined;
  for await (const own of batches) {
    signal?.throwIfAborted();
    whole ??= own.images.length;
    const perImage = own.images.length / own.items.length;
    const [count, side] = [whole / perImage, Math.sqrt(perImage / 3)];
    const data = own.images.length === whole ? own.images : new Float32Array(whole);
    if (data !== own.images) data.set(own.images);
    yield { ...own, input: { data, shape: [count, 3, side, side] } };
  }
}
