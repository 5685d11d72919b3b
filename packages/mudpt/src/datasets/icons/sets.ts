/** The down-stream sets: classify a drawing into its category. */
import { join } from 'node:path';
import { type Item, type Split, SPLITS } from '../../data/dataset.ts';
import type { DatasetContents, DatasetDefinition } from '../../data/definition.ts';
import { classNames } from './concepts/classes.ts';
import { extraMembers, type Member, memberOf } from './extras.ts';
import { heldOutConcepts, lot, splitOf } from './concepts/held-out.ts';
import { type Concept, readManifest } from './concepts/manifest.ts';
import type { Place } from './rendering/place.ts';
import { renderMissing } from './missing.ts';
import { photoPlaces } from './photos.ts';
import { seenStyles } from './sources/styles.ts';
import { thingPlaces } from './rendering/things.ts';

/** Zero-shot prompt of all sets. */
export const ICON_TEMPLATE = 'an icon of a {}.';

/** The held-out style of `icons-styles`; the other two are shifted domains. */
const STYLE = 'openmoji';

/** In the set of held-out concepts, every n-th one that is not for the test is for validation. */
const VAL_EVERY = 5;

/** Things of a class that a set of one style takes at most (there are 259 flags): half of them are enough for 16 shots. */
const MOST = 56;

/** Fewest images of a class for training and for the test. */
export const LEAST = { train: 16, test: 10 } as const;

/** Drawings by split. */
export type Places = Readonly<Record<Split, readonly Place[]>>;

/** A set's classes, and its drawings, whose labels count them. */
export type DealtSet = Places & { readonly classNames: readonly string[] };

export type IconSetDefinition = {
  readonly name: string;
  /** One sentence for people. */
  readonly about: string;
  /** Its drawings are divided one by one, so that a thing is in all splits; otherwise a thing is in one. */
  readonly dividesThings?: true;
  readonly deal: (concepts: readonly Concept[]) => DealtSet;
};

const shifted = (style: string): IconSetDefinition => ({
  name: `icons-${style}`,
  about: `Drawings in the held-out style ${style}, a test set only: a shifted domain for what was learnt on another style.`,
  deal: (concepts) => ({
    classNames,
    train: [],
    val: [],
    test: members(concepts).flatMap((list) => list.flatMap((one) => drawn(one, style))),
  }),
});

/** All sets. Every drawing is one that pretraining did not see. */
export const ICON_SETS: readonly IconSetDefinition[] = [
  {
    name: 'icons-things',
    about:
      'Things that pretraining neither saw nor heard named, each drawn by many hands: shots and test show the same things by different hands.',
    dividesThings: true,
    deal: () => {
      const classes = thingPlaces();
      return largeClasses(
        classes.map(({ places }) => divided(places, (place) => [place])),
        classes.map(({ name }) => name),
      );
    },
  },
  {
    name: 'icons-concepts',
    about: 'Held-out concepts in styles that pretraining saw: does the model recognise new things in a known hand?',
    deal: (concepts) => {
      // What is validated on before the test: every place of a category's list but the test's.
      const halves = classNames.map((): { train: Member[]; test: Member[] } => ({ train: [], test: [] }));
      for (const list of heldOutConcepts(concepts))
        for (const [position, concept] of list.entries()) {
          const member = memberOf(concept);
          if (member) halves[member.label]?.[splitOf(position) === 'test' ? 'test' : 'train'].push(member);
        }
      const images = (list: readonly Member[]): Place[] =>
        list.flatMap((one) => seenStyles.flatMap((style) => drawn(one, style)));
      const dealt = halves.map(({ train, test }) => ({
        train: images(train.filter((_, position) => position % VAL_EVERY !== 0)),
        val: images(train.filter((_, position) => position % VAL_EVERY === 0)),
        test: images(test),
      }));
      return largeClasses(dealt);
    },
  },
  {
    name: 'icons-styles',
    about: `All things in a held-out style (${STYLE}): few shots of a hand that pretraining never saw.`,
    deal: (concepts) =>
      largeClasses(
        members(concepts).map((all) => {
          const list = all.filter(({ icons }) => icons[STYLE]).slice(0, MOST);
          return divided(list, (one) => drawn(one, STYLE));
        }),
      ),
  },
  shifted('emojione-v1'),
  shifted('fxemoji'),
  {
    name: 'icons-photos',
    about: 'Photographs of cut-out things, a test set only: far from all drawings.',
    deal: () => ({ classNames, train: [], val: [], test: photoPlaces }),
  },
];

/** The set that is meant by `icons`. In the others no thing is in two splits, so that shots say little of the test and nothing that is learnt gains much. */
export const DEFAULT_ICON_SET = 'icons-things';

/** Things by class, in a fixed arbitrary order. */
function members(concepts: readonly Concept[]): Member[][] {
  const all = [...concepts.flatMap((concept) => memberOf(concept) ?? []), ...extraMembers];
  return classNames.map((_, label) =>
    all.filter((one) => one.label === label).sort((a, b) => lot(`set ${a.id}`) - lot(`set ${b.id}`)),
  );
}

function drawn({ icons, label }: Member, style: string): Place[] {
  return (icons[style] ?? []).map((icon) => ({ style, icon, label }));
}

/** The first third of a class for the test, then some for validation, the rest to train. */
function divided<T>(list: readonly T[], placesOf: (one: T) => readonly Place[]): Places {
  const test = Math.max(LEAST.test, Math.round(0.35 * list.length));
  const val = test + Math.floor(0.1 * list.length);
  const images = (part: readonly T[]): Place[] => part.flatMap(placesOf);
  return { test: images(list.slice(0, test)), val: images(list.slice(test, val)), train: images(list.slice(val)) };
}

/** The classes that have enough images to train and to test. */
function largeClasses(dealt: readonly Places[], names: readonly string[] = classNames): DealtSet {
  const kept = dealt
    .map((places, label) => ({ places, label }))
    .filter(({ places }) => places.train.length >= LEAST.train && places.test.length >= LEAST.test && places.val.length > 0);
  const split = (name: Split): Place[] => kept.flatMap(({ places }, label) => places[name].map((place) => ({ ...place, label })));
  return {
    classNames: kept.map(({ label }) => names[label] as string),
    train: split('train'),
    val: split('val'),
    test: split('test'),
  };
}

/**
 * Reads a set. Its pictures are rendered into `folder` (once; PNG files named by style and icon), where people can look at them too; a style
 * that is not installed with this package is fetched into `folder`/packages.
 * @throws InputError when a style cannot be fetched
 */
async function readIcons(definition: IconSetDefinition, folder: string): Promise<DatasetContents> {
  const places = definition.deal(await readManifest());
  const file = ({ style, icon }: Place): string => join(folder, style, `${icon}.png`);
  await renderMissing(
    SPLITS.flatMap((split) => places[split]),
    file,
    folder,
  );
  const items = (split: Split): Item[] =>
    places[split].map((place) => ({ id: `${place.style}/${place.icon}.png`, image: file(place), label: place.label }));
  return {
    name: definition.name,
    classNames: places.classNames,
    splits: { train: items('train'), val: items('val'), test: items('test') },
    origin: { path: folder, division: 'a split of its own' },
  };
}

const icons = (name: string, definition: IconSetDefinition): DatasetDefinition => ({
  name,
  summary: definition.about,
  folder: 'icons',
  generated: true,
  template: ICON_TEMPLATE,
  read: (folder) => readIcons(definition, folder),
});

/** `icons`, the default set, and each set by its name. */
export const ICONS: readonly DatasetDefinition[] = [
  ...ICON_SETS.filter(({ name }) => name === DEFAULT_ICON_SET).map((definition) => icons('icons', definition)),
  ...ICON_SETS.map((definition) => icons(definition.name, definition)),
];
