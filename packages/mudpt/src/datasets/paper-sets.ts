/**
 * The eleven data sets of CoOp's protocol and the four shifted ImageNets, in the folders CoOp's DATASETS.md puts them.
 *
 * Splits are the published ones (`split_zhou_<Name>.json`; official lists for Aircraft and ImageNet). The published code makes a new
 * random split where the file is missing, which gives other numbers without saying so; here that is an error.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { listFolder } from '@mudpt/clip/files';
import { FormatError, InputError } from '@mudpt/tensor';
import { type Dataset, type Item, SPLITS } from '../data/dataset.ts';
import type { DatasetDefinition } from '../data/definition.ts';
import { exists } from '../data/files.ts';
import { parseClassNames } from '../data/folder.ts';
import { openSplitJson } from '../data/split-json.ts';

/** A published set: its folder, and the reader of its lists. */
interface PaperSet {
  /** Folder under the root of all data sets. */
  readonly folder: string;
  /** Folder of the pictures in it; '' where paths begin in the folder itself. */
  readonly images: string;
  readonly template: string;
  /** Reads the splits of the set in `folder` with its pictures in `images`. */
  readonly read: (places: Places) => Promise<Pick<Dataset, 'classNames' | 'splits'>>;
}

interface Places {
  readonly folder: string;
  readonly images: string;
}

const PHOTO = 'a photo of a {}.';

const zhou =
  (name: string): PaperSet['read'] =>
  async ({ folder, images }) =>
    openSplitJson(await expectThere(join(folder, `split_zhou_${name}.json`)), { images });

function paper(name: string, { folder, images: below, template, read }: PaperSet): DatasetDefinition {
  return {
    name,
    summary: 'its published split, as the papers measured it',
    folder,
    source: "CoOp's DATASETS.md describes",
    template,
    async read(place) {
      const images = join(place, below);
      if (!(await exists(images)))
        throw new InputError(name, `${images} is not there`, "arrange it as CoOp's DATASETS.md describes");
      const { classNames, splits } = await read({ folder: place, images });
      await expectFirstImages(name, splits);
      return { classNames, splits, origin: { path: images, division: 'its published split' } };
    },
  };
}

export const PAPER_SETS: readonly DatasetDefinition[] = [
  paper('imagenet', { folder: 'imagenet', images: 'images', template: PHOTO, read: readImageNet }),
  paper('caltech101', { folder: 'caltech-101', images: '101_ObjectCategories', template: PHOTO, read: zhou('Caltech101') }),
  paper('oxford_pets', {
    folder: 'oxford_pets',
    images: 'images',
    template: 'a photo of a {}, a type of pet.',
    read: zhou('OxfordPets'),
  }),
  paper('stanford_cars', { folder: 'stanford_cars', images: '', template: PHOTO, read: zhou('StanfordCars') }),
  paper('oxford_flowers', {
    folder: 'oxford_flowers',
    images: 'jpg',
    template: 'a photo of a {}, a type of flower.',
    read: zhou('OxfordFlowers'),
  }),
  paper('food101', { folder: 'food-101', images: 'images', template: 'a photo of {}, a type of food.', read: zhou('Food101') }),
  paper('fgvc_aircraft', {
    folder: 'fgvc_aircraft',
    images: 'images',
    template: 'a photo of a {}, a type of aircraft.',
    read: readAircraft,
  }),
  paper('sun397', { folder: 'sun397', images: 'SUN397', template: PHOTO, read: zhou('SUN397') }),
  paper('dtd', { folder: 'dtd', images: 'images', template: '{} texture.', read: zhou('DescribableTextures') }),
  paper('eurosat', { folder: 'eurosat', images: '2750', template: 'a centered satellite photo of {}.', read: zhou('EuroSAT') }),
  paper('ucf101', {
    folder: 'ucf101',
    images: 'UCF-101-midframes',
    template: 'a photo of a person doing {}.',
    read: zhou('UCF101'),
  }),
  paper('imagenetv2', {
    folder: 'imagenetv2',
    images: 'imagenetv2-matched-frequency-format-val',
    template: PHOTO,
    read: readNumbered,
  }),
  paper('imagenet_sketch', { folder: 'imagenet-sketch', images: 'images', template: PHOTO, read: readByWordNet }),
  paper('imagenet_a', { folder: 'imagenet-adversarial', images: 'imagenet-a', template: PHOTO, read: readByWordNet }),
  paper('imagenet_r', { folder: 'imagenet-rendition', images: 'imagenet-r', template: PHOTO, read: readByWordNet }),
];

async function expectFirstImages(name: string, splits: Dataset['splits']): Promise<void> {
  for (const split of SPLITS) {
    const [first] = splits[split];
    if (!first || (await exists(first.image as string))) continue;
    throw new InputError(
      name,
      `${String(first.image)}, the first ${split} picture, is not there`,
      'check that the archive was unpacked whole and lies where its list expects it',
    );
  }
}

async function readLines(path: string): Promise<string[]> {
  const text = await readFile(await expectThere(path), 'utf8');
  return text.split(/\r?\n/).filter((line) => line.trim() !== '');
}

async function expectThere(path: string): Promise<string> {
  if (await exists(path)) return path;
  throw new InputError(
    'data',
    `${path} is missing`,
    "download it as CoOp's DATASETS.md describes; another split would give numbers that compare with nobody's",
  );
}

/** Aircraft: classes in the order of variants.txt; lists of "id variant name". */
async function readAircraft({ folder, images }: Places): Promise<Pick<Dataset, 'classNames' | 'splits'>> {
  const classNames = (await readLines(join(folder, 'variants.txt'))).map((line) => line.trim());
  const labels = new Map(classNames.map((name, label) => [name, label]));
  const read = async (split: string): Promise<Item[]> => {
    const list = join(folder, `images_variant_${split}.txt`);
    return (await readLines(list)).map((line) => {
      const [id = '', ...words] = line.trim().split(' ');
      const label = labels.get(words.join(' '));
      if (label === undefined)
        throw new FormatError('fgvc_aircraft', `${list} has the unknown variant "${words.join(' ')}"`, 'use the official lists');
      return { id: `${id}.jpg`, image: join(images, `${id}.jpg`), label };
    });
  };
  return { classNames, splits: { train: await read('train'), val: await read('val'), test: await read('test') } };
}

/** ImageNet: folders in order are the labels; its validation pictures are the test set, and there is no validation set. */
async function readImageNet({ folder, images }: Places): Promise<Pick<Dataset, 'classNames' | 'splits'>> {
  const train = await readWordNetFolders(join(images, 'train'));
  const { folders } = train;
  const test = await readWordNetFolders(join(images, 'val'), folders);
  return {
    classNames: await wordNetNames(folder, folders),
    splits: { train: train.items, val: [], test: test.items },
  };
}

/** Folders named by WordNet id, those that are there labelled from 0 in their order (ImageNet-A and -R have 200). */
async function readByWordNet({ folder, images }: Places): Promise<Pick<Dataset, 'classNames' | 'splits'>> {
  const { folders, items } = await readWordNetFolders(images);
  return { classNames: await wordNetNames(folder, folders), splits: { train: [], val: [], test: items } };
}

/** ImageNetV2: folders 0 to 999 are places in classnames.txt. */
async function readNumbered({ folder, images }: Places): Promise<Pick<Dataset, 'classNames' | 'splits'>> {
  const file = await expectThere(join(folder, 'classnames.txt'));
  const classNames = [...parseClassNames(await readFile(file, 'utf8'), file).values()];
  const folders = Array.from(classNames, (_, label) => String(label));
  const { items } = await readWordNetFolders(images, folders);
  return { classNames, splits: { train: [], val: [], test: items } };
}

async function wordNetNames(folder: string, ids: readonly string[]): Promise<string[]> {
  const file = await expectThere(join(folder, 'classnames.txt'));
  const names = parseClassNames(await readFile(file, 'utf8'), file);
  return ids.map((id) => {
    const name = names.get(id);
    if (name === undefined)
      throw new FormatError('data', `${file} has no name for the folder ${id}`, "use CoOp's classnames.txt, all 1000 lines");
    return name;
  });
}

/** Pictures of the folders in `path`, sorted (directory order differs from machine to machine). */
async function readWordNetFolders(
  path: string,
  wanted?: readonly string[],
): Promise<{ folders: readonly string[]; items: Item[] }> {
  await expectThere(path);
  const folders = wanted ?? (await listFolder(path)).folders;
  const items: Item[] = [];
  for (const [label, folder] of folders.entries()) {
    await expectThere(join(path, folder));
    // ImageNet's own pictures end in .JPEG.
    const { images } = await listFolder(join(path, folder));
    for (const name of images) items.push({ id: `${folder}/${name}`, image: join(path, folder, name), label });
  }
  return { folders, items };
}
