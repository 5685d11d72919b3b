/** All drawings of some styles as pixels in memory, rendered once and kept in a cache file. */
import { createHash } from 'node:crypto';
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { writeFileAtomic } from '@mudpt/tensor';
import type { Concept } from './manifest.ts';
import { IconSet } from './render.ts';
import { STYLES } from './styles.ts';

export type Drawing = {
  readonly concept: Concept;
  readonly style: string;
  readonly icon: string;
  /** RGBA [side, side, 4], not premultiplied. */
  readonly pixels: Uint8Array;
};

export type DrawingOptions = {
  readonly concepts: readonly Concept[];
  readonly styles: readonly string[];
  /** Pixels of a side. */
  readonly side: number;
  /** Most icons of one concept in one style: the plain one and gender variants. */
  readonly variants: number;
  /** Where the icon packages are installed: a package.json. */
  readonly from: string | URL;
  /** Folder of the cache file. */
  readonly cache: string;
};

/** Renders (or reads from the cache) every icon of `concepts` in `styles`. Minutes the first time, then a second. */
export async function loadDrawings(options: DrawingOptions): Promise<Drawing[]> {
  const { concepts, styles, side, variants, from, cache } = options;
  const list = styles.flatMap((style) =>
    concepts.flatMap((concept) => (concept.icons[style] ?? []).slice(0, variants).map((icon) => ({ concept, style, icon }))),
  );
  const versions = STYLES.filter(({ name }) => styles.includes(name)).map(({ name, version }) => `${name}@${version}`);
  const names = list.map(({ style, icon }) => `${style}:${icon}`);
  const key = createHash('sha256')
    .update(JSON.stringify([side, versions, names]))
    .digest('hex');
  const file = join(cache, `drawings-${key.slice(0, 16)}.rgba`);
  const bytes = side * side * 4;
  const known = await readFile(file).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  const all = known?.length === list.length * bytes ? known : await render(list, bytes, { side, from });
  if (all !== known) {
    await mkdir(cache, { recursive: true });
    await writeFileAtomic('icons', file, all);
  }
  return list.map((entry, index) => ({ ...entry, pixels: all.subarray(index * bytes, (index + 1) * bytes) }));
}

async function render(
  list: readonly { readonly style: string; readonly icon: string }[],
  bytes: number,
  { side, from }: Pick<DrawingOptions, 'side' | 'from'>,
): Promise<Uint8Array> {
  const all = new Uint8Array(list.length * bytes);
  const sets = new Map<string, IconSet>();
  for (const [index, { style, icon }] of list.entries()) {
    const set = sets.get(style) ?? (await IconSet.open(style, from));
    sets.set(style, set);
    all.set(await set.rgba(icon, side), index * bytes);
  }
  return all;
}
