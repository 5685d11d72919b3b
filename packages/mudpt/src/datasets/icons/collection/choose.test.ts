import { join } from 'node:path';
import { beforeAll, expect, it } from 'vitest';
import { put, temporaryFolder } from '@mudpt/testing/files';
import { type Drawing, loadDrawings, type Rendering } from './drawings.ts';
import { heldOutConcepts } from '../concepts/held-out.ts';
import { readManifest } from '../concepts/manifest.ts';
import { chooseIcons } from './choose.ts';
import { IconMatcher } from './match.ts';
import { CopyDetector } from './near-duplicates.ts';
import type { CollectionSet, Family } from '../sources/collection.ts';

const SIDE = 24;
const SQUARE = '<path d="M4 4h16v16H4z"/>';
const RED = '<path fill="#f00" d="M4 4h16v16H4z"/>';
const LINES = '<path fill="none" stroke="currentColor" stroke-width="2" d="M3 3l9 18 9-18-18 9 18 6"/>';

let matcher: IconMatcher;
beforeAll(async () => {
  const concepts = await readManifest();
  matcher = new IconMatcher(concepts, heldOutConcepts(concepts).flat());
});

const demo = (family: Family): CollectionSet => ({ name: 'demo', version: '1.0.0', author: 'a', licence: 'MIT', family });

/** Installs a set, and gives the package.json to resolve it from. */
async function install(
  folder: string,
  bodies: Readonly<Record<string, string | { body: string; hidden: boolean }>>,
): Promise<string> {
  const icons = Object.fromEntries(
    Object.entries(bodies).map(([name, icon]) => [name, typeof icon === 'string' ? { body: icon } : icon]),
  );
  await put(join(folder, 'package.json'), '{}');
  await put(
    join(folder, 'node_modules', '@iconify-json', 'demo', 'icons.json'),
    JSON.stringify({ icons, width: 24, height: 24 }),
  );
  return join(folder, 'package.json');
}

async function chosen(bodies: Parameters<typeof install>[1], family: Family): Promise<string[]> {
  await using folder = await temporaryFolder();
  const from = await install(folder.path, bodies);
  const choices = await chooseIcons(demo(family), matcher, { from, variants: 3 });
  return choices.map(({ subject, icons }) => `${subject.label}: ${icons.join(' ')}`).sort();
}

it('weights are renderings of one drawing, sizes are not; names without a kind, held-out things and hidden icons stay out', async () => {
  const names = ['dog', 'dog-outline', 'dog-20-filled', 'dog-24-filled', 'watch', 'smart-watch-alt', 'frobnicate', 'lemon-slice'];
  const bodies = Object.fromEntries(names.map((name) => [name, SQUARE]));
  expect(await chosen({ ...bodies, cat: { body: SQUARE, hidden: true } }, 'monochrome')).toEqual([
    'dog: dog dog-outline dog-24-filled',
  ]);
});

it('a drawing of one weight in lines also comes with thicker ones', async () => {
  expect(await chosen({ guitar: LINES, drum: SQUARE }, 'monochrome')).toEqual(['drum: drum', 'guitar: guitar guitar#thick']);
});

it('emoji are known by their names, without skin tones', async () => {
  const bodies = {
    'waving-hand': RED,
    guitar: RED,
    'raised-fist': RED,
    'raised-fist-medium-dark': RED,
    'admission-tickets': RED,
  };
  expect(await chosen(bodies, 'emoji')).toEqual([
    'admission tickets: admission-tickets',
    'guitar: guitar',
    'raised fist: raised-fist',
    'waving hand: waving-hand',
  ]);
});

it('drawings are rendered once: in one colour as coverage, coloured ones as RGBA, empty ones and copies not at all', async () => {
  await using folder = await temporaryFolder();
  const from = await install(folder.path, { dog: SQUARE, cat: RED, horse: '<g/>', guitar: LINES });
  const choices = await chooseIcons(demo('monochrome'), matcher, { from, variants: 3 });
  const options = { side: SIDE, from, cache: join(folder.path, 'cache'), versions: new Map([['demo', '1.0.0']]) };
  const told = (drawings: readonly Drawing[]): string[] =>
    drawings.map(
      ({ icon, renderings }) => `${icon} ${renderings.map(({ kind, pixels }) => `${kind} ${pixels.length}`).join(' ')}`,
    );
  const first = await loadDrawings(choices, options);
  expect(told(first).sort()).toEqual(['cat rgba 2304', 'dog coverage 576', 'guitar coverage 576 coverage 576']);
  const square = first.find(({ icon }) => icon === 'dog')?.renderings[0]?.pixels ?? new Uint8Array();
  expect([square[0], square[12 * SIDE + 12]]).toEqual([0, 255]);
  expect(await loadDrawings(choices, options)).toEqual(first);

  const original = first.find(({ icon }) => icon === 'guitar')?.renderings[0] as Rendering;
  let rendered = 0;
  const detector = (): Promise<(rendering: Rendering) => boolean> => {
    rendered++;
    const copies = new CopyDetector([original], SIDE);
    return Promise.resolve((rendering) => copies.isCopy(rendering));
  };
  const without = { name: 'copies of a guitar', detector };
  for (let round = 0; round < 2; round++)
    expect(
      told(await loadDrawings(choices, { ...options, without })).some((text) => text.startsWith('guitar coverage 576 coverage')),
    ).toBe(false);
  expect(rendered).toBe(1);
});

it('a set that is not installed is named', async () => {
  await using folder = await temporaryFolder();
  const from = join(folder.path, 'package.json');
  await put(from, '{}');
  await expect(chooseIcons({ ...demo('emoji'), name: 'nowhere' }, matcher, { from, variants: 3 })).rejects.toThrow(
    /@iconify-json\/nowhere is not installed.*pnpm pretrain/,
  );
});
