/** Duplicate images of a data set: in two classes, or in training and test. */
import { createHash } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { counted, type Item, SEEN_BEFORE, someOf } from './dataset.ts';

interface Placed {
  readonly item: Item;
  readonly split: string;
}

/**
 * Finds equal pictures (same bytes) in two classes, and in training and test. Only files of equal length are read.
 * @param className of a label
 */
export async function findDuplicates(
  splits: Readonly<Record<string, readonly Item[]>>,
  className: (label: number) => string | undefined,
): Promise<string[]> {
  const placed = Object.entries(splits).flatMap(([split, items]) => items.map((item): Placed => ({ item, split })));
  const sizes = await together(placed, ({ item }) => sizeOf(item));
  const bySize = new Map<number, Placed[]>();
  for (const [index, size] of sizes.entries()) {
    const entry = placed[index];
    if (size === undefined || !entry) continue;
    const equal = bySize.get(size);
    if (equal) equal.push(entry);
    else bySize.set(size, [entry]);
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
    warnings.push(
      `${counted(classes.length, 'picture is', 'pictures are')} in two classes, so one of the two counts as an error: ${someOf(classes, 3)}`,
    );
  if (leaks.length > 0)
    warnings.push(
      `${counted(leaks.length, 'test picture is', 'test pictures are')} ${SEEN_BEFORE}, which flatters the accuracy: ${someOf(leaks, 3)}`,
    );
  return warnings;
}

async function sizeOf({ image }: Item): Promise<number | undefined> {
  if (image instanceof Uint8Array) return image.length;
  if (typeof image !== 'string') return undefined;
  return stat(image).then(
    // Empty files are all equal, but they are not images.
    (found) => (found.isFile() && found.size > 0 ? found.size : undefined),
    () => undefined,
  );
}

async function groupByContent(candidates: readonly Placed[]): Promise<Placed[][]> {
  const keys = await together(candidates, async ({ item: { image } }) => {
    const bytes = image instanceof Uint8Array ? image : await readFile(image as string);
    return createHash('sha256').update(bytes).digest('hex');
  });
  const groups = new Map<string, Placed[]>();
  for (const [index, key] of keys.entries()) {
    const candidate = candidates[index];
    if (!candidate) continue;
    const equal = groups.get(key);
    if (equal) equal.push(candidate);
    else groups.set(key, [candidate]);
  }
  return [...groups.values()].filter((group) => group.length > 1);
}

/** Files read at once. */
const AT_ONCE = 64;

/** The results of `ask` for all items, in order; several run at a time. */
async function together<T, R>(items: readonly T[], ask: (item: T) => Promise<R>): Promise<R[]> {
  const answers: R[] = [];
  for (let from = 0; from < items.length; from += AT_ONCE)
    for (const answer of await Promise.all(items.slice(from, from + AT_ONCE).map(ask))) answers.push(answer);
  return answers;
}
