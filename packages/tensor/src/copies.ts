/**
 * Two copies of this package in one program (two versions, or a bundle beside an installation) share no device, hook or class, so neither
 * can use tensors of the other. Every copy notes where it was loaded from, and errors name both places.
 */
import { TensorError } from './errors.ts';

/** The property by which a tensor tells which copy made it, readable by every copy. */
export const COPY: unique symbol = Symbol.for('@mudpt/tensor: copy') as never;
const LOADED = Symbol.for('@mudpt/tensor: loaded');

/** Where this copy is: its folder, or the file it was bundled into. */
export const THIS_COPY = String(import.meta.url).replace(/\/(?:dist|src)\/[^/]*$/, '');

const shared = globalThis as { [LOADED]?: Set<string> };
const loaded = (shared[LOADED] ??= new Set());
loaded.add(THIS_COPY);

const FIX =
  'install one: `npm ls @mudpt/tensor` shows who brings the second, `npm dedupe` joins them; in a bundle, name it in resolve.dedupe';

/** The place of the copy that made a tensor, where it is not this one. */
function otherCopyOf(value: unknown): string | undefined {
  if (typeof value !== 'object' || value === null || !(COPY in value)) return undefined;
  const place = String(value[COPY]);
  return place === THIS_COPY ? undefined : place;
}

/**
 * Throws where a value, or one in a list, is a tensor of another copy of this package; for use where `instanceof` has said no.
 * @param what the name of the value in the message
 * @throws TensorError with the places of both copies
 */
export function expectThisCopy(op: string, what: string, value: unknown): void {
  for (const item of Array.isArray(value) ? value : [value]) {
    const place = otherCopyOf(item);
    if (place !== undefined)
      throw new TensorError(op, `${what} is a tensor of another copy of @mudpt/tensor, ${place}; this one is ${THIS_COPY}`, FIX);
  }
}

/** A hint for errors that a second copy would explain: empty while there is one copy. */
export function otherCopies(): string {
  const others = [...loaded].filter((place) => place !== THIS_COPY);
  return others.length === 0 ? '' : `; there are two copies of @mudpt/tensor, ${[THIS_COPY, ...others].join(' and ')}: ${FIX}`;
}
