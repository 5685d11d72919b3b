/** Drawings by what they show, and how often each of these groups comes. */
import { nth } from '@mudpt/tensor/internal';
import type { Subject } from '../datasets/icons/collection/match.ts';
import type { Drawing } from '../datasets/icons/collection/drawings.ts';
import { categoryWords } from './captions.ts';
import type { Recipe } from './recipe.ts';

/** All drawings of one thing. */
export type DrawingGroup = {
  /** How often it comes, compared with others. */
  readonly odds: number;
  readonly category: string;
  readonly styles: readonly (readonly Drawing[])[];
};

/** Things drawn in more styles come a little more often, those of crowded categories less. */
export function groupsOf(drawings: readonly Drawing[], { balance }: Pick<Recipe, 'balance'>): DrawingGroup[] {
  const groups = new Map<string, { subject: Subject; styles: Map<string, Drawing[]> }>();
  for (const drawing of drawings) {
    const { subject, style } = drawing;
    const group = groups.get(subject.key) ?? { subject, styles: new Map<string, Drawing[]>() };
    groups.set(subject.key, group);
    group.styles.set(style, [...(group.styles.get(style) ?? []), drawing]);
  }
  const list = [...groups.values()].map(({ subject, styles }) => ({
    category: categoryWords(subject),
    styles: [...styles.values()],
    odds: Math.sqrt(styles.size),
  }));
  const sums = new Map<string, number>();
  for (const { category, odds } of list) sums.set(category, (sums.get(category) ?? 0) + odds);
  return list.map((group) => ({ ...group, odds: group.odds / (sums.get(group.category) ?? 1) ** balance }));
}

/** Sums of the odds up to each group, to draw from with {@link drawIndex}. */
export function runningSums(groups: readonly DrawingGroup[]): Float64Array {
  let total = 0;
  return Float64Array.from(groups, ({ odds }) => (total += odds));
}

/** The index whose share of the running sums `point`, from 0 to 1, falls into. */
export function drawIndex(sums: Float64Array, point: number): number {
  const wanted = point * nth(sums, sums.length - 1);
  let [low, high] = [0, sums.length - 1];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (nth(sums, middle) > wanted) high = middle;
    else low = middle + 1;
  }
  return low;
}
