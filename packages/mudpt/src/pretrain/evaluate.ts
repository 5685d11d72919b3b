/** What a pretrained model can do: zero-shot classification, retrieval, a linear probe; and the baseline of mean pixels. */
import { type Device, scope, tensor } from '@mudpt/tensor';
import { nth } from '@mudpt/tensor/internal';
import { type Clip, normalize } from '@mudpt/clip';
import { noGrad } from '@mudpt/autograd';
import { IconSet, type View } from '../datasets/icons/rendering/render.ts';

/** One image to evaluate on. */
export type Probe = {
  /** RGB [size, size, 3]. */
  readonly pixels: Uint8Array;
  readonly style: string;
  readonly icon: string;
  /** Its class; -1 for none. */
  readonly label: number;
  /** Its own caption, for retrieval. */
  readonly caption: string;
};

/** Renders images as the down-stream sets do. */
export async function renderProbes(list: readonly Omit<Probe, 'pixels'>[], view: View, from: string | URL): Promise<Probe[]> {
  const sets = new Map<string, IconSet>();
  const probes: Probe[] = [];
  for (const entry of list) {
    const set = sets.get(entry.style) ?? (await IconSet.open(entry.style, from));
    sets.set(entry.style, set);
    probes.push({ ...entry, pixels: await set.rgb(entry.icon, view) });
  }
  return probes;
}

/** Unit features of images, [count, embed] on the host. @throws TensorError for a model without an image tower */
export async function imageFeatures(clip: Clip, probes: readonly Probe[], device: Device): Promise<Float32Array[]> {
  const tower = clip.tower('image');
  const { size } = tower.config;
  const rows: Float32Array[] = [];
  for (let at = 0; at < probes.length; at += 64) {
    const part = probes.slice(at, at + 64).map(({ pixels }) => pixels);
    using images = tensor(normalize(part, size), { shape: [part.length, 3, size, size], device });
    using features = noGrad(() => scope(() => tower.forward(images)));
    rows.push(...unitRows(await features.data(), clip.config.embed));
  }
  return rows;
}

/** Unit features of texts; texts longer than `tokens` are cut as in training. */
export async function textFeatures(clip: Clip, texts: readonly string[]): Promise<Float32Array[]> {
  using features = await clip.encodeText(texts, { onTooLong: 'truncate' });
  return unitRows(await features.data(), clip.config.embed);
}

function unitRows(values: ArrayLike<number>, width: number): Float32Array[] {
  return Array.from({ length: values.length / width }, (_, row) => {
    const feature = Float32Array.from({ length: width }, (__, column) => nth(values, row * width + column));
    const length = Math.hypot(...feature);
    return feature.map((value) => value / length);
  });
}

export function dot(a: Float32Array, b: Float32Array): number {
  let sum = 0;
  for (let index = 0; index < a.length; index++) sum += nth(a, index) * nth(b, index);
  return sum;
}

/** Index of the row most similar to `feature`; the first of equals. */
function nearest(feature: Float32Array, rows: readonly Float32Array[]): number {
  let best = 0;
  let most = -Infinity;
  for (const [index, row] of rows.entries()) {
    const similarity = dot(feature, row);
    if (similarity > most) [best, most] = [index, similarity];
  }
  return best;
}

/** Part of `features` whose nearest class text is their own, in percent. NaN for none. */
export function zeroShotAccuracy(
  features: readonly Float32Array[],
  labels: readonly number[],
  classes: readonly Float32Array[],
): number {
  const hits = features.filter((feature, index) => nearest(feature, classes) === labels[index]).length;
  return (100 * hits) / features.length;
}

/**
 * Part of the images whose own caption is among the `k` most similar ones, in percent. Equal captions count as one text.
 */
export function recallAt(k: number, images: readonly Float32Array[], texts: readonly Float32Array[]): number {
  const hits = images.filter((image, index) => {
    const similarityOfCaption = dot(image, nth(texts, index));
    const better = new Set(texts.map((text) => dot(image, text)).filter((similarity) => similarity > similarityOfCaption));
    return better.size < k;
  }).length;
  return (100 * hits) / images.length;
}

/** Classifies each image of `test` by the nearest class mean of the raw pixels of `train`, in percent. */
export function meanPixelAccuracy(train: readonly Probe[], test: readonly Probe[]): number {
  const means = new Map<number, Float64Array>();
  for (const label of new Set(train.map((probe) => probe.label))) {
    const members = train.filter((probe) => probe.label === label);
    const mean = new Float64Array(nth(members, 0).pixels.length);
    for (const { pixels } of members) for (const [index, value] of pixels.entries()) mean[index] = nth(mean, index) + value;
    means.set(
      label,
      mean.map((value) => value / members.length),
    );
  }
  const hits = test.filter(({ pixels, label }) => {
    let best = -1;
    let least = Infinity;
    for (const [candidate, mean] of means) {
      let distance = 0;
      for (const [index, value] of pixels.entries()) distance += (value - nth(mean, index)) ** 2;
      if (distance < least) [best, least] = [candidate, distance];
    }
    return best === label;
  }).length;
  return (100 * hits) / test.length;
}
