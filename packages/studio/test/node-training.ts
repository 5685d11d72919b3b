/**
 * The training of an exported project in Node: `tsx node-training.ts PROJECT_FOLDER EPOCHS` prints the losses of its steps as JSON. Images
 * come in the order of the page: by class, then by id.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { loadClip } from '@mudpt/clip';
import { Device } from '@mudpt/tensor';
import { augmentationOf, type Item, type MetricsLine, methodNamed, trainPrompts, type TrainingSettings } from 'mudpt';
import { datasetOf } from '../src/model/dataset.ts';
import { loaderOf } from '../src/model/features.ts';
import { createMethod } from '../src/model/learn.ts';
import { resolveSettings } from '../src/model/settings.ts';
import { sidesOf } from '../src/project/split.ts';
import type { Project } from '../src/project/types.ts';

type Written = Project & { readonly images: readonly { readonly id: string; readonly path: string }[] };

const [folder = '.'] = process.argv.slice(2);
const project = JSON.parse(await readFile(join(folder, 'project.json'), 'utf8')) as Written;
const { classes, template, request } = project;
const sides = sidesOf(project);
const labels = new Map(classes.map(({ id }, label) => [id, label]));
const sorted = [...project.images].sort(
  (a, b) => (labels.get(a.classId) ?? 0) - (labels.get(b.classId) ?? 0) || (a.id < b.id ? -1 : 1),
);
const items = await Promise.all(
  sorted.map(async ({ id, classId, path }) => ({
    id,
    label: labels.get(classId) ?? 0,
    image: new Blob([await readFile(join(folder, path))]),
  })),
);
const of = (side: string): typeof items => items.filter(({ id }) => sides.get(id) === side);
const dataset = datasetOf(
  { classNames: classes.map(({ name }) => name), template, train: of('train'), test: of('test') },
  request,
);

const device = await Device.open();
const clip = await loadClip(fileURLToPath(new URL('../../mudpt/assets/clip', import.meta.url)), { device });
const { text, image } = clip.config;
const resolved = resolveSettings(request, { kind: 'embedded', layers: { text: text.layers, image: image.layers } });
const settings = resolved.training as TrainingSettings;
methodNamed(request.method);
const method = await createMethod(clip, { ...request, settings: resolved.settings }, dataset);
if (method.kind !== 'prompts') throw new Error(`${request.method} is fitted`);
const lines: MetricsLine[] = [];
const train: Item[] = [...dataset.splits.train];
await trainPrompts({
  clip,
  method,
  loader: loaderOf(clip, { seed: request.seed, augment: augmentationOf(settings) }),
  train,
  val: [],
  settings,
  loop: { accumulate: 1, patience: 0, evaluationBatch: 100, logEvery: 5, checkpointSeconds: 1e6 },
  budget: { bytes: 2 ** 40, isAsked: false },
  recorder: {
    restore: () => Promise.resolve(undefined),
    log: async (line) => void lines.push(line),
    save: () => Promise.resolve(),
  },
});
console.log(`@@${JSON.stringify({ adapter: device.adapter.name, losses: lines.map(({ loss }) => loss) })}`);
process.exit(0);
