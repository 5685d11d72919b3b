import { expect, it } from 'vitest';
import { methodNamed } from '../methods/registry.ts';
import { settingsOf } from '../settings/fields.ts';
import { settingsForLayers } from './model-defaults.ts';

/** Settings of a method that name blocks, for a model of so many. */
function placesOf(method: string, layers: number, asked: Record<string, unknown> = {}): unknown {
  const { settings } = methodNamed(method);
  const values = settings.parse(asked) as Record<string, unknown>;
  const fitted = settingsForLayers(method, settingsOf(settings), values, asked, layers).settings;
  return [fitted['layer'] ?? fitted['firstLayer'], fitted['lastLayer']];
}

it('places of blocks move to the same part of a shallower tower, and stay in one as deep or deeper', () => {
  expect([placesOf('tcp', 6), placesOf('mma', 6), placesOf('mmrl', 6)]).toEqual([
    [4, undefined],
    [3, 6],
    [3, 6],
  ]);
  expect([placesOf('tcp', 12), placesOf('mma', 12), placesOf('mmrl', 24)]).toEqual([
    [8, undefined],
    [5, 12],
    [6, 12],
  ]);
});

it('places stay within towers of two and three blocks', () => {
  expect([placesOf('tcp', 2), placesOf('mma', 2), placesOf('mmrl', 2)]).toEqual([
    [1, undefined],
    [1, 2],
    [2, 2],
  ]);
  expect([placesOf('tcp', 3), placesOf('mmrl', 3)]).toEqual([
    [2, undefined],
    [2, 3],
  ]);
});

it('what was asked for stays, and what moved is told', () => {
  expect(placesOf('mma', 6, { lastLayer: 12 })).toEqual([3, 12]);
  const { settings } = methodNamed('tcp');
  const { notes } = settingsForLayers('tcp', settingsOf(settings), settings.parse({}) as Record<string, unknown>, {}, 6);
  expect(notes).toEqual(["layer is 4, not tcp's usual 8: the model has 6 layers"]);
});
