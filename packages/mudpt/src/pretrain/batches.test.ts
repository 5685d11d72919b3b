import { expect, it } from 'vitest';
import { createTokenizer } from '@mudpt/clip';
import { nth } from '@mudpt/tensor/internal';
import type { Drawing } from '../datasets/icons/collection/drawings.ts';
import { Batches, type CaptionWriter } from './batches.ts';
import { drawIndex, groupsOf, runningSums } from './groups.ts';
import { RECIPE } from './recipe.ts';

const SIDE = 4;
const recipe = {
  ...RECIPE,
  model: { ...RECIPE.model, image: { ...RECIPE.model.image, size: 16, patch: 4 } },
  side: SIDE,
  batch: 12,
  views: 3,
  keptPatches: 5,
  steps: 100,
  cooldown: 20,
  wholePart: 0.5,
  captionTokens: 6,
  late: { from: 1000, strength: 1 },
};

/** Thing number n is drawn in n + 1 styles; its kind is "odd" or "even". The first byte of a drawing tells thing and style. */
const drawings: Drawing[] = Array.from({ length: 8 }, (_, thing) => thing).flatMap((thing) =>
  Array.from({ length: thing + 1 }, (_, style) => ({
    subject: {
      key: `thing ${thing}`,
      label: `thing ${thing}`,
      tags: [],
      kind: thing % 2 === 0 ? 'even' : 'odd',
      concept: undefined,
    },
    style: `style ${style}`,
    icon: '',
    renderings: [{ kind: 'coverage', pixels: new Uint8Array(SIDE * SIDE).fill(16 + 16 * thing + style) }],
  })),
);

const captions: CaptionWriter = {
  beginning: () => ({ beginning: 'a ', namesClasses: true }),
  draw: ({ label, kind }) => (kind === 'even' || label === 'thing 1' ? `${kind}.` : `${label}.`),
  ofCategory: ({ kind }) => `${kind}.`,
};

async function batches(seed = 1): Promise<Batches> {
  return new Batches(drawings, captions, await createTokenizer(), { ...recipe, seed });
}

it('a batch is a function of the seed and its number', async () => {
  const [one, other] = [await batches(), await batches()];
  other.make(3);
  expect(other.make(7)).toEqual(one.make(7));
  expect(one.make(8)).not.toEqual(one.make(7));
  expect((await batches(2)).make(7)).not.toEqual(one.make(7));
});

it('shows several drawings of different things, in different styles where there are some, with one caption a thing', async () => {
  const all = await batches();
  for (let step = 0; step < 20; step++) {
    const { drawings: words, toTexts, ids, mask, places } = all.make(step);
    const owners = Array.from({ length: 12 }, (_, image) =>
      Array.from(toTexts.data)
        .slice(4 * image, 4 * image + 4)
        .findIndex((part) => part > 0),
    );
    const first = Array.from({ length: 12 }, (_, image) => (Number(words.data[image * SIDE * SIDE]) & 255) - 16);
    const things = [0, 3, 6, 9].map((at) => first.slice(at, at + 3).map((value) => Math.floor(value / 16)));
    for (const [group, list] of things.entries()) {
      expect(new Set(list).size).toBe(1);
      const styles = new Set(first.slice(3 * group, 3 * group + 3).map((value) => value % 16));
      expect(styles.size).toBe(Math.min(3, nth(list, 0) + 1));
      expect(new Set([0, 1, 2].map((at) => owners[3 * group + at])).size).toBe(1);
    }
    expect(new Set(things.map((list) => list[0])).size).toBe(4);
    const even = things.flatMap((list, group) => (nth(list, 0) % 2 === 0 ? [owners[3 * group]] : []));
    expect(new Set(even).size).toBeLessThanOrEqual(1);
    expect(ids.shape).toEqual([4, 6]);
    const texts = new Set(owners).size;
    expect([...mask.data]).toEqual([0, 1, 2, 3].map((row) => (row < texts ? 0 : -1e9)));
    expect(places.shape).toEqual([12, 5]);
  }
  expect(all.make(90).places.shape).toEqual([12, 16]);
});

it('later the caption of a category is true of everything in it', async () => {
  const trueOf = (step: number, all: Batches): number[] => {
    const { data } = all.make(step).toTexts;
    return Array.from(
      { length: 12 },
      (_, image) =>
        Array.from(data)
          .slice(4 * image, 4 * image + 4)
          .filter((part) => part > 0).length,
    );
  };
  const late = new Batches(drawings, captions, await createTokenizer(), { ...recipe, late: { from: 20, strength: 1 } });
  const steps = Array.from({ length: 40 }, (_, step) => trueOf(step, late));
  expect(new Set(steps.slice(0, 20).flat())).toEqual(new Set([1]));
  expect(new Set(steps.slice(20).flat())).toEqual(new Set([1, 2]));
});

it('things of many styles come more often, and kinds with many things less', () => {
  const groups = groupsOf(drawings, { balance: 0 });
  expect(groups.map(({ odds }) => odds ** 2)).toEqual([1, 2, 3, 4, 5, 6, 7, 8].map((styles) => expect.closeTo(styles, 9)));
  const balanced = groupsOf(drawings, { balance: 1 });
  const sum = (kind: string): number =>
    balanced.filter(({ category }) => category === kind).reduce((total, { odds }) => total + odds, 0);
  expect(sum('even')).toBeCloseTo(1);
  expect(sum('odd')).toBeCloseTo(1);
});

it('draws by running sums', () => {
  const sums = runningSums([1, 3].map((odds) => ({ odds, category: '', styles: [] })));
  expect([0, 0.24, 0.26, 0.999].map((point) => drawIndex(sums, point))).toEqual([0, 0, 1, 1]);
});
