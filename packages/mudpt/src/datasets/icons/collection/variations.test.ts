import { expect, it } from 'vitest';
import { IconSet } from '../render.ts';
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
