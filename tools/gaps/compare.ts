/** Which functions of other libraries have a counterpart here. */

/** Names that a library offers, and where they were read. */
export type Names = { readonly source: string; readonly version: string; readonly names: readonly string[] };

/** Counterparts under other names, and what is no function of tensors. */
export type Counterparts = {
  /** By {@link plain} name: what does the same here. `a|b`: either; `a+b`: a composition. What is not exported (yet) counts for nothing. */
  readonly same: Readonly<Record<string, string>>;
  /** Names that are not compared: control flow, texts, sequences, complex and quantised numbers. */
  readonly outside: readonly string[];
};

/** How the names of a library are covered. */
export type Coverage = { readonly direct: string[]; readonly composed: string[]; readonly none: string[] };

/** A name without the conventions of its language: `logical_and`, `logicalAnd` and `LogicalAnd` are one; of `linalg.qr` the last part counts. */
export const plain = (name: string): string => (name.split('.').at(-1) ?? name).toLowerCase().replaceAll('_', '');

/** Sorts the names of a library by what `exported` has for them. */
export function coverage(names: readonly string[], exported: Iterable<string>, { same, outside }: Counterparts): Coverage {
  const exact = new Set(exported);
  const known = new Set([...exact].map(plain));
  const skipped = new Set(outside);
  const found: Coverage = { direct: [], composed: [], none: [] };
  for (const name of names) {
    if (skipped.has(name)) continue;
    const ways = (same[plain(name)] ?? '').split('|').map((way) => way.split('+'));
    const open = ways.filter((parts) => parts.every((part) => exact.has(part)));
    if (known.has(plain(name)) || open.some((parts) => parts.length === 1)) found.direct.push(name);
    else if (open.length > 0) found.composed.push(name);
    else found.none.push(name);
  }
  return found;
}
