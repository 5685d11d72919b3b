/** What a published model can do, measured on the images of the down-stream sets. */
import { type Clip, loadClip } from '@mudpt/clip';
import { type Device, tensor } from '@mudpt/tensor';
import { classNames } from '../datasets/icons/classes.ts';
import { readManifest } from '../datasets/icons/manifest.ts';
import { ICON_SETS, ICON_TEMPLATE, type Place } from '../datasets/icons/sets.ts';
import { heldOutStyles } from '../datasets/icons/styles.ts';
import { VIEW } from '../datasets/icons/view.ts';
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

/** Percentages. */
export type ModelReport = {
  readonly chance: number;
  /** Test concepts, and concepts that were trained, in the styles that were trained and in each held-out one. */
  readonly zeroShot: Readonly<Record<string, number>>;
  readonly meanPixels: Readonly<Record<string, number>>;
  readonly retrieval: { readonly pairs: number; readonly recallAt1: number; readonly recallAt5: number };
  /** On validation: what a linear probe on frozen features gains over zero-shot. */
  readonly validation: Readonly<Record<string, { readonly zeroShot: number; readonly linearProbe: number }>>;
};

/** Pairs of images in held-out styles and their labels, for retrieval. */
const PAIRS = 500;

/**
 * Measures the model in `folder`.
 * @param from package.json of the folder with all icon packages
 */
export async function reportOn(folder: string, device: Device, from: string | URL): Promise<ModelReport> {
  using clip = await loadClip(folder, { device, dtype: 'f32' });
  const classes = await textFeatures(
    clip,
    classNames.map((name) => ICON_TEMPLATE.replace('{}', name)),
  );
  const trained = await probesOf({ styles: 'seen', concepts: 'seen', every: 4 }, from);
  const sets: Record<string, Probe[]> = {
    'test concepts, seen styles': await probesOf({ styles: 'seen', concepts: 'test' }, from),
    'seen concepts, seen styles': trained,
  };
  for (const style of heldOutStyles)
    sets[`test concepts, ${style}`] = await probesOf({ styles: [style], concepts: 'test' }, from);
  sets['test concepts, held-out styles'] = heldOutStyles.flatMap((style) => sets[`test concepts, ${style}`] ?? []);
  const zeroShot: Record<string, number> = {};
  const meanPixels: Record<string, number> = {};
  for (const [name, probes] of Object.entries(sets)) {
    zeroShot[name] = zeroShotAccuracy(await imageFeatures(clip, probes, device), labelsOf(probes), classes);
    if (probes !== trained) meanPixels[name] = meanPixelAccuracy(trained, probes);
  }
  const all = await probesOf({ styles: 'held-out', concepts: 'all', withoutClass: true }, from);
  const pairs = all.filter(
    (_, index) => Math.floor(((index + 1) * PAIRS) / all.length) > Math.floor((index * PAIRS) / all.length),
  );
  const [images, texts] = [
    await imageFeatures(clip, pairs, device),
    await textFeatures(
      clip,
      pairs.map(({ caption }) => caption),
    ),
  ];
  const retrieval = { pairs: pairs.length, recallAt1: recallAt(1, images, texts), recallAt5: recallAt(5, images, texts) };
  const validation: Record<string, { zeroShot: number; linearProbe: number }> = {};
  for (const { name, deal } of ICON_SETS) {
    const places = deal(await readManifest());
    if (places.val.length === 0) continue;
    const [train, val] = [await render(places.train, from), await render(places.val, from)];
    validation[name] = {
      zeroShot: zeroShotAccuracy(await imageFeatures(clip, val, device), labelsOf(val), classes),
      linearProbe: await probeLinearly(clip, train, val, device),
    };
  }
  return { chance: 100 / classNames.length, zeroShot, meanPixels, retrieval, validation };
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
async function probeLinearly(clip: Clip, train: readonly Probe[], val: readonly Probe[], device: Device): Promise<number> {
  const probe = new LinearProbe({ device, embed: clip.config.embed, classNames }, linearProbeSettings.parse(PROBE));
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
