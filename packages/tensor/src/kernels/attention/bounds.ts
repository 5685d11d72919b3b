/** Which keys a query attends to by its place: the causal rule and windows, as bounds of the difference of key and query. */
import { ShapeError } from '../../errors.ts';
import type { AttentionOptions } from './options.ts';

/** Query i attends to keys from i + firstKey up to i + lastKey; undefined: from the first, up to the last. */
export type KeyBounds = { readonly firstKey: number | undefined; readonly lastKey: number | undefined };

/** Beyond any key; kernels add rows to it in i32. */
const FAR = 2 ** 29;

/** The bounds that `causal`, `window` and `queryOffset` make. @throws ShapeError for an offset that is not whole or a negative window */
export function boundsOf(op: string, options: AttentionOptions, queries: number, keys: number): KeyBounds {
  const { causal = false, window = {}, queryOffset = 0 } = options;
  const offset = queryOffset === 'end' ? keys - queries : queryOffset;
  if (!Number.isInteger(offset))
    throw new ShapeError(op, `queryOffset is ${String(queryOffset)}`, "give a whole number of keys, or 'end'");
  for (const [side, size] of Object.entries(window)) {
    if (size !== undefined && !(size >= 0 && (Number.isInteger(size) || size === Number.POSITIVE_INFINITY)))
      throw new ShapeError(op, `window.${side} is ${size}`, 'give a whole number of keys >= 0, or leave the side out');
  }
  const { left = Number.POSITIVE_INFINITY } = window;
  const right = causal ? 0 : (window.right ?? Number.POSITIVE_INFINITY);
  const near = (bound: number): number => Math.min(Math.max(bound, -FAR), FAR);
  return {
    // A bound that leaves out no key of the last query leaves out none of the others.
    firstKey: offset - left + Math.max(queries - 1, 0) > 0 ? near(offset - left) : undefined,
    lastKey: right === Number.POSITIVE_INFINITY ? undefined : near(offset + right),
  };
}

/** Pairs of a query and a key within bounds. */
export function pairsInBand(queries: number, keys: number, firstKey: number | undefined, lastKey: number | undefined): number {
  if (firstKey === undefined && lastKey === undefined) return queries * keys;
  if (firstKey === undefined && lastKey === 0 && queries <= keys) return (queries * (queries + 1)) / 2;
  let pairs = 0;
  for (let i = 0; i < queries; i += 1) {
    const end = lastKey === undefined ? keys : Math.min(keys, i + lastKey + 1);
    pairs += Math.max(0, end - Math.max(0, firstKey === undefined ? 0 : i + firstKey));
  }
  return pairs;
}
