/**
 * Writes assets/icon-things.json: drawings of held-out things from the sets that pretraining draws other things from.
 *
 * tsx scripts/icon-things.ts FOLDER    where FOLDER has the icon packages and the cache of rendered drawings (`pnpm pretrain` makes one)
 */
import { writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { classNames, classOf } from '../src/datasets/icons/concepts/classes.ts';
import { chooseIcons } from '../src/datasets/icons/collection/choose.ts';
import { IconMatcher } from '../src/datasets/icons/collection/match.ts';
import { CopyDetector } from '../src/datasets/icons/collection/near-duplicates.ts';
import { COLLECTION, LICENCES } from '../src/datasets/icons/sources/collection.ts';
import type { Rendering } from '../src/datasets/icons/collection/drawings.ts';
import { heldOutConcepts, lot } from '../src/datasets/icons/concepts/held-out.ts';
import { readManifest } from '../src/datasets/icons/concepts/manifest.ts';
import { IconSet } from '../src/datasets/icons/rendering/render.ts';
import { STYLES } from '../src/datasets/icons/sources/styles.ts';
import { THINGS_FILE, type ThingIcon, type ThingsFile } from '../src/datasets/icons/rendering/things.ts';
import { prepareMaterial } from '../src/pretrain/material.ts';
import { RECIPE } from '../src/pretrain/recipe.ts';

/** Fewest drawings of a thing that look different, and most that are taken. */
const DRAWINGS = { least: 8, most: 20 } as const;
/** Things of a class: few enough for 16 shots to show each of them. */
const THINGS = 3;
/** Fewest drawings of a class: 16 to train, 10 for the test, 2 for validation, and what rounding takes. */
const LEAST = 29;
/** Longest drawing in characters of SVG: shaded ones are ten times that. */
const LONGEST = 8000;
/** Licences under which a drawing may be copied into the package, named in NOTICE: the fonts' one asks for itself on what is made from them. */
const COPIED = LICENCES.filter((licence) => licence !== 'OFL-1.1');
const SIDE = 72;

type Found = { readonly set: string; readonly name: string };

const folder = process.argv[2];
if (folder === undefined) throw new Error('give the folder whose node_modules has the icon packages');
const from = join(resolve(folder), 'package.json');
const concepts = await readManifest();
const heldOut = heldOutConcepts(concepts).flat();
const ids = new Set(heldOut.map(({ id }) => id));
const strict = new IconMatcher(concepts, heldOut);

const found = new Map<string, Found[]>();
const add = (id: string, set: string, name: string): void => void found.set(id, [...(found.get(id) ?? []), { set, name }]);
const all = new IconMatcher(concepts, []);
for (const set of COLLECTION.filter(({ licence }) => COPIED.includes(licence)))
  for (const { subject, icons } of await chooseIcons(set, all, { from, variants: 1 })) {
    const [name] = icons;
    // Only what pretraining is sure to have left out.
    if (name !== undefined && ids.has(subject.key) && strict.namesHeldOut(subject.label)) add(subject.key, set.name, name);
  }
for (const concept of heldOut)
  for (const { name: style } of STYLES.filter(({ role }) => role === 'seen')) {
    const [name] = concept.icons[style] ?? [];
    if (name !== undefined) add(concept.id, style, name);
  }

/** What pretraining saw, of which no copy may be in the set under whatever name. */
const { drawings } = await prepareMaterial(RECIPE, { from, cache: resolve(folder) });
const seen = new CopyDetector(
  drawings.flatMap(({ renderings }) => renderings),
  RECIPE.side,
);
const opened = new Map<string, IconSet>();
for (const set of new Set([...found.values()].flat().map((one) => one.set))) opened.set(set, await IconSet.open(set, from));
const setOf = ({ set }: Found): IconSet => opened.get(set) as IconSet;

const byClass = new Map<number, { thing: string; icons: Found[] }[]>();
const counts = { long: 0, seen: 0, twice: 0 };
for (const concept of heldOut) {
  const label = classOf(concept);
  if (label === undefined) continue;
  const icons: Found[] = [];
  const taken = new CopyDetector([], SIDE);
  const order = ({ set, name }: Found): number => lot(`${set}/${name}`);
  for (const one of (found.get(concept.id) ?? []).sort((a, b) => order(a) - order(b))) {
    if (setOf(one).icon(one.name).body.length > LONGEST) {
      counts.long++;
      continue;
    }
    const rendering: Rendering = { kind: 'rgba', pixels: await setOf(one).rgba(one.name, SIDE) };
    if (taken.isCopy(rendering)) counts.twice++;
    else if (seen.isCopy(rendering)) counts.seen++;
    else {
      icons.push(one);
      taken.add(rendering);
    }
  }
  if (icons.length >= DRAWINGS.least) byClass.set(label, [...(byClass.get(label) ?? []), { thing: concept.label, icons }]);
}
console.log('left out:', counts);

const written: Record<string, ThingIcon> = {};
for (const [label, things] of [...byClass].sort(([a], [b]) => a - b)) {
  const chosen = things
    .sort((a, b) => lot(a.thing) - lot(b.thing))
    .slice(0, THINGS)
    .map(({ thing, icons }) => ({ thing, icons: icons.slice(0, DRAWINGS.most) }));
  const count = chosen.reduce((sum, { icons }) => sum + icons.length, 0);
  console.log(
    `${count < LEAST ? 'too few: ' : ''}${classNames[label]} ${count}:`,
    chosen.map((one) => `${one.thing} ${one.icons.length}`).join(', '),
  );
  if (count < LEAST) continue;
  for (const { thing, icons } of chosen)
    for (const one of icons) {
      const { body, left, top, width, height } = setOf(one).icon(one.name);
      const offset = { ...(left === undefined ? {} : { left }), ...(top === undefined ? {} : { top }) };
      written[`${one.set}/${one.name}`] = { class: classNames[label] as string, thing, body, width, height, ...offset };
    }
}
const used = new Set(Object.keys(written).map((key) => key.split('/')[0]));
const sets: ThingsFile['sets'] = Object.fromEntries(
  [...STYLES, ...COLLECTION]
    .filter(({ name }) => used.has(name))
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .map(({ name, version, author, licence }) => [name, { version, author, licence }]),
);
const file: ThingsFile = {
  sets,
  icons: Object.fromEntries(Object.entries(written).sort(([a], [b]) => (a < b ? -1 : 1))),
};
writeFileSync(THINGS_FILE, `${JSON.stringify(file, undefined, 1)}\n`);
console.log(`${Object.keys(written).length} drawings of ${used.size} sets`);
