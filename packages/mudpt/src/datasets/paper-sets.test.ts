import { join } from 'node:path';
import { expect, it } from 'vitest';
import { put, temporaryFolder } from '@mudpt/testing/files';
import { shapeImage } from '@mudpt/testing/images';
import { openDataset } from './registry.ts';

const image = shapeImage('red circle', 0);

it('reads a published split in its folder, with the template of the set', async () => {
  await using root = await temporaryFolder();
  await put(join(root.path, 'eurosat', '2750', 'Forest', '1.png'), image);
  const open = () => openDataset('eurosat', { root: root.path });
  await expect(open()).rejects.toThrow(/split_zhou_EuroSAT\.json is missing/);
  const rows = [['Forest/1.png', 0, 'Forest']];
  await put(join(root.path, 'eurosat', 'split_zhou_EuroSAT.json'), JSON.stringify({ train: rows, val: [], test: rows }));
  const opened = await open();
  expect([opened.name, opened.template]).toEqual(['eurosat', 'a centered satellite photo of {}.']);
  expect(opened.splits.test[0]?.image).toBe(join(root.path, 'eurosat', '2750', 'Forest', '1.png'));
});

it('says which folder is missing, or which picture', async () => {
  await using root = await temporaryFolder();
  await expect(openDataset('dtd', { root: root.path })).rejects.toThrow(/dtd is not there.*--root/);
  await put(join(root.path, 'dtd', 'images', 'banded', '1.jpg'), image);
  const rows = [['banded/2.jpg', 0, 'banded']];
  await put(join(root.path, 'dtd', 'split_zhou_DescribableTextures.json'), JSON.stringify({ train: rows, val: [], test: rows }));
  await expect(openDataset('dtd', { root: root.path })).rejects.toThrow(/2\.jpg, the first train picture, is not there/);
});

it("reads Aircraft's official lists", async () => {
  await using root = await temporaryFolder();
  const folder = join(root.path, 'fgvc_aircraft');
  await put(join(folder, 'variants.txt'), '707-320\nF/A-18 B\n');
  await put(join(folder, 'images', '0034309.jpg'), image);
  for (const split of ['train', 'val', 'test']) await put(join(folder, `images_variant_${split}.txt`), '0034309 F/A-18 B\n');
  const { classNames, splits } = await openDataset('fgvc_aircraft', { root: root.path });
  expect([classNames, splits.val[0]?.label]).toEqual([['707-320', 'F/A-18 B'], 1]);
});

it('labels ImageNet by sorted folder, V2 by number, and A by the folders it has', async () => {
  await using root = await temporaryFolder();
  const names = 'n01 tench\nn02 missile\nn03 missile\n';
  for (const id of ['n01', 'n02', 'n03'])
    for (const part of ['train', 'val']) await put(join(root.path, 'imagenet', 'images', part, id, 'x.JPEG'), image);
  await put(join(root.path, 'imagenet', 'classnames.txt'), names);
  const imagenet = await openDataset('imagenet', { root: root.path });
  expect(imagenet.classNames).toEqual(['tench', 'missile', 'missile']);
  expect(imagenet.splits.test.map(({ id, label }) => [id, label])).toEqual([
    ['n01/x.JPEG', 0],
    ['n02/x.JPEG', 1],
    ['n03/x.JPEG', 2],
  ]);
  await put(join(root.path, 'imagenet-adversarial', 'imagenet-a', 'n03', 'x.jpg'), image);
  await put(join(root.path, 'imagenet-adversarial', 'imagenet-a', 'README.txt'), '');
  await put(join(root.path, 'imagenet-adversarial', 'classnames.txt'), names);
  const a = await openDataset('imagenet_a', { root: root.path });
  expect([a.classNames, a.splits.test[0]?.label, a.splits.train.length]).toEqual([['missile'], 0, 0]);
  for (const id of ['0', '1', '2'])
    await put(join(root.path, 'imagenetv2', 'imagenetv2-matched-frequency-format-val', id, 'x.jpeg'), image);
  await put(join(root.path, 'imagenetv2', 'classnames.txt'), names);
  const v2 = await openDataset('imagenetv2', { root: root.path });
  expect(v2.splits.test.map(({ label }) => label)).toEqual([0, 1, 2]);
});
