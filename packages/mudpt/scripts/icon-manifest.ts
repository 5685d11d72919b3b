/**
 * Writes assets/icons.json from the icon packages and emojibase-data.
 *
 * tsx scripts/icon-manifest.ts FOLDER    where FOLDER has a node_modules with all of them (`pnpm pretrain` makes one)
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';
import { MANIFEST } from '../src/datasets/icons/concepts/manifest.ts';
import { conceptKey, flagName, isSkinTone, squeeze } from '../src/datasets/icons/concepts/names.ts';
import { packageOf, STYLES } from '../src/datasets/icons/sources/styles.ts';

type Emoji = {
  readonly label: string;
  readonly hexcode: string;
  readonly tags?: readonly string[];
  readonly group?: number;
  readonly subgroup?: number;
  readonly skins?: readonly Emoji[];
};
type IconFile = { readonly icons: Record<string, unknown>; readonly aliases?: Record<string, { readonly parent: string }> };

const folder = process.argv[2];
if (folder === undefined) throw new Error('give the folder whose node_modules has the icon packages');
const require = createRequire(join(resolve(folder), 'package.json'));
const read = <T>(module: string): T => JSON.parse(readFileSync(require.resolve(module), 'utf8')) as T;
const readIfThere = <T>(module: string, other: T): T => {
  try {
    return read<T>(module);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'MODULE_NOT_FOUND') return other;
    throw error;
  }
};
const codePoints = (style: string) => readIfThere<Record<string, string>>(`${packageOf(style)}/chars.json`, {});

const emoji = read<Emoji[]>('emojibase-data/en/data.json');
const { groups, subgroups } = read<{ groups: Record<string, string>; subgroups: Record<string, string> }>(
  'emojibase-data/meta/groups.json',
);
const oldNames = read<Record<string, string>>('emojibase-data/meta/unicode-names.json');

/** Squeezed name -> concept, from everyone who knows both. The first to say so is right. */
const byName = new Map<string, string>();
const learn = (name: string, hexcode: string): void => {
  const squeezed = squeeze(name);
  if (squeezed !== '' && !byName.has(squeezed)) byName.set(squeezed, conceptKey(hexcode));
};
for (const { label, hexcode, skins } of emoji)
  for (const one of [{ label, hexcode }, ...(skins ?? [])]) learn(one.label, one.hexcode);
for (const { name } of STYLES) for (const [hexcode, icon] of Object.entries(codePoints(name))) learn(flagName(icon), hexcode);
for (const [hexcode, name] of Object.entries(oldNames)) learn(name, hexcode);

const concepts = new Map<string, { emoji: Emoji; icons: Record<string, string[]> }>();
for (const one of emoji) {
  const skipped = one.group === undefined || groups[one.group] === 'component';
  if (!skipped && !concepts.has(conceptKey(one.hexcode))) concepts.set(conceptKey(one.hexcode), { emoji: one, icons: {} });
}

for (const { name: style } of STYLES) {
  const { icons, aliases = {} } = read<IconFile>(`${packageOf(style)}/icons.json`);
  const hexcodes = new Map(Object.entries(codePoints(style)).map(([hexcode, icon]) => [icon, hexcode]));
  const drawings = new Map<string, string>(); // drawing -> concept
  for (const [name, drawing] of [
    ...Object.keys(icons).map((icon) => [icon, icon] as const),
    ...Object.entries(aliases).map(([alias, { parent }]) => [alias, parent] as const),
  ]) {
    const hexcode = hexcodes.get(name);
    if (isSkinTone(name) || (hexcode !== undefined && /1F3F[B-F]/iu.test(hexcode))) continue;
    const concept = hexcode === undefined ? byName.get(squeeze(flagName(name))) : conceptKey(hexcode);
    const entry = concept === undefined ? undefined : concepts.get(concept);
    if (!entry || drawings.has(drawing) || !(drawing in icons)) continue;
    drawings.set(drawing, concept as string);
    const list = (entry.icons[style] ??= []);
    // The plain drawing first: the one that bears the concept's own code points.
    if (hexcode !== undefined && hexcode.toUpperCase().replaceAll('-FE0F', '') === concept) list.unshift(drawing);
    else list.push(drawing);
  }
}

const plain = (text: string): string => text.replaceAll(/[’‘]/gu, "'").replaceAll(/[“”]/gu, '"');
const lines = [...concepts]
  .filter(([, { icons }]) => Object.keys(icons).length > 0)
  .map(
    ([
      id,
      {
        emoji: { label, tags = [], group = 0, subgroup = 0 },
        icons,
      },
    ]) =>
      JSON.stringify({
        id,
        label: plain(label),
        tags: tags.map(plain),
        group: groups[group],
        subgroup: subgroups[subgroup],
        icons,
      }),
  );
writeFileSync(MANIFEST, `{"concepts":[\n${lines.join(',\n')}\n]}\n`);
const count = (style: string): number => [...concepts.values()].filter(({ icons }) => icons[style]).length;
console.log(`${lines.length} concepts; ${STYLES.map(({ name }) => `${name} ${count(name)}`).join(', ')}`);
