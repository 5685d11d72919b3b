/** The down-stream sets: classify a drawing into its category. */
import { mkdir, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { removeLeftovers, writeFileAtomic } from '@mudpt/tensor';
import { type Item, type Split, SPLITS } from '../../data/dataset.ts';
import type { DatasetContents, DatasetDefinition } from '../../data/definition.ts';
import { categoryNames } from './categories.ts';
import { heldOutConcepts, lot, splitOf } from './held-out.ts';
import { type Concept, readManifest } from './manifest.ts';
import { installStyle } from './install.ts';
import { IconSet } from './render.ts';
import { STYLES } from './styles.ts';
import { VIEW } from './view.ts';

/** Zero-shot prompt of all sets. */
export const ICON_TEMPLATE = 'an icon of a {}.';

/** The held-out style that few shots are given from; the other two are shifted domains. */
const STYLE = 'openmoji';

/** Concepts of a class that a set of one style takes at most (there are 259 flags): half of them are enough for 16 shots. */
const MOST = 56;

/** Half of the concepts are for training, 1 in 8 for validation, the others for the test. */
const TURNS = ['test', 'train', 'val', 'train', 'test', 'train', 'test', 'train'] as const;

/** Where a drawing is: its style, its icon, its class. */
export type Place = { readonly style: string; readonly icon: string; readonly label: number };
export type Places = Readonly<Record<Split, readonly Place[]>>;

export type IconSetDefinition = {
  readonly name: string;
  /** One sentence for people. */
  readonly about: string;
  readonly deal: (concepts: readonly Concept[]) => Places;
};

const shifted = (style: string): IconSetDefinition => ({
  name: `icons-${style}`,
  about: `Drawings in the held-out style ${style}, a test set only: a shifted domain for what was learnt on another style.`,
  deal: (concepts) => ({
    train: [],
    val: [],
    test: members(concepts).flatMap(({ list }) => list.flatMap((one) => drawn(one, style))),
  }),
});

/** All sets. Every drawing is one that pretraining did not see. */
export const ICON_SETS: readonly IconSetDefinition[] = [
  {
    name: 'icons-concepts',
    about: 'Held-out concepts in styles that pretraining saw: does the model recognise new things in a known hand?',
    deal: (concepts) => {
      const styles = STYLES.filter(({ role, bundled }) => role === 'seen' && bundled).map(({ name }) => name);
      return bySplit((split) =>
        heldOutConcepts(concepts).flatMap((list) =>
          list
            .filter((_, position) => splitOf(position) === split)
            .flatMap((one) => styles.flatMap((style) => drawn(one, style))),
        ),
      );
    },
  },
  {
    name: 'icons-styles',
    about: `All concepts in a held-out style (${STYLE}): few shots of a hand that pretraining never saw.`,
    deal: (concepts) =>
      bySplit((split) =>
        members(concepts).flatMap(({ list }) =>
          list
            .filter((one) => one.icons[STYLE])
            .slice(0, MOST)
            .filter((_, position) => TURNS[position % TURNS.length] === split)
            .flatMap((one) => drawn(one, STYLE)),
        ),
      ),
  },
  shifted('emojione-v1'),
  shifted('fxemoji'),
];

/** The set that is meant by `icons`: chosen on validation pictures, see the model card. */
export const DEFAULT_ICON_SET = 'icons-styles';

/** Concepts by class, in a fixed arbitrary order. */
function members(concepts: readonly Concept[]): { category: number; list: Concept[] }[] {
  return categoryNames.map((_, category) => ({
    category,
    list: concepts.filter((concept) => concept.category === category).sort((a, b) => lot(`set ${a.id}`) - lot(`set ${b.id}`)),
  }));
}

function drawn({ icons, category }: Concept, style: string): Place[] {
  const [icon] = icons[style] ?? [];
  return icon === undefined || category === undefined ? [] : [{ style, icon, label: category }];
}

function bySplit(make: (split: Split) => readonly Place[]): Places {
  return { train: make('train'), val: make('val'), test: make('test') };
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
    join(folder, 'packages'),
  );
  const items = (split: Split): Item[] =>
    places[split].map((place) => ({ id: `${place.style}/${place.icon}.png`, image: file(place), label: place.label }));
  return {
    name: definition.name,
    classNames: categoryNames,
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

const HOUR_MS = 3_600_000;

/** Pictures rendered at once. */
const AT_ONCE = 16;

async function renderMissing(places: readonly Place[], file: (place: Place) => string, packages: string): Promise<void> {
  const isThere = await Promise.all(
    places.map((place) =>
      stat(file(place)).then(
        () => true,
        () => false,
      ),
    ),
  );
  const missing = places.filter((_, index) => !isThere[index]);
  const sets = new Map<string, IconSet>();
  for (const name of new Set(missing.map((place) => place.style))) {
    const style = STYLES.find((one) => one.name === name && !one.bundled);
    sets.set(name, await IconSet.open(name, style && (await installStyle(packages, style))));
  }
  for (const path of new Set(missing.map((place) => dirname(file(place))))) {
    await mkdir(path, { recursive: true });
    // Others may be rendering at this moment: only what is old was left by a write that was killed.
    await removeLeftovers(path, HOUR_MS);
  }
  const write = async (place: Place): Promise<void> => {
    await writeFileAtomic('icons', file(place), await (sets.get(place.style) as IconSet).png(place.icon, VIEW));
  };
  for (let at = 0; at < missing.length; at += AT_ONCE) await Promise.all(missing.slice(at, at + AT_ONCE).map(write));
}
