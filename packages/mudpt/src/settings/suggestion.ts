/** Suggestions of similar names for mistyped ones. */
import { nth } from '@mudpt/tensor/internal';

/** "Did you mean" for the nearest name, or all names. */
export function suggestion(given: string, names: readonly string[]): string {
  const [nearest] = [...names].sort((a, b) => distance(given, a) - distance(given, b));
  if (nearest !== undefined && distance(given, nearest) <= Math.max(2, given.length / 3)) return `did you mean ${nearest}?`;
  return `use one of ${names.join(', ')}`;
}

/** Levenshtein's: letters to insert, remove or replace, in any case. */
function distance(a: string, b: string): number {
  const [from, to] = [a.toLowerCase(), b.toLowerCase()];
  // Of the letters of `from` so far, to each beginning of `to`.
  let row = Uint32Array.from({ length: to.length + 1 }, (_, index) => index);
  for (const letter of from) {
    let [diagonal, left] = [nth(row, 0), nth(row, 0) + 1];
    row = row.map((above, j) => {
      if (j === 0) return left;
      left = Math.min(above + 1, left + 1, diagonal + (letter === to[j - 1] ? 0 : 1));
      diagonal = above;
      return left;
    });
  }
  return nth(row, to.length);
}
