import { describe, expect, it } from 'vitest';
import { broadcastShapes, iota } from './reference/array.ts';
import { applyView, broadcastPairs, clashingPairs, viewRecipes } from './shapes.ts';

describe('shape lists', () => {
  it.each(viewRecipes)('view: $name', (recipe) => {
    expect(applyView(iota(recipe.base), recipe).shape).toEqual(recipe.shape);
  });

  it('pairs broadcast or clash as listed', () => {
    for (const [a, b] of broadcastPairs) expect(broadcastShapes(a, b)).toEqual(broadcastShapes(b, a));
    for (const [a, b] of clashingPairs) expect(() => broadcastShapes(a, b)).toThrow('do not broadcast');
  });
});
