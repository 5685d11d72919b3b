import { expect, it } from 'vitest';
import { isOnTheWay, levelUpdates, rateAt, RECIPE } from './recipe.ts';

const recipe = { ...RECIPE, steps: 1000, warmup: 100, cooldown: 0.25, lr: 1 };

it('the rate climbs, stays, and falls to 0', () => {
  expect(rateAt(0, recipe)).toBeCloseTo(0.01);
  expect(rateAt(99, recipe)).toBe(1);
  expect(rateAt(levelUpdates(recipe), recipe)).toBe(1);
  expect(rateAt(875, recipe)).toBeCloseTo(0.5);
  expect(rateAt(999, recipe)).toBeCloseTo(0.004);
});

it('a state is shared by runs of two lengths as long as both had a level rate', () => {
  expect(isOnTheWay(999, 1000, recipe)).toBe(true);
  expect(isOnTheWay(750, 4000, recipe)).toBe(true);
  expect(isOnTheWay(751, 4000, recipe)).toBe(false);
  expect(isOnTheWay(700, 900, recipe)).toBe(false);
  expect(isOnTheWay(675, 900, recipe)).toBe(true);
});
