/** Drawings as pixels in memory, rendered once and kept in a cache file. */
import { createHash } from 'node:crypto';
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { InputError, writeFileAtomic } from '@mudpt/tensor';
import { joinBytes, nth } from '@mudpt/tensor/internal';
import type { Subject } from './match.ts';
import { IconSet } from '../rendering/render.ts';

/** Bytes a pixel: how much of it is covered (a drawing in one colour), or RGBA, not premultiplied. */
export const PIXEL_BYTES = { coverage: 1, rgba: 4 } as const;
export type PixelKind = keyof typeof PIXEL_BYTES;

/** The pixels of a drawing, [side, side] or [side, side, 4]. */
export type Rendering = { readonly kind: PixelKind; readonly pixels: Uint8Array };

/** An icon to draw, with others that are the same drawing in another weight or filling. */
export type IconChoice = {
  readonly subject: Subject;
  /** Name of the icon set. */
  readonly style: string;
  readonly icons: readonly string[];
};

export type Drawing = {
  readonly subject: Subject;
  readonly style: string;
  readonly icon: string;
  /** One or more: the same drawing in other weights or fillings. */
  readonly renderings: readonly Rendering[];
};

export type DrawingOptions = {
  /** Pixels of a side. */
  readonly side: number;
  /** Where the icon packages are installed: a package.json. */
  readonly from: string | URL;
  /** Folder of the cache file. */
  readonly cache: string;
  /** Versions of the sets: those of other versions are rendered anew. */
  readonly versions: ReadonlyMap<string, string>;
  /** What must not be among the drawings: they are compared when they are rendered. */
  readonly without?: {
    /** A text that changes when the decision may. */
    readonly name: string;
    /** Called when something is rendered. */
    readonly detector: () => Promise<(rendering: Rendering) => boolean>;
  };
};

/** What the file says of every rendering, in one byte. */
const KINDS = ['left out', 'coverage', 'rgba'] as const;

/** Icons rendered at once. */
const AT_ONCE = 16;

/**
 * Renders (or reads from the cache) all icons. Minutes the first time, then seconds. Icons that show nothing (animations that begin empty)
 * are left out, and so is what `without` excludes.
 */
export async function loadDrawings(choices: readonly IconChoice[], options: DrawingOptions): Promise<Drawing[]> {
  const { side, cache, versions, without } = options;
  const names = choices.flatMap(({ style, icons }) => icons.map((icon) => `${style}@${versions.get(style) ?? ''}:${icon}`));
  const key = createHash('sha256')
    .update(JSON.stringify([side, names, without?.name]))
    .digest('hex');
  const file = join(cache, `drawings-${key.slice(0, 16)}.pixels`);
  const known = await readFile(file).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  const bytes = known ?? (await render(choices, names.length, options));
  if (!known) {
    await mkdir(cache, { recursive: true });
    await writeFileAtomic('icons', file, bytes);
  }
  return takeApart(choices, names.length, new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length), side * side);
}

function takeApart(choices: readonly IconChoice[], count: number, bytes: Uint8Array, area: number): Drawing[] {
  let [index, at] = [0, count];
  const next = (): Rendering | undefined => {
    const kind = KINDS[nth(bytes, index++)];
    if (kind === undefined || at > bytes.length)
      throw new InputError('icons', 'the cache of rendered drawings is damaged', 'delete the files *.pixels in the cache folder');
    if (kind === 'left out') return undefined;
    const from = at;
    at += area * PIXEL_BYTES[kind];
    return { kind, pixels: bytes.subarray(from, at) };
  };
  return choices.flatMap(({ subject, style, icons }) => {
    const renderings = icons.map(next).filter((rendering) => rendering !== undefined);
    return renderings.length === 0 ? [] : [{ subject, style, icon: icons[0] as string, renderings }];
  });
}

async function render(
  choices: readonly IconChoice[],
  count: number,
  { side, from, without }: DrawingOptions,
): Promise<Uint8Array<ArrayBuffer>> {
  const sets = new Map<string, IconSet>();
  for (const style of new Set(choices.map((choice) => choice.style))) sets.set(style, await IconSet.open(style, from));
  const list = choices.flatMap(({ style, icons }) => icons.map((icon) => ({ set: sets.get(style) as IconSet, icon })));
  const isExcluded = await without?.detector();
  const kinds = new Uint8Array(count);
  const parts: Uint8Array[] = [kinds];
  for (let at = 0; at < list.length; at += AT_ONCE) {
    const images = await Promise.all(list.slice(at, at + AT_ONCE).map(({ set, icon }) => set.rgba(icon, side)));
    for (const [index, image] of images.entries()) {
      const rendering = compact(image);
      if (!rendering || isExcluded?.(rendering)) continue;
      kinds[at + index] = KINDS.indexOf(rendering.kind);
      parts.push(rendering.pixels);
    }
  }
  return joinBytes(parts);
}

/** One byte a pixel for what is drawn in black alone, as icons are that leave their colour to the page. Undefined for an empty image. */
function compact(rgba: Uint8Array): Rendering | undefined {
  const coverage = new Uint8Array(rgba.length / 4);
  let isBlank = true;
  for (let pixel = 0; pixel < coverage.length; pixel++) {
    const alpha = nth(rgba, 4 * pixel + 3);
    if (alpha === 0) continue;
    isBlank = false;
    if (nth(rgba, 4 * pixel) + nth(rgba, 4 * pixel + 1) + nth(rgba, 4 * pixel + 2) > 0) return { kind: 'rgba', pixels: rgba };
    coverage[pixel] = alpha;
  }
  return isBlank ? undefined : { kind: 'coverage', pixels: coverage };
}
