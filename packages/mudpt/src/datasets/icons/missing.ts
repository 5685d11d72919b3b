/** Images of the down-stream sets as files, rendered where they are missing. */
import { mkdir, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { removeLeftovers, writeFileAtomic } from '@mudpt/tensor';
import { installStyle } from './sources/install.ts';
import { openPhotos, PHOTOS } from './photos.ts';
import type { Place } from './rendering/place.ts';
import { IconSet, type View } from './rendering/render.ts';
import { STYLES } from './sources/styles.ts';
import { VIEW } from './rendering/view.ts';

type ImageSource = { readonly png: (icon: string, view: View) => Promise<Uint8Array> };

const HOUR_MS = 3_600_000;

/** Pictures rendered at once. */
const AT_ONCE = 16;

/** Renders those of `places` that `file` has none of. Styles that are not installed are fetched into `folder`/packages. */
export async function renderMissing(places: readonly Place[], file: (place: Place) => string, folder: string): Promise<void> {
  const isThere = await Promise.all(
    places.map((place) =>
      stat(file(place)).then(
        () => true,
        () => false,
      ),
    ),
  );
  const missing = places.filter((_, index) => !isThere[index]);
  const sets = new Map<string, ImageSource>();
  for (const name of new Set(missing.map((place) => place.style))) {
    sets.set(name, name === PHOTOS ? await openPhotos(folder) : await openStyle(name, join(folder, 'packages')));
  }
  for (const path of new Set(missing.map((place) => dirname(file(place))))) {
    await mkdir(path, { recursive: true });
    // Others may be rendering at this moment: only what is old was left by a write that was killed.
    await removeLeftovers(path, { olderThanMs: HOUR_MS });
  }
  const write = async (place: Place): Promise<void> => {
    const set = sets.get(place.style) as ImageSource;
    await writeFileAtomic('icons', file(place), await set.png(place.icon, VIEW));
  };
  for (let at = 0; at < missing.length; at += AT_ONCE) await Promise.all(missing.slice(at, at + AT_ONCE).map(write));
}

async function openStyle(name: string, packages: string): Promise<IconSet> {
  const style = STYLES.find((one) => one.name === name && !one.bundled);
  return IconSet.open(name, style && (await installStyle(packages, style)));
}
