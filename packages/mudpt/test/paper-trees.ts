/** All 15 data sets of the protocols in their true folder layout, with a few drawn images each. */
import { join } from 'node:path';
import { put } from '@mudpt/testing/files';
import { SHAPE_NAMES, shapeImage } from '@mudpt/testing/images';

/** Images per class of a set. */
export interface TreeSize {
  readonly train: number;
  readonly val: number;
  readonly test: number;
}

/** Folder, images below it, and the class in the split file's name of the sets with a `split_zhou_<Class>.json`. */
const SPLIT_FILES = [
  ['caltech-101', '101_ObjectCategories', 'Caltech101'],
  ['oxford_pets', 'images', 'OxfordPets'],
  ['stanford_cars', '', 'StanfordCars'],
  ['oxford_flowers', 'jpg', 'OxfordFlowers'],
  ['food-101', 'images', 'Food101'],
  ['sun397', 'SUN397', 'SUN397'],
  ['dtd', 'images', 'DescribableTextures'],
  ['eurosat', '2750', 'EuroSAT'],
  ['ucf101', 'UCF-101-midframes', 'UCF101'],
] as const;

/** Sorted as ImageNet's folders are. */
const WORDNET = ['n01440764', 'n01443537', 'n01484850', 'n01491361'];

/** Writes the sets below `root`; images differ from set to set. */
export async function writePaperTrees(
  root: string,
  { train, val, test }: TreeSize = { train: 4, val: 1, test: 3 },
): Promise<void> {
  let variant = 0;
  const drawn = (label: number): Uint8Array => shapeImage(SHAPE_NAMES[label] ?? '', variant++);
  for (const [folder, images, name] of SPLIT_FILES) {
    const splits: Record<string, [path: string, label: number, name: string][]> = { train: [], val: [], test: [] };
    for (const [split, count] of Object.entries({ train, val, test }))
      for (const [label, shape] of SHAPE_NAMES.entries())
        for (let index = 0; index < count; index++) {
          const path = `${shape.replace(' ', '_')}/${split}_${index}.png`;
          await put(join(root, folder, images, path), drawn(label));
          splits[split]?.push([path, label, shape]);
        }
    await put(join(root, folder, `split_zhou_${name}.json`), JSON.stringify(splits));
  }
  const aircraft = join(root, 'fgvc_aircraft');
  await put(join(aircraft, 'variants.txt'), `${SHAPE_NAMES.join('\n')}\n`);
  let id = 0;
  for (const [split, count] of Object.entries({ train, val, test })) {
    const lines: string[] = [];
    for (const [label, shape] of SHAPE_NAMES.entries())
      for (let index = 0; index < count; index++) {
        const name = String(++id).padStart(7, '0');
        await put(join(aircraft, 'images', `${name}.jpg`), drawn(label));
        lines.push(`${name} ${shape}`);
      }
    await put(join(aircraft, `images_variant_${split}.txt`), `${lines.join('\n')}\n`);
  }
  const names = `${WORDNET.map((wordNet, label) => `${wordNet} ${SHAPE_NAMES[label]}`).join('\n')}\n`;
  const byFolder = async (folder: string, folders: readonly (readonly [string, number])[], count: number): Promise<void> => {
    for (const [name, label] of folders)
      for (let index = 0; index < count; index++) await put(join(root, folder, name, `${index}.JPEG`), drawn(label));
  };
  const labelled = WORDNET.map((name, label) => [name, label] as const);
  await put(join(root, 'imagenet', 'classnames.txt'), names);
  await byFolder(join('imagenet', 'images', 'train'), labelled, train);
  await byFolder(join('imagenet', 'images', 'val'), labelled, test);
  for (const folder of ['imagenetv2', 'imagenet-sketch', 'imagenet-adversarial', 'imagenet-rendition'])
    await put(join(root, folder, 'classnames.txt'), names);
  const numbered = WORDNET.map((_, label) => [String(label), label] as const);
  await byFolder(join('imagenetv2', 'imagenetv2-matched-frequency-format-val'), numbered, test);
  await byFolder(join('imagenet-sketch', 'images'), labelled, test);
  // The 200 classes of -A and -R are a part of the thousand.
  await byFolder(join('imagenet-adversarial', 'imagenet-a'), labelled.slice(1, 3), test);
  await byFolder(join('imagenet-rendition', 'imagenet-r'), labelled.slice(0, 3), test);
}
