import { readFile } from 'node:fs/promises';
import { expect, it } from 'vitest';

/** Least ratios of WCAG 2.2 AA: of text, and of what is to be seen beside it. */
const [TEXT, SHAPE] = [4.5, 3];
const GROUNDS = ['ground', 'panel', 'raised'];
const PAIRS: readonly (readonly [front: string, back: string, least: number])[] = [
  ...GROUNDS.flatMap((back) => ['ink', 'soft', 'accent', 'bad', 'good'].map((front) => [front, back, TEXT] as const)),
  ...['ink', 'soft', 'bad'].map((front) => [front, 'bad-ground', TEXT] as const),
  ...['ink', 'soft'].map((front) => [front, 'warn-ground', TEXT] as const),
  ['on-accent', 'accent', TEXT],
  ['on-accent', 'bad', TEXT],
  ['edge', 'panel', SHAPE],
  ['edge', 'ground', SHAPE],
  ['before', 'panel', SHAPE],
  ['warn', 'panel', SHAPE],
];

function luminance(colour: string): number {
  const [r = 0, g = 0, b = 0] = [1, 3, 5]
    .map((at) => Number.parseInt(colour.slice(at, at + 2), 16) / 255)
    .map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4));
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

function ratio(a: string, b: string): number {
  const [low = 0, high = 0] = [luminance(a), luminance(b)].sort((x, y) => x - y);
  return (high + 0.05) / (low + 0.05);
}

it('colours that meet have the contrast that WCAG asks for, in light and in dark', async () => {
  const css = await readFile(new URL('base.css', import.meta.url), 'utf8');
  const found = [...css.matchAll(/--([\w-]+): light-dark\((#\w{6}), (#\w{6})\)/g)];
  const colours = new Map(found.map(([, name = '', light = '', dark = '']) => [name, [light, dark] as const]));
  for (const [front, back, least] of PAIRS)
    for (const mode of [0, 1] as const) {
      const [a, b] = [colours.get(front)?.[mode], colours.get(back)?.[mode]];
      if (a === undefined || b === undefined) throw new Error(`base.css has no colour ${front} or ${back}`);
      expect([front, back, mode === 0 ? 'light' : 'dark', ratio(a, b) >= least]).toEqual([front, back, expect.any(String), true]);
    }
});
