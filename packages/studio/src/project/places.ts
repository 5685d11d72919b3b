/** Where the images of a project lie in its zip, which is also the order in which they are learnt: Node reads the unpacked zip in that order. */
import { fileName } from './save.ts';
import type { Side } from './split.ts';
import type { ClassEntry, ImageEntry, Project } from './types.ts';

/** What files of images are called, here and in Node. */
export const IMAGE_ENDING = /\.(png|jpe?g|jpe|jfif|webp|gif|bmp|dib|avif|tiff?|hei[cf])$/i;

const byCodeUnit = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/** Folder names by class: different ones, on every system. */
export function foldersOf(classes: readonly ClassEntry[]): Map<string, string> {
  return uniqueNames(classes.map(({ id, name }) => [id, fileName(name)]));
}

/** Classes as Node labels them: by the names of their folders. */
export function inLabelOrder(classes: readonly ClassEntry[]): ClassEntry[] {
  const folders = foldersOf(classes);
  return [...classes].sort((a, b) => byCodeUnit(folders.get(a.id) ?? '', folders.get(b.id) ?? ''));
}

/** Paths by image: `train/CLASS/FILE` and `test/CLASS/FILE`. */
export function pathsOf(
  { classes, images }: Pick<Project, 'classes' | 'images'>,
  sides: ReadonlyMap<string, Side>,
): Map<string, string> {
  const folders = foldersOf(classes);
  return uniqueNames(
    images.map(({ id, name, classId }) => [id, `${sides.get(id) ?? 'train'}/${folders.get(classId)}/${safeFile(name)}`]),
  );
}

/** Images in the order of their paths. */
export function inPathOrder(images: readonly ImageEntry[], paths: ReadonlyMap<string, string>): ImageEntry[] {
  return [...images].sort((a, b) => byCodeUnit(paths.get(a.id) ?? '', paths.get(b.id) ?? ''));
}

/** A name that no file system refuses, with an ending by which Node sees an image: what it is, is read from its bytes. */
function safeFile(name: string): string {
  const end = IMAGE_ENDING.exec(name)?.[0] ?? '';
  return `${fileName(name.slice(0, name.length - end.length))}${end === '' ? '.png' : end}`;
}

/** The same names, told apart by numbers where two are equal: on some systems A is a. */
function uniqueNames(names: readonly (readonly [id: string, name: string])[]): Map<string, string> {
  const taken = new Set<string>();
  return new Map(
    names.map(([id, name]) => {
      let unique = name;
      const dot = /^(.*?)(\.[a-z0-9]{1,5})?$/i.exec(name);
      for (let number = 2; taken.has(unique.toLowerCase()); number += 1)
        unique = `${dot?.[1] ?? name}-${number}${dot?.[2] ?? ''}`;
      taken.add(unique.toLowerCase());
      return [id, unique];
    }),
  );
}
