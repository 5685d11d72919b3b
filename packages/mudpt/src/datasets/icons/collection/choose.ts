/** Which icons of which sets pretraining draws, and what they show. */
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { InputError } from '@mudpt/tensor';
import type { IconChoice } from './drawings.ts';
import { isSkinTone } from '../concepts/names.ts';
import { packageOf } from '../sources/styles.ts';
import type { IconMatcher, Subject } from './match.ts';
import type { CollectionSet } from '../sources/collection.ts';
import { isDrawnInLines } from '../rendering/variations.ts';
import { drawingOf } from './words.ts';

/** Most weights and fillings of a drawing, and most drawings of a thing in one set. */
const RENDERINGS = 3;
const DRAWINGS = 12;

type IconFile = { readonly icons: Readonly<Record<string, { readonly body: string; readonly hidden?: boolean }>> };

/**
 * Icons of a set whose names say what they show, and name nothing held out.
 * @param from package.json of the folder where the sets are installed
 * @param variants most icons of a concept in a set of emoji: the plain one and gender variants
 */
export async function chooseIcons(
  { name: style, family }: CollectionSet,
  matcher: IconMatcher,
  { from, variants }: { from: string | URL; variants: number },
): Promise<IconChoice[]> {
  const bodies = await bodiesOf(style, from);
  const found = new Map<string, { subject: Subject; drawings: Map<string, string[]> }>();
  for (const name of bodies.keys()) {
    if (matcher.namesHeldOut(name) || (family === 'emoji' && isSkinTone(name))) continue;
    const subject = family === 'emoji' ? matcher.emojiOf(name) : matcher.match(name);
    if (!subject || matcher.namesHeldOut(subject.label)) continue;
    // Things of no kind are left to the emoji, whose names are exact.
    if (family !== 'emoji' && subject.kind === undefined) continue;
    const key = `${subject.key} ${subject.label}`;
    const thing = found.get(key) ?? { subject, drawings: new Map<string, string[]>() };
    found.set(key, thing);
    const drawing = family === 'emoji' ? name : drawingOf(name);
    thing.drawings.set(drawing, [...(thing.drawings.get(drawing) ?? []), name]);
  }
  return [...found.values()].flatMap(({ subject, drawings }) =>
    spread([...drawings.values()], family === 'emoji' ? variants : DRAWINGS).map((icons) => ({
      subject,
      style,
      icons: withVariation(spread(withoutSizes(icons), RENDERINGS), bodies),
    })),
  );
}

/** Thicker lines, for a drawing that has one weight only. */
function withVariation(icons: readonly string[], bodies: ReadonlyMap<string, string>): readonly string[] {
  const [icon] = icons;
  return icon !== undefined && icons.length === 1 && isDrawnInLines(bodies.get(icon) ?? '') ? [icon, `${icon}#thick`] : icons;
}

async function bodiesOf(style: string, from: string | URL): Promise<Map<string, string>> {
  let path: string;
  try {
    path = createRequire(from).resolve(`${packageOf(style)}/icons.json`);
  } catch (cause) {
    throw new InputError('icons', `the icon set ${packageOf(style)} is not installed`, 'run pnpm pretrain, which installs it', {
      cause,
    });
  }
  const { icons } = JSON.parse(await readFile(path, 'utf8')) as IconFile;
  return new Map(Object.entries(icons).flatMap(([name, { body, hidden }]) => (hidden === true ? [] : [[name, body] as const])));
}

/** At most `count` of a list, evenly spread. */
function spread<T>(list: readonly T[], count: number): T[] {
  if (list.length <= count) return [...list];
  return Array.from({ length: count }, (_, index) => list[Math.floor((index * list.length) / count)] as T);
}

const SIZE = /-(10|12|16|20|24|28|32|48)(px)?(?=-|$)/u;

/** One of each weight and filling: the largest, where there are several sizes. */
function withoutSizes(icons: readonly string[]): string[] {
  const largest = new Map<string, string>();
  const size = (name: string): number => Number(SIZE.exec(name)?.[1] ?? 0);
  for (const icon of icons) {
    const weight = icon.replace(SIZE, '');
    const known = largest.get(weight);
    if (known === undefined || size(icon) > size(known)) largest.set(weight, icon);
  }
  return [...largest.values()];
}
