/** Data sets: items, class names, a prompt template, three splits. All sources (folders, CSV, icons...) produce this type. */
import type { ImageSource } from '@mudpt/clip';

/** One labelled picture. */
export interface Item {
  /** Names the picture in reports and predictions; unique in its data set. For files: the path relative to the data set's folder. */
  readonly id: string;
  /** A path, or the bytes of an image file. */
  readonly image: ImageSource;
  /** Place of its class in `classNames`. */
  readonly label: number;
}

/** The splits of a data set, in the order of their use. */
export const SPLITS = ['train', 'val', 'test'] as const;
/** The name of a split. */
export type Split = (typeof SPLITS)[number];

/** A data set: classes, a prompt template, and the items of three splits. */
export interface Dataset {
  /** Short name, part of a run's folder name. */
  readonly name: string;
  /** By label. Two classes may have the same name (ImageNet has "missile" twice): classes are known by label, never by name. */
  readonly classNames: readonly string[];
  /** Prompt of zero-shot classification; `{}` is replaced by the class name. */
  readonly template: string;
  /** Sentences about each class, by label, which stand for the template in frozen texts. Default: none. */
  readonly descriptions?: readonly (readonly string[])[] | undefined;
  /** Any of them may be empty. */
  readonly splits: Readonly<Record<Split, readonly Item[]>>;
  /** Where it was read from, and how it came to its splits, for a person: "split from split_zhou_digits.json". */
  readonly origin?: { readonly path: string; readonly division: string };
  /** SHA-256 of the data set's classes, images and splits before few-shot selection; contents of images are not part of it. */
  readonly structure?: string;
  /** Warnings that affect results: skipped files, doubtful class names... One sentence each. */
  readonly warnings: readonly string[];
}

/** A part of the warning about test images that are training images as well. */
export const SEEN_BEFORE = 'seen in training or validation too';

/** The items of each label, labels in the order of their first appearance. */
export function byLabel(items: readonly Item[]): Map<number, Item[]> {
  const groups = new Map<number, Item[]>();
  for (const item of items) {
    const group = groups.get(item.label);
    if (group) group.push(item);
    else groups.set(item.label, [item]);
  }
  return groups;
}

/** The first few of many, for messages: `a, b, c and 4 more`. */
export function someOf(names: readonly string[], most = 5): string {
  const shown = names.slice(0, most).join(', ');
  return names.length > most ? `${shown} and ${names.length - most} more` : shown;
}

/** `1 picture is`, `2 pictures are`: a number with the words that go with it. */
export function counted(count: number, one: string, many: string): string {
  return `${count} ${count === 1 ? one : many}`;
}
