import { expect, it } from 'vitest';
import { IconSet } from './render.ts';
import { isDrawnInLines, VARIATIONS } from './variations.ts';

const BOX = { width: 36, height: 36 };

it('line art has white shapes and black lines, and holes stay holes', () => {
  const lines = VARIATIONS.lines('<path fill="#f00" d="M0 0h9v9z"/><path fill="none" stroke="#00f" d="M1 1h7"/>', BOX);
  expect(lines).toContain('<g fill="#fff" stroke="#000" stroke-width="0.94"');
  expect(lines).toContain('<path d="M0 0h9v9z"/><path fill="none" d="M1 1h7"/>');
});

it('outlines leave the colours', () => {
  expect(VARIATIONS.outlined('<path fill="#f00" d="M0 0h9v9z"/>', BOX)).toMatch(
    /^<g stroke="#000".*<path fill="#f00" d="M0 0h9v9z"\/><\/g>$/,
  );
});

it('other colours: one for each, as light as it was; black, white and places stay', () => {
  const body =
    '<path fill="#e2373b" d="M0 0h9"/><path fill="#E2373B" stroke="#fff"/><path fill="#3b7" stroke="#010101"/><use href="#add"/>';
  const turned = VARIATIONS.recoloured(body);
  const colours = [...turned.matchAll(/#[0-9a-f]{6}/gu)].map(([colour]) => colour);
  expect(colours).toHaveLength(4);
  expect(colours[0]).toBe(colours[1]);
  expect(new Set([...colours.slice(1, 3), '#e2373b', '#33bb77']).size).toBe(4);
  expect(colours[3]).toBe('#010101');
  expect(turned).toContain('stroke="#fff"');
  const lightness = (colour: string): number => {
    const channels = [1, 3, 5].map((at) => Number.parseInt(colour.slice(at, at + 2), 16));
    return (Math.max(...channels) + Math.min(...channels)) / 510;
  };
  expect(lightness(colours[0] as string)).toBeCloseTo(lightness('#e2373b'), 2);
  expect(VARIATIONS.recoloured(body)).toBe(turned);
});

it('lines get thicker', () => {
  expect(VARIATIONS.thick('<path stroke-width="2" d="M0 0h9"/>')).toBe('<path stroke-width="3.40" d="M0 0h9"/>');
  expect([isDrawnInLines('<path stroke-width="1.5"/>'), isDrawnInLines('<path d="M0 0"/>')]).toEqual([true, false]);
});

it('a set renders variations by name', async () => {
  const set = await IconSet.open('twemoji');
  const [plain, lines] = [await set.rgba('guitar', 72), await set.rgba('guitar#lines', 72)];
  const grey = (pixels: Uint8Array): boolean =>
    pixels.every((value, at) => at % 4 === 3 || Math.abs(value - (pixels[at - (at % 4)] ?? 0)) <= 2);
  expect([grey(plain), grey(lines)]).toEqual([false, true]);
  expect(lines.some((value, at) => at % 4 === 3 && value > 0)).toBe(true);
});
