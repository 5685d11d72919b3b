/** The differences between two plans, as sentences that say what to do. */
import { isEqual } from '@mudpt/tensor/internal';
import { type Cell, type Plan } from './cell.ts';
import { someOf } from '../data/dataset.ts';

/** Nothing for the same plan. @param before the plan that is there @param after the one that was asked for */
export function planDifferences(before: Plan, after: Plan): string[] {
  if (before.head.digest === after.head.digest) return [];
  const found = (['model', 'root'] as const)
    .filter((part) => before.head[part] !== after.head[part])
    .map((part) => `${part} ${before.head[part]} there, ${after.head[part]} asked for`);
  for (const set of after.head.sets) {
    const old = before.head.sets.find(({ name }) => name === set.name);
    if (old && old.structure !== set.structure) found.push(`the data set ${set.name} has other images or classes now`);
  }
  const [old, now] = [byKey(before.cells), byKey(after.cells)];
  const missing = [...old.keys()].filter((key) => !now.has(key));
  const added = [...now.keys()].filter((key) => !old.has(key));
  if (missing.length > 0) found.push(`${missing.length} cells are there that were not asked for (${someOf(missing, 3)})`);
  if (added.length > 0) found.push(`${added.length} cells were asked for that are not there (${someOf(added, 3)})`);
  const changes = new Map<string, string[]>();
  for (const [key, cell] of now)
    for (const change of changed(old.get(key), cell)) changes.set(change, [...(changes.get(change) ?? []), key]);
  for (const [change, keys] of changes) found.push(`${change} (${keys.length} cells, such as ${keys[0]})`);
  if (found.length > 0) return found;
  // Settings that were added since have the value that was in effect before, in cells of the same identity.
  const known = ({ config, ...cell }: Cell, index: number): Cell => ({
    ...cell,
    config: onlyKeysOf(before.cells[index]?.config, config) as Cell['config'],
  });
  const isSame =
    isEqual({ ...before.head, digest: '' }, { ...after.head, digest: '' }) && isEqual(before.cells, after.cells.map(known));
  return isSame ? [] : ['the order of cells, methods, seeds or protocols'];
}

/** A value without the keys, at any depth, that `like` does not have. */
function onlyKeysOf(like: unknown, value: unknown): unknown {
  if (!isPlain(like) || !isPlain(value)) return value;
  const kept = Object.entries(value).filter(([key]) => key in like);
  return Object.fromEntries(kept.map(([key, inner]) => [key, onlyKeysOf(like[key], inner)]));
}

function isPlain(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function byKey(cells: readonly Cell[]): Map<string, Cell> {
  return new Map(
    cells.map((cell) => [`${cell.protocols.join('+')} ${cell.method} ${cell.data} ${cell.shots} shots seed ${cell.seed}`, cell]),
  );
}

/** Values that differ between two cells of one place. */
function changed(before: Cell | undefined, after: Cell): string[] {
  if (!before || before.id === after.id) return [];
  const flat = (value: unknown, path: string): [string, string][] =>
    typeof value === 'object' && value !== null && !Array.isArray(value)
      ? Object.entries(value).flatMap(([key, inner]) => flat(inner, path === '' ? key : `${path}.${key}`))
      : [[path, JSON.stringify(value)]];
  const [old, now] = [new Map(flat(before.config, '')), new Map(flat(after.config, ''))];
  return [...new Set([...old.keys(), ...now.keys()])]
    .filter((key) => old.get(key) !== now.get(key))
    .map((key) => `${key} ${old.get(key) ?? 'unset'} there, ${now.get(key) ?? 'unset'} asked for`);
}
