/** What a published model can do, measured on the images of the down-stream sets. */
import { type Clip, loadClip } from '@mudpt/clip';
import { type Device, tensor } from '@mudpt/tensor';
import { classNames } from '../datasets/icons/concepts/classes.ts';
import { readManifest } from '../datasets/icons/concepts/manifest.ts';
import type { Place } from '../datasets/icons/rendering/place.ts';
import { ICON_SETS, ICON_TEMPLATE } from '../datasets/icons/sets.ts';
import { heldOutStyles } from '../datasets/icons/sources/styles.ts';
import { VIEW } from '../datasets/icons/rendering/view.ts';
import { LinearProbe, linearProbeSettings } from '../methods/linear-probe.ts';
import {
  imageFeatures,
  meanPixelAccuracy,
  type Probe,
  recallAt,
  renderProbes,
  textFeatures,
  zeroShotAccuracy,
} from './evaluate.ts';
import { probesOf } from './material.ts';

/** Share of images whose caption is among the one or five most similar ones of all. */
export type Retrieval = { readonly pairs: number; readonly recallAt1: number; readonly recallAt5: number };

/** Percentages. */
export type ModelReport = {
  readonly chance: number;
  /** Test concepts, and concepts that were trained, in the styles that were trained and in each held-out one; and all concepts in each of these. */
  readonly zeroShot: Readonly<Record<string, number>>;
  readonly meanPixels: Readonly<Record<string, number>>;
  /** From images to labels, by held-out style. */
  readonly retrieval: Readonly<Record<string, Retrieval>>;
  /** On the sets' validation: what a linear probe on frozen features gains over zero-shot, with all training images or some of every class. */
  readonly validation: Readonly<
    Record<string, { readonly zeroShot: number; readonly linearProbe: number; readonly linearProbeOfShots: number }>
  >;
};

/** Most pairs of images and labels of a style, for retrieval. */
const PAIRS = 500;

/** Training images of a class that the smaller probe sees. */
export const PROBE_SHOTS = 16;

/**
 * Measures the model in `folder`.
 * @param from package.json of the folder with all icon packages
 */
export async function reportOn(folder: string, device: Device, from: string | URL): Promise<ModelReport> {
  using clip = await loadClip(folder, { device, dtype: 'f32' });
  const classes = await classFeatures(clip, classNames);
  const trained = await probesOf({ styles: 'seen', concepts: 'seen', every: 4 }, from);
  const sets: Record<string, Probe[]> = {
    'test concepts, seen styles': await probesOf({ styles: 'seen', concepts: 'test' }, from),
    'seen concepts, seen styles': trained,
  };
  const retrieval: Record<string, Retrieval> = {};
  for (const style of heldOutStyles) {
    sets[`test concepts, ${style}`] = await probesOf({ styles: [style], concepts: 'test' }, from);
    sets[`all concepts, ${style}`] = await probesOf({ styles: [style], concepts: 'all' }, from);
    retrieval[style] = await retrievalOf(
      clip,
      await probesOf({ styles: [style], concepts: 'all', withoutClass: true }, from),
      device,
    );
  }
  for (const concepts of ['test', 'all'])
    sets[`${concepts} concepts, held-out styles`] = heldOutStyles.flatMap(
      (style) => sets[`${concepts} concepts, ${style}`] ?? [],
    );
  const zeroShot: Record<string, number> = {};
  const meanPixels: Record<string, number> = {};
  for (const [name, probes] of Object.entries(sets)) {
    zeroShot[name] = zeroShotAccuracy(await imageFeatures(clip, probes, device), labelsOf(probes), classes);
    if (name.startsWith('test')) meanPixels[name] = meanPixelAccuracy(trained, probes);
  }
  return { chance: 100 / classNames.length, zeroShot, meanPixels, retrieval, validation: await validationOf(clip, device, from) };
}

function classFeatures(clip: Clip, names: readonly string[]): Promise<Float32Array[]> {
  return textFeatures(
    clip,
    names.map((name) => ICON_TEMPLATE.replace('{}', name)),
  );
}

/** Retrieval on a sample, spread over all images. */
async function retrievalOf(clip: Clip, all: readonly Probe[], device: Device): Promise<Retrieval> {
  const pairs = all.filter(
    (_, index) => Math.floor(((index + 1) * PAIRS) / all.length) > Math.floor((index * PAIRS) / all.length),
  );
  const images = await imageFeatures(clip, pairs, device);
  const texts = await textFeatures(
    clip,
    pairs.map(({ caption }) => caption),
  );
  return { pairs: pairs.length, recallAt1: recallAt(1, images, texts), recallAt5: recallAt(5, images, texts) };
}

async function validationOf(clip: Clip, device: Device, from: string | URL): Promise<ModelReport['validation']> {
  const results: Record<string, ModelReport['validation'][string]> = {};
  for (const { name, deal } of ICON_SETS) {
    const dealt = deal(await readManifest());
    if (dealt.val.length === 0) continue;
    const [train, val] = [await render(dealt.train, from), await render(dealt.val, from)];
    const names = dealt.classNames;
    results[name] = {
      zeroShot: zeroShotAccuracy(await imageFeatures(clip, val, device), labelsOf(val), await classFeatures(clip, names)),
      linearProbe: await probeLinearly(clip, names, { train, val }, device),
      linearProbeOfShots: await probeLinearly(clip, names, { train: firstShots(train, PROBE_SHOTS), val }, device),
    };
  }
  return results;
}

/** The first images of every class; sets list them in an arbitrary order. */
export function firstShots<T extends { readonly label: number }>(list: readonly T[], shots: number): T[] {
  const taken = new Map<number, number>();
  return list.filter(({ label }) => {
    const before = taken.get(label) ?? 0;
    taken.set(label, before + 1);
    return before < shots;
  });
}

const labelsOf = (probes: readonly Probe[]): number[] => probes.map(({ label }) => label);

function render(places: readonly Place[], from: string | URL): Promise<Probe[]> {
  return renderProbes(
    places.map((place) => ({ ...place, caption: '' })),
    VIEW,
    from,
  );
}

/** Few strengths and iterations: the probe is only to tell whether there is something to gain. */
const PROBE = { strengths: [1e4, 1e2, 1], searchSteps: 0, maxIterations: 60 };

/** Accuracy on `val`, on which the strength is chosen too, as the method's protocol has it. */
async function probeLinearly(
  clip: Clip,
  names: readonly string[],
  { train, val }: { readonly train: readonly Probe[]; readonly val: readonly Probe[] },
  device: Device,
): Promise<number> {
  const settings = { device, embed: clip.config.embed, classNames: names };
  const probe = new LinearProbe(settings, linearProbeSettings.parse(PROBE));
  const featuresOf = async (probes: readonly Probe[]) => {
    const rows = await imageFeatures(clip, probes, device);
    const values = Float32Array.from(rows.flatMap((row) => [...row]));
    return {
      features: tensor(values, { shape: [rows.length, clip.config.embed], device }),
      labels: Int32Array.from(labelsOf(probes)),
    };
  };
  const [a, b] = [await featuresOf(train), await featuresOf(val)];
  try {
    return (await probe.fit({ train: a, val: b, augmented: [] })).valAccuracy ?? Number.NaN;
  } finally {
    a.features.dispose();
    b.features.dispose();
    probe.dispose();
  }
}
