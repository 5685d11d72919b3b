import { expect, it } from 'vitest';
import { isOnTheWay, keptPatches, levelUpdates, namesAllTrue, rateAt, RECIPE, strengthAt } from './recipe.ts';

const recipe = { ...RECIPE, steps: 1000, warmup: 100, cooldown: 250, lr: 1, keptPatches: 10, wholePart: 0.2 };

it('the rate climbs, stays, and falls to 0', () => {
  expect(rateAt(0, recipe)).toBeCloseTo(0.01);
  expect(rateAt(99, recipe)).toBe(1);
  expect(rateAt(levelUpdates(recipe), recipe)).toBe(1);
  expect(rateAt(875, recipe)).toBeCloseTo(1 - Math.sqrt(0.5));
  expect(rateAt(999, recipe)).toBeCloseTo(0.002, 3);
});

it('the last updates see whole images', () => {
  expect([0, 949, 950, 999].map((step) => keptPatches(step, recipe))).toEqual([10, 10, 16, 16]);
});

it('a state is shared by runs of two schedules as long as both had a level rate', () => {
  const run = (steps: number, cooldown: number) => ({ steps, cooldown });
  expect(isOnTheWay(999, run(1000, 250), recipe)).toBe(true);
  expect(isOnTheWay(750, run(4000, 1000), recipe)).toBe(true);
  expect(isOnTheWay(751, run(4000, 1000), recipe)).toBe(false);
  expect(isOnTheWay(700, run(900, 225), recipe)).toBe(false);
  expect(isOnTheWay(675, run(900, 225), recipe)).toBe(true);
  expect(isOnTheWay(751, run(1000, 100), recipe)).toBe(false);
});

it('later all true captions count', () => {
  expect([99, 100].map((step) => namesAllTrue(step, { late: { from: 100, strength: 1 } }))).toEqual([false, true]);
});

it('the augmentation grows to its strength and is weaker later', () => {
  expect(
    [0, 30, 60, 1000].map((step) => strengthAt(step, { strength: 0.8, strengthWarmup: 60, late: { from: 500, strength: 0.1 } })),
  ).toEqual([0, 0.4, 0.8, 0.1]);
});
