/** Drawings by what they show, and how often each of these subjects comes. */
import type { Concept } from '../datasets/icons/manifest.ts';
import type { BatchDrawing, Subject } from './batches.ts';
import { type Captions, categoryWords } from './captions.ts';
import type { Recipe } from './recipe.ts';

/** Concepts drawn in more styles come a little more often, those of crowded categories less. */
export function subjectsOf(
  drawings: readonly (BatchDrawing & { readonly concept: Concept })[],
  captions: Captions,
  { balance }: Pick<Recipe, 'balance'>,
): Subject[] {
  const groups = new Map<string, { concept: Concept; drawings: BatchDrawing[] }>();
  for (const drawing of drawings) {
    const { concept } = drawing;
    const group = groups.get(concept.id) ?? { concept, drawings: [] };
    groups.set(concept.id, group);
    group.drawings.push(drawing);
  }
  const sizes = new Map<string, number>();
  for (const { concept } of groups.values()) sizes.set(categoryWords(concept), (sizes.get(categoryWords(concept)) ?? 0) + 1);
  return [...groups.values()].map(({ concept, drawings: all }) => {
    const category = categoryWords(concept);
    const styles = new Set(all.map(({ style }) => style)).size;
    return {
      odds: Math.sqrt(styles) / (sizes.get(category) ?? 1) ** balance,
      category,
      drawings: all,
      caption: (beginning, random) => captions.draw(concept, beginning, random),
    };
  });
}
