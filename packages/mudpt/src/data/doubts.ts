/** What is suspicious about a data set, told before anybody believes its numbers. */
import { createHash } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { type Item, readableName, someOf } from './dataset.ts';

const EMPTY_WORDS = /^(?:n\d{8}|[\d\s._-]+|.|(?:class|label|category|folder|new folder|untitled folder|cls|c)[\s_-]*\d*)$/i;

/** Names from which no text encoder can tell what is in the picture. */
export function doubtfulNames(classNames: readonly string[]): string[] {
  const warnings: string[] = [];
  const empty = classNames.filter((name) => EMPTY_WORDS.test(readableName(name).trim()));
  if (empty.length > 0)
    warnings.push(
      `${empty.length} class names say nothing about the pictures (${someOf(empty)}), so zero-shot accuracy will be near chance: ` +
        'rename the folders, or put a classnames.txt beside them with lines "FOLDER words that name the class"',
    );
  const seen = new Map<string, string>();
  const repeated: string[] = [];
  for (const name of classNames) {
    const key = readableName(name).toLowerCase();
    if (seen.has(key)) repeated.push(`"${name}"`);
    seen.set(key, name);
  }
  if (repeated.length > 0)
    warnings.push(
      `${repeated.length} class names occur twice, so zero-shot cannot tell those classes apart: ${someOf(repeated)}`,
    );
  return warnings;
}

interface Placed {
  readonly item: Item;
  readonly split: string;
}

/**
 * Finds equal pictures (same bytes) in two classes, and in training and test. Only files of equal length are read.
 * @param className of a label
 */
export async function doublePictures(
  splits: Readonly<Record<string, readonly Item[]>>,
  className: (label: number) => string,
): Promise<string[]> {
  const bySize = new Map<number, Placed[]>();
  for (const [split, items] of Object.entries(splits))
    for (const item of items) {
      const size = await sizeOf(item);
      if (size !== undefined) bySize.set(size, [...(bySize.get(size) ?? []), { item, split }]);
    }
  const classes: string[] = [];
  const leaks: string[] = [];
  for (const candidates of bySize.values()) {
    if (candidates.length < 2) continue;
    for (const equal of await groupByContent(candidates)) {
      const [first, ...rest] = equal as [Placed, ...Placed[]];
      for (const other of rest) {
        if (first.item.label !== other.item.label)
          classes.push(`${first.item.id} (${className(first.item.label)}) = ${other.item.id} (${className(other.item.label)})`);
        else if ((first.split === 'test') !== (other.split === 'test')) leaks.push(`${first.item.id} = ${other.item.id}`);
      }
    }
  }
  const warnings: string[] = [];
  if (classes.length > 0)
    warnings.push(`${classes.length} pictures are in two classes, so one of the two counts as an error: ${someOf(classes, 3)}`);
  if (leaks.length > 0)
    warnings.push(
      `${leaks.length} test pictures are seen in training or validation too, which flatters the accuracy: ${someOf(leaks, 3)}`,
    );
  return warnings;
}

async function sizeOf({ image }: Item): Promise<number | undefined> {
  if (image instanceof Uint8Array) return image.length;
  if (typeof image !== 'string') return undefined;
  return stat(image).then(
    ({ size }) => size,
    () => undefined,
  );
}

async function groupByContent(candidates: readonly Placed[]): Promise<Placed[][]> {
  const groups = new Map<string, Placed[]>();
  for (const placed of candidates) {
    const { image } = placed.item;
    const bytes = image instanceof Uint8Array ? image : await readFile(image as string);
    const key = createHash('sha256').update(bytes).digest('hex');
    groups.set(key, [...(groups.get(key) ?? []), placed]);
  }
  return [...groups.values()].filter((group) => group.length > 1);
}
