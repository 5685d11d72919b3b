import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { expect, it } from 'vitest';
import { openDataset } from '../registry.ts';
import { cardText, dataCard } from './card.ts';
import { CLASSES, classNames } from './concepts/classes.ts';
import { readManifest } from './concepts/manifest.ts';
import { IconSet } from './rendering/render.ts';
import { ICON_SETS } from './sets.ts';
import { STYLES } from './sources/styles.ts';

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

it('every class has 16 images to train, 10 for the test and some for validation; icons-styles has 28 classes', async () => {
  const concepts = await readManifest();
  const classesOf = (wanted: string): [string, readonly number[]][] => {
    const definition = ICON_SETS.find(({ name }) => name === wanted);
    return definition ? Object.entries(dataCard(definition, concepts).classes) : [];
  };
  for (const name of ['icons-things', 'icons-concepts', 'icons-styles'])
    for (const [className, [train = 0, val = 0, test = 0]] of classesOf(name)) {
      expect(train, `${name}: ${className}`).toBeGreaterThanOrEqual(16);
      expect(test, `${name}: ${className}`).toBeGreaterThanOrEqual(10);
      expect(val, `${name}: ${className}`).toBeGreaterThan(0);
    }
  expect(classesOf('icons-styles').map(([name]) => name)).toEqual(classNames);
  expect(classesOf('icons-concepts').length).toBeGreaterThanOrEqual(12);
  expect(classesOf('icons-things').length).toBeGreaterThanOrEqual(16);
});

it('a class is named so that a prompt reads well, once, in alphabetical order', () => {
  expect(classNames).toEqual([...new Set(classNames)].sort());
  for (const name of classNames) expect(name).toMatch(/^[a-z][a-z ]+[a-z]$/);
  const kinds = CLASSES.flatMap((one) => one.kinds);
  expect(new Set(kinds).size).toBe(kinds.length);
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
    const dataset = await openDataset('icons-styles', { root });
    expect(dataset.classNames).toHaveLength(28);
    const [first] = dataset.splits.test;
    const { data, info } = await sharp(String(first?.image)).raw().toBuffer({ resolveWithObject: true });
    expect([info.width, info.height, info.channels]).toEqual([64, 64, 3]);
    // The corner is white ground, and there is a drawing on it.
    expect([...data.subarray(0, 3)]).toEqual([255, 255, 255]);
    expect(data.some((value) => value < 200)).toBe(true);
    const files = await readdir(join(root, 'icons', 'openmoji'));
    expect(files.every((file) => file.endsWith('.png'))).toBe(true);
    const again = await openDataset('icons-styles', { root });
    expect(again.splits.test.map(({ id }) => id)).toEqual(dataset.splits.test.map(({ id }) => id));
    const things = await openDataset('icons', { root });
    expect(things.name).toBe('icons-things');
    const drawing = await sharp(String(things.splits.train[0]?.image)).stats();
    expect(drawing.channels[0]).toMatchObject({ max: 255 });
    expect(drawing.channels[0]?.min).toBeLessThan(200);
    await expect(openDataset('icons-noto', { root })).rejects.toThrow(/neither a path nor the name/);
  } finally {
    await rm(root, { recursive: true });
  }
});
