/**
 * The default set: things that pretraining neither saw nor heard named, each drawn by many hands. Unlike in the other sets, shots and test show
 * the same things by different hands, as photographs of a kind do in the sets of the papers. The drawings come with the package; see
 * scripts/icon-things.ts, which chooses them.
 */
import { readFileSync } from 'node:fs';
import { lot } from '../concepts/held-out.ts';
import type { SizedIcon } from '../sources/icon.ts';
import type { Place } from './place.ts';

/** Stands for a style in places. */
export const THINGS = 'things';

/** The committed file. */
export const THINGS_FILE = new URL('../../../../assets/icon-things.json', import.meta.url);

/** One drawing, as Iconify has it. */
export type ThingIcon = SizedIcon & {
  /** Name of its class. */
  readonly class: string;
  /** CLDR's English label of what is drawn. */
  readonly thing: string;
};

export type ThingsFile = {
  /** Where the drawings come from, by the names of Iconify's sets. */
  readonly sets: Readonly<Record<string, { readonly version: string; readonly author: string; readonly licence: string }>>;
  /** By set and icon: `mdi/printer`. */
  readonly icons: Readonly<Record<string, ThingIcon>>;
};

let read: ThingsFile | undefined;

/** The file's contents, read once. */
export function thingsFile(): ThingsFile {
  read ??= JSON.parse(readFileSync(THINGS_FILE, 'utf8')) as ThingsFile;
  return read;
}

/** Drawings of each class, in alphabetical order of the classes and in a fixed arbitrary order within each. */
export function thingPlaces(): { readonly name: string; readonly places: readonly Place[] }[] {
  const icons = Object.entries(thingsFile().icons);
  const names = [...new Set(icons.map(([, icon]) => icon.class))].sort();
  return names.map((name, label) => ({
    name,
    places: icons
      .filter(([, icon]) => icon.class === name)
      .map(([icon]) => ({ style: THINGS, icon, label }))
      .sort((a, b) => lot(`set ${a.icon}`) - lot(`set ${b.icon}`)),
  }));
}
