/** Canonical form of plain values: equality of them, and a text that equal ones share, as keys and digests need it. */

/**
 * A text that two plain values share exactly when they are equal: JSON with the keys of objects in the order of their letters and entries of
 * undefined left out. The order of an array counts.
 */
export function canonicalText(value: unknown): string {
  return JSON.stringify(ordered(value));
}

/** Whether two plain values are equal, whatever the order of their keys. */
export function isEqual(a: unknown, b: unknown): boolean {
  return canonicalText([a]) === canonicalText([b]);
}

function ordered(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(ordered);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, entry]) => [key, ordered(entry)]),
  );
}
