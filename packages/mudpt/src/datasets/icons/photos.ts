/** Photographs of single things: stamps of Tux Paint, which Debian packs. They are installed, not copied (GPL-2). */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { InputError } from '@mudpt/tensor';
import { exists } from '../../data/files.ts';
import { classNames } from './concepts/classes.ts';
import { PHOTO_LIST } from './photo-list.ts';
import type { Place } from './rendering/place.ts';
import { pngOf, type View } from './rendering/render.ts';

/** Stands for a style in places. */
export const PHOTOS = 'tuxpaint-stamps';

export const PHOTOS_SOURCE = {
  package: 'tuxpaint-stamps-default (Debian)',
  version: '2022.06.04',
  author: 'Bill Kendrick and contributors of Tux Paint',
  licence: 'GPL-2.0',
} as const;

/** Where Debian's package puts them. */
const INSTALLED = '/usr/share/tuxpaint/stamps';

export const photoPlaces: readonly Place[] = Object.entries(PHOTO_LIST).flatMap(([name, folders]) =>
  Object.entries(folders).flatMap(([folder, files]) =>
    files.split(' ').map((file) => ({ style: PHOTOS, icon: `${folder}/${file}`, label: classNames.indexOf(name) })),
  ),
);

/**
 * The photographs in `folder`/stamps, if there are any, or where Debian's package puts them.
 * @throws InputError when they are in neither
 */
export async function openPhotos(folder: string): Promise<{ png: (icon: string, view: View) => Promise<Uint8Array> }> {
  const beside = join(folder, 'stamps');
  const from = (await exists(beside)) ? beside : INSTALLED;
  if (!(await exists(from)))
    throw new InputError(
      'icons-photos',
      `the photographs are neither in ${beside} nor in ${INSTALLED}`,
      'install them (Debian, Ubuntu: apt-get install tuxpaint-stamps-default), or put the folder "stamps" of Tux Paint there',
    );
  return { png: async (icon, view) => pngOf(await readFile(join(from, `${icon}.png`)), view) };
}
