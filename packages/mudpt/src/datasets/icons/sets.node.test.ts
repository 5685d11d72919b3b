import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { expect, it } from 'vitest';
import { openDataset } from '../registry.ts';
import { cardText, dataCard } from './card.ts';
import { readManifest } from './manifest.ts';
import { IconSet } from './render.ts';
import { ICON_SETS } from './sets.ts';
import { STYLES } from './styles.ts';

it('the committed data cards tell what the sets are', async () => {
  const concepts = await readManifest();
  for (const definition of ICON_SETS) {
    const card = dataCard(definition, concepts);
    const read = (suffix: string): Promise<string> =>
      readFile(new URL(`../../../assets/cards/${definition.name}.${suffix}`, import.meta.url), 'utf8');
    expect(JSON.parse(await read('json')), definition.name).toEqual(card);
    expect(await read('md')).toBe(cardText(card));
  }
});

it('every class of the default set has pictures in all splits, and 20 to 40 classes there are', async () => {
  const concepts = await readManifest();
  for (const definition of ICON_SETS.filter(({ name }) => ['icons-concepts', 'icons-styles'].includes(name))) {
    const { classes } = dataCard(definition, concepts);
    for (const [name, counts] of Object.entries(classes))
      expect(Math.min(...counts), `${definition.name}: ${name}`).toBeGreaterThan(0);
  }
});

it('the installed packages have every icon that the sets name', async () => {
  const concepts = await readManifest();
  const sets = new Map(
    await Promise.all(STYLES.filter(({ bundled }) => bundled).map(async ({ name }) => [name, await IconSet.open(name)] as const)),
  );
  for (const { deal } of ICON_SETS) {
    const { train, val, test } = deal(concepts);
    for (const { style, icon } of [...train, ...val, ...test])
      if (STYLES.some(({ name, bundled }) => name === style && bundled)) expect(sets.get(style)?.svg(icon, 64)).toContain('<svg');
  }
});

it('opens as a data set of PNG files, rendered once', async () => {
  const root = await mkdtemp(join(tmpdir(), 'mudpt-icons-'));
  try {
    const dataset = await openDataset('icons-concepts', { root });
    expect(dataset.classNames).toHaveLength(38);
    const [first] = dataset.splits.test;
    const { data, info } = await sharp(String(first?.image)).raw().toBuffer({ resolveWithObject: true });
    expect([info.width, info.height, info.channels]).toEqual([64, 64, 3]);
    // The corner is white ground, and there is a drawing on it.
    expect([...data.subarray(0, 3)]).toEqual([255, 255, 255]);
    expect(data.some((value) => value < 200)).toBe(true);
    const files = await readdir(join(root, 'icons', 'twemoji'));
    expect(files.every((file) => file.endsWith('.png'))).toBe(true);
    const again = await openDataset('icons-concepts', { root });
    expect(again.splits.test.map(({ id }) => id)).toEqual(dataset.splits.test.map(({ id }) => id));
    await expect(openDataset('icons-noto', { root })).rejects.toThrow(/neither a path nor the name/);
  } finally {
    await rm(root, { recursive: true });
  }
});
