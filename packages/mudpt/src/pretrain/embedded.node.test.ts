import { readdir, readFile, stat } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { isDeepStrictEqual } from 'node:util';
import { expect, it } from 'vitest';
import { loadClip } from '@mudpt/clip';
import { eachDevice } from '@mudpt/testing/support';
import { classNames } from '../datasets/icons/concepts/classes.ts';
import { ICON_TEMPLATE } from '../datasets/icons/sets.ts';
import { STYLES } from '../datasets/icons/sources/styles.ts';
import { modelCard } from './card.ts';
import { imageFeatures, textFeatures, zeroShotAccuracy } from './evaluate.ts';
import { probesOf } from './material.ts';
import { type Recipe, RECIPE } from './recipe.ts';

const MODEL = fileURLToPath(new URL('../../assets/clip', import.meta.url));
const MOST_BYTES = 12e6;
/** What the card of a model says that today's recipe would not make. */
const EARLIER = 'made by an earlier recipe';

it('is small, has the sizes that its training says, and its card tells whether it was made by the recipe there is', async () => {
  const files = await readdir(MODEL);
  const sizes = await Promise.all(files.map(async (file) => (await stat(`${MODEL}/${file}`)).size));
  expect(sizes.reduce((sum, size) => sum + size, 0)).toBeLessThan(MOST_BYTES);
  const about = JSON.parse(await readFile(`${MODEL}/training.json`, 'utf8')) as { recipe: Recipe; updates: number };
  expect(about.updates).toBe(about.recipe.steps);
  const config = JSON.parse(await readFile(`${MODEL}/config.json`, 'utf8')) as Record<string, Record<string, unknown>>;
  const { image, text } = about.recipe.model;
  expect(config['vision_config']).toMatchObject({
    num_hidden_layers: image.layers,
    hidden_size: image.width,
    patch_size: image.patch,
  });
  expect(config['text_config']).toMatchObject({ num_hidden_layers: text.layers, hidden_size: text.width });
  const card = await readFile(`${MODEL}/README.md`, 'utf8');
  const isCurrent = isDeepStrictEqual(about.recipe, RECIPE);
  if (isCurrent) expect(card).toBe(await modelCard(MODEL));
  expect(card.includes(EARLIER)).toBe(!isCurrent);
});

eachDevice('the embedded model', (ctx) => {
  it('recognises new things in known hands (6 times chance) and in new ones (3 times)', async () => {
    const { device } = ctx;
    using clip = await loadClip(MODEL, { device, dtype: 'f32' });
    const classes = await textFeatures(
      clip,
      classNames.map((name) => ICON_TEMPLATE.replace('{}', name)),
    );
    const accuracy = async (styles: readonly string[]): Promise<number> => {
      const probes = await probesOf({ styles, concepts: 'test', every: 2 }, import.meta.url);
      expect(probes.length).toBeGreaterThan(80);
      const labels = probes.map(({ label }) => label);
      return zeroShotAccuracy(await imageFeatures(clip, probes, device), labels, classes);
    };
    const installed = (wanted: string): string[] =>
      STYLES.filter(({ role, bundled }) => bundled && role === wanted).map(({ name }) => name);
    const chance = 100 / classNames.length;
    expect(await accuracy(installed('seen'))).toBeGreaterThan(6 * chance);
    expect(await accuracy(installed('held-out'))).toBeGreaterThan(3 * chance);
  });
});
