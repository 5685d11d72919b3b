import { beforeAll, expect, it } from 'vitest';
import { heldOutConcepts } from '../concepts/held-out.ts';
import { readManifest } from '../concepts/manifest.ts';
import { IconMatcher } from './match.ts';

let matcher: IconMatcher;
beforeAll(async () => {
  const concepts = await readManifest();
  matcher = new IconMatcher(concepts, heldOutConcepts(concepts).flat());
});

it.each([
  ['guitar', 'musical instrument', 'guitar'],
  ['cat-fill', 'mammal', 'cat'],
  ['animal-cat-24-regular', 'mammal', 'cat'],
  ['dog-side', 'mammal', 'dog'],
  ['baseline-pedal-bike', 'vehicle', 'pedal bike'],
  ['truck-remove-outline', 'vehicle', 'truck'],
  ['circle-filled', 'shape', 'circle'],
  ['book-open-outline', 'book', 'book'],
  ['horse-head', 'mammal', 'horse head'],
  ['user-circle', 'person', 'user'],
  ['shoes', 'clothing', 'shoes'],
])('%s is a %s: %s', (name, kind, label) => {
  expect(matcher.match(name)).toMatchObject({ kind, label });
});

it('weights and sizes of one thing have one key, and a concept has its key in every set', () => {
  expect(matcher.match('cat-bold')?.key).toBe(matcher.match('cat-24-regular')?.key);
  expect(matcher.match('guitar')?.key).toBe(matcher.emojiOf('guitar')?.key);
});

it.each([
  'keyboard-key',
  'clock-face',
  'watch-face',
  'second-hand',
  'skin-cancer',
  'color-orange',
  'fire-alarm-bell-off-hook',
  'git-branch',
  'axis-x',
  'window',
])('%s is not said to be anything it is not', (name) => {
  const found = matcher.match(name);
  expect(['face', 'hand', 'fruit', 'zodiac sign', 'household item']).not.toContain(found?.kind);
});

it.each([
  'watch',
  'watch-outline',
  'smart-watch-2',
  'lemons',
  'school-bus',
  'french-fries',
  'hot-peach',
  'ballet-shoe',
  'bats',
  'chess-judge',
])('%s names a held-out concept', (name) => {
  expect(matcher.namesHeldOut(name)).toBe(true);
});

it.each(['house', 'dog', 'smartwatch', 'butterfly', 'swordfish'])('%s does not', (name) => {
  expect(matcher.namesHeldOut(name)).toBe(false);
});
