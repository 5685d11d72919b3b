/** The conformance kit on every registered data set, over a tree of its layout; and faulty ones, which it must reject. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { put, temporaryFolder } from '@mudpt/testing/files';
import { shapeImage, writeShapes } from '@mudpt/testing/images';
import type { Dataset } from '../data/dataset.ts';
import type { DatasetContents, DatasetDefinition } from '../data/definition.ts';
import { openFolder } from '../data/folder.ts';
import { readManifest } from '../datasets/icons/concepts/manifest.ts';
import { DEFAULT_ICON_SET, ICON_SETS } from '../datasets/icons/sets.ts';
import { datasetDefinitions } from '../datasets/registry.ts';
import { datasetChecks, type DatasetConformanceCheck } from './datasets.ts';

const image = shapeImage('red circle', 0);
const CLASSES = ['tabby cat', 'tree frog', 'airliner'];

/** A published split file with an image of each class in each split. */
const zhou = (folder: string, images: string, name: string) => async (root: string) => {
  const rows = (split: string) => CLASSES.map((word, label) => [`${word}/${split}.jpg`, label, word]);
  const all = { train: rows('train'), val: rows('val'), test: rows('test') };
  for (const [path] of Object.values(all).flat()) await put(join(root, folder, images, String(path)), image);
  await put(join(root, folder, `split_zhou_${name}.json`), JSON.stringify(all));
};

/** Folders by WordNet id, and their names. */
const wordNet =
  (folder: string, ...parts: readonly string[]) =>
  async (root: string) => {
    for (const part of parts)
      for (const [label] of CLASSES.entries())
        await put(join(root, folder, part, `n0${label}`, `${part.length}-${label}.JPEG`), image);
    await put(join(root, folder, 'classnames.txt'), CLASSES.map((name, label) => `n0${label} ${name}\n`).join(''));
  };

async function aircraft(root: string): Promise<void> {
  const folder = join(root, 'fgvc_aircraft');
  await put(join(folder, 'variants.txt'), CLASSES.map((name) => `${name}\n`).join(''));
  for (const [at, split] of ['train', 'val', 'test'].entries()) {
    await put(join(folder, `images_variant_${split}.txt`), CLASSES.map((name, label) => `${at}${label} ${name}\n`).join(''));
    for (const label of CLASSES.keys()) await put(join(folder, 'images', `${at}${label}.jpg`), image);
  }
}

/** Empty files where a set's drawings would be rendered. */
const icons = (wanted: string) => async (root: string) => {
  const set = ICON_SETS.find(({ name }) => name === wanted);
  if (!set) throw new Error(`there is no set ${wanted}`);
  const { train, val, test } = set.deal(await readManifest());
  const files = [...train, ...val, ...test].map(({ style, icon }) => join(root, 'icons', style, `${icon}.png`));
  for (const folder of new Set(files.map((file) => dirname(file)))) await mkdir(folder, { recursive: true });
  await Promise.all(files.map((file) => writeFile(file, '')));
};

const V2 = 'imagenetv2-matched-frequency-format-val';

/** How to lay out each data set below a root, or a form at the path it returns. */
const LAYOUTS: Readonly<Record<string, (root: string) => Promise<string | void>>> = {
  imagenet: wordNet('imagenet', 'images/train', 'images/val'),
  caltech101: zhou('caltech-101', '101_ObjectCategories', 'Caltech101'),
  oxford_pets: zhou('oxford_pets', 'images', 'OxfordPets'),
  stanford_cars: zhou('stanford_cars', '', 'StanfordCars'),
  oxford_flowers: zhou('oxford_flowers', 'jpg', 'OxfordFlowers'),
  food101: zhou('food-101', 'images', 'Food101'),
  fgvc_aircraft: aircraft,
  sun397: zhou('sun397', 'SUN397', 'SUN397'),
  dtd: zhou('dtd', 'images', 'DescribableTextures'),
  eurosat: zhou('eurosat', '2750', 'EuroSAT'),
  ucf101: zhou('ucf101', 'UCF-101-midframes', 'UCF101'),
  async imagenetv2(root) {
    await wordNet('imagenetv2')(root);
    for (const label of CLASSES.keys()) await put(join(root, 'imagenetv2', V2, String(label), `${label}.jpeg`), image);
  },
  imagenet_sketch: wordNet('imagenet-sketch', 'images'),
  imagenet_a: wordNet('imagenet-adversarial', 'imagenet-a'),
  imagenet_r: wordNet('imagenet-rendition', 'imagenet-r'),
  icons: icons(DEFAULT_ICON_SET),
  ...Object.fromEntries(ICON_SETS.map(({ name }) => [name, icons(name)])),
  async 'class-folders'(root) {
    await writeShapes(join(root, 'shapes'), { '': 4 });
    return join(root, 'shapes');
  },
  async 'split-folder'(root) {
    await zhou('some', '', 'Some')(root);
    return join(root, 'some');
  },
  async 'split-json'(root) {
    await zhou('some', '', 'Some')(root);
    return join(root, 'some', 'split_zhou_Some.json');
  },
  async csv(root) {
    const lines = CLASSES.flatMap((name) => [0, 1, 2, 3].map((at) => [`${name}/${at}.png`, name]));
    for (const [path] of lines) await put(join(root, 'table', String(path)), image);
    await put(join(root, 'table', 'all.csv'), ['path,class', ...lines.map((line) => line.join(','))].join('\n'));
    return join(root, 'table', 'all.csv');
  },
};

it('every data set of the table is here', () => {
  expect(Object.keys(LAYOUTS).sort()).toEqual(
    datasetDefinitions()
      .map(({ name }) => name)
      .sort(),
  );
});

describe.each(datasetDefinitions().map((definition) => [definition.name, definition] as const))('%s', (name, definition) => {
  let root: string;
  let checks: readonly DatasetConformanceCheck[];
  beforeAll(async () => {
    root = await mkdtemp(join(tmpdir(), 'mudpt-layout-'));
    checks = datasetChecks(definition, { at: (await LAYOUTS[name]?.(root)) ?? root });
  });
  afterAll(() => rm(root, { recursive: true }));
  // The place is known once the layout is there; the checks of a definition are the same anywhere.
  it.each(datasetChecks(definition, { at: '' }).map((check) => check.name))('%s', async (check) => {
    const found = checks.find((one) => one.name === check);
    if (!found) throw new Error(`there is no check ${check}`);
    await found.run();
  });
});

describe('the kit finds', () => {
  const good: DatasetDefinition = {
    name: 'shapes',
    summary: 'coloured shapes',
    template: 'a {}.',
    async read(folder) {
      const { classNames, splits } = await openFolder(folder);
      return { classNames, splits };
    },
  };
  /** What the kit says of the definition when what it reads is spoiled. */
  async function complaints(
    spoil: (contents: DatasetContents) => object,
    more: Partial<DatasetDefinition> = {},
  ): Promise<string[]> {
    await using root = await temporaryFolder();
    await writeShapes(join(root.path, 'shapes'), { train: 2, test: 1 });
    const read: DatasetDefinition['read'] = async (folder, options) => {
      const contents = await good.read(folder, options);
      return { ...contents, ...spoil(contents) };
    };
    const said: string[] = [];
    for (const { name, run } of datasetChecks({ ...good, read, ...more }, { at: root.path }))
      await run().catch((error: unknown) => said.push(`${name}: ${String(error)}`));
    return said;
  }
  const trained = (
    splits: Dataset['splits'],
    change: (item: Dataset['splits']['train'][number], at: number) => object,
  ): object => ({
    splits: { ...splits, train: splits.train.map((item, at) => ({ ...item, ...change(item, at) })) },
  });

  it('nothing in a good one', async () => {
    expect(await complaints(() => ({}))).toEqual([]);
  });

  it.each<[string, RegExp, (contents: DatasetContents) => object, Partial<DatasetDefinition>?]>([
    ['another order each time', /same items: .*twice gives other items/, once()],
    [
      'a class without images',
      /every class has an image where.*: .*has no image of nothing/,
      ({ classNames }) => ({ classNames: [...classNames, 'nothing'] }),
    ],
    [
      'a path that is none',
      /has no file absent\.png/,
      ({ splits }) => trained(splits, (_, at) => (at > 0 ? {} : { image: 'absent.png' })),
    ],
    [
      'a test image in training',
      /has train\/blue_cross\/0\.png in train and test/,
      ({ splits }) => ({ splits: { ...splits, test: [...splits.test, splits.train[0]] } }),
    ],
    ['an id twice', /has same in train twice/, ({ splits }) => trained(splits, () => ({ id: 'same' }))],
    [
      'names that say nothing',
      /1 class name says nothing/,
      ({ classNames }) => ({ classNames: ['class_1', ...classNames.slice(1)] }),
    ],
    ['two places', /template with 2 places/, () => ({ template: 'a {} like a {}.' })],
    [
      'a class that gives no shot',
      /few shots.*has no training|few shots.*no training picture/,
      ({ splits }) => ({ splits: { ...splits, train: splits.train.filter(({ label }) => label > 0) } }),
    ],
    [
      'a missing folder that is read',
      /missing folder.*reads a folder that is not there/,
      () => ({}),
      { read: () => Promise.resolve(fixed()), recognizes: () => Promise.resolve(true) },
    ],
  ])('%s', async (_, message, spoil, more) => {
    expect((await complaints(spoil, more)).join('\n')).toMatch(message);
  });
});

function once(): (contents: DatasetContents) => object {
  let turn = 0;
  return ({ splits }) => (turn++ % 2 === 0 ? {} : { splits: { ...splits, train: [...splits.train].reverse() } });
}

function fixed(): DatasetContents {
  const items = ['a', 'b'].map((id, label) => ({ id, image: new Uint8Array([1]), label }));
  return { classNames: ['cat', 'dog'], splits: { train: items, val: [], test: [] } };
}
