/** Checks of options: unknown names, dtypes and choices are refused. */
import { expectDTypeName } from '../dtype.ts';
import { TensorError } from '../errors.ts';
import { describe, isPlain } from '../values.ts';

export const OPTIONS_FIX = 'give an object: { name: value }';

export const isPlainObject = (value: unknown): value is object => typeof value === 'object' && value !== null && isPlain(value);

/**
 * Throws unless every key of `options` is one of `known`, and its dtype, if it has one, exists.
 * @throws TensorError naming the key and those there are; DTypeError for a dtype
 */
export function expectOptions(op: string, options: object | null | undefined, known: readonly string[]): void {
  if (options === undefined || options === null) return;
  if (!isPlainObject(options)) throw new TensorError(op, `options are ${describe(options)}`, OPTIONS_FIX);
  for (const [key, value] of Object.entries(options)) {
    if (!known.includes(key) && value !== undefined)
      throw new TensorError(op, `there is no option "${key}"`, `options are ${known.join(', ') || 'none'}`);
    if (key === 'dtype' && value !== undefined && value !== null) expectDTypeName(op, value);
  }
}

/** @throws TensorError unless `value` is one of `known`: callers in JavaScript can pass anything */
export function expectOneOf(op: string, name: string, value: string, known: readonly string[]): void {
  if (!known.includes(value))
    throw new TensorError(op, `${name} is "${String(value)}"`, `use one of ${known.map((one) => `'${one}'`).join(', ')}`);
}
