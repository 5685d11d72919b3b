/** A canonical form of plain values, for comparing them and as text for keys and digests. */

/**
 * A text that two plain values share exactly when they are equal: JSON with sorted object keys, and without entries that are
 * undefined. The order of an array counts.
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
