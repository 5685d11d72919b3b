/** The classes of the down-stream sets: categories joined where one alone is too small for 16 shots and a test, and what else is drawn. */
import { CATEGORIES } from './categories.ts';
import type { Concept } from './manifest.ts';

export type IconClass = {
  /** Class name, as prompts use it. */
  readonly name: string;
  /** Names of kinds: see {@link kindOf}. */
  readonly kinds: readonly string[];
};

/** Kinds of concepts that belong to no category, by CLDR subgroup. */
const KINDS: Readonly<Record<string, string>> = {
  'animal-amphibian': 'reptile',
  'animal-reptile': 'reptile',
  household: 'household item',
  science: 'medical item',
  medical: 'medical item',
  'body-parts': 'body part',
  dishware: 'tableware',
  sound: 'sound device',
  music: 'sound device',
};

/** Kinds of single concepts that CLDR files elsewhere. */
const KINDS_BY_LABEL: Readonly<Record<string, string>> = {
  'Christmas tree': 'plant',
  'tanabata tree': 'plant',
  'pine decoration': 'plant',
  'stop sign': 'sign',
};

/** In alphabetical order, which is the order of class labels. */
export const CLASSES: readonly IconClass[] = [
  { name: 'arrow', kinds: ['arrow'] },
  { name: 'bird or insect', kinds: ['bird', 'insect'] },
  { name: 'building', kinds: ['building'] },
  { name: 'clock', kinds: ['clock'] },
  { name: 'clothing', kinds: ['clothing'] },
  { name: 'dish or dessert', kinds: ['meal', 'dessert'] },
  { name: 'drink or tableware', kinds: ['drink', 'tableware'] },
  { name: 'electronic device', kinds: ['electronic device'] },
  { name: 'face', kinds: ['face'] },
  { name: 'flag', kinds: ['flag'] },
  { name: 'fruit or vegetable', kinds: ['fruit', 'vegetable'] },
  { name: 'game', kinds: ['game'] },
  { name: 'hand', kinds: ['hand'] },
  { name: 'household item', kinds: ['household item'] },
  { name: 'landscape', kinds: ['landscape'] },
  { name: 'mammal', kinds: ['mammal'] },
  { name: 'medical item', kinds: ['medical item', 'body part'] },
  { name: 'music or sound', kinds: ['musical instrument', 'sound device'] },
  { name: 'person', kinds: ['person'] },
  { name: 'plant', kinds: ['plant', 'flower'] },
  { name: 'sea animal or reptile', kinds: ['sea animal', 'reptile'] },
  { name: 'shape', kinds: ['shape', 'heart'] },
  { name: 'sign', kinds: ['sign'] },
  { name: 'sky', kinds: ['weather', 'moon'] },
  { name: 'sport', kinds: ['sport'] },
  { name: 'stationery', kinds: ['stationery', 'book', 'mail'] },
  { name: 'tool', kinds: ['tool'] },
  { name: 'vehicle', kinds: ['vehicle'] },
];

export const classNames: readonly string[] = CLASSES.map(({ name }) => name);

/** What a concept is: its category's name, or that of a kind that has no category. Undefined for what is neither. */
export function kindOf({ label, category, subgroup }: Pick<Concept, 'label' | 'category' | 'subgroup'>): string | undefined {
  return category === undefined ? (KINDS_BY_LABEL[label] ?? KINDS[subgroup]) : CATEGORIES[category]?.name;
}

const labels = new Map(CLASSES.flatMap(({ kinds }, label) => kinds.map((kind) => [kind, label] as const)));

/** Label of a kind's class, or undefined. */
export const classOfKind = (kind: string | undefined): number | undefined => (kind === undefined ? undefined : labels.get(kind));

/** Label of a concept's class, or undefined. */
export const classOf = (concept: Pick<Concept, 'label' | 'category' | 'subgroup'>): number | undefined =>
  classOfKind(kindOf(concept));
