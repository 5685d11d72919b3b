/** Data cards of the icon sets: contents, sizes, sources. */
import { SPLITS } from '../../data/dataset.ts';
import type { Concept } from './concepts/manifest.ts';
import { DEFAULT_ICON_SET, ICON_TEMPLATE, type IconSetDefinition } from './sets.ts';
import { PHOTOS, PHOTOS_SOURCE } from './photos.ts';
import { packageOf, STYLES } from './sources/styles.ts';
import { THINGS, thingsFile } from './rendering/things.ts';
import { VIEW } from './rendering/view.ts';

export type DataCard = {
  readonly name: string;
  readonly about: string;
  readonly isDefault: boolean;
  readonly dividesThings?: true;
  readonly template: string;
  readonly pixels: number;
  readonly images: Readonly<Record<string, number>>;
  /** Pictures by class: train, val, test. The first half of the classes is "base", the rest "new". */
  readonly classes: Readonly<Record<string, readonly [number, number, number]>>;
  readonly sources: readonly {
    readonly package: string;
    readonly version: string;
    readonly author: string;
    readonly licence: string;
  }[];
};

export function dataCard({ name, about, dividesThings, deal }: IconSetDefinition, concepts: readonly Concept[]): DataCard {
  const places = deal(concepts);
  const count = (split: (typeof SPLITS)[number], label: number): number =>
    places[split].filter((place) => place.label === label).length;
  const styles = new Set(SPLITS.flatMap((split) => places[split].map(({ style }) => style)));
  return {
    name,
    about,
    isDefault: name === DEFAULT_ICON_SET,
    ...(dividesThings && { dividesThings }),
    template: ICON_TEMPLATE,
    pixels: VIEW.size,
    images: Object.fromEntries(SPLITS.map((split) => [split, places[split].length])),
    classes: Object.fromEntries(
      places.classNames.map((className, label) => [
        className,
        [count('train', label), count('val', label), count('test', label)],
      ]),
    ),
    sources: [
      ...STYLES.filter((style) => styles.has(style.name)).map(({ name: style, version, author, licence }) => ({
        package: packageOf(style),
        version,
        author,
        licence,
      })),
      ...(styles.has(PHOTOS) ? [PHOTOS_SOURCE] : []),
      ...(styles.has(THINGS)
        ? Object.entries(thingsFile().sets).map(([set, source]) => ({ package: packageOf(set), ...source }))
        : []),
    ],
  };
}

/** The card for people. */
export function cardText({
  name,
  about,
  isDefault,
  dividesThings,
  template,
  pixels,
  images,
  classes,
  sources,
}: DataCard): string {
  const names = Object.keys(classes);
  const base = Math.ceil(names.length / 2);
  return [
    `# ${name}`,
    '',
    `${about}${isDefault ? ' This is what `icons` means.' : ''}`,
    '',
    `Task: tell which of ${names.length} classes a drawing belongs to. Classes are groups of CLDR subgroups of emoji; ${
      dividesThings ? 'a drawing is in one' : 'a concept (a thing drawn,'
    }`,
    dividesThings
      ? 'split only, a thing in all. Pictures are rendered where they are used, from drawings of the packages below, on white,'
      : 'whatever skin tone or gender) is in one split only. Pictures are rendered where they are used, from the packages below, on white,',
    `${pixels} x ${pixels} pixels. Zero-shot prompt: "${template}". The first ${base} classes are base, the others new.`,
    '',
    '| Package | Version | By | Licence |',
    '|---|---|---|---|',
    ...sources.map((source) => `| ${source.package} | ${source.version} | ${source.author} | ${source.licence} |`),
    '',
    `Pictures: ${Object.entries(images)
      .map(([split, count]) => `${count} ${split}`)
      .join(', ')}.`,
    '',
    '| Class | train | val | test |',
    '|---|---|---|---|',
    ...Object.entries(classes).map(([category, counts]) => `| ${category} | ${counts.join(' | ')} |`),
    '',
  ].join('\n');
}
