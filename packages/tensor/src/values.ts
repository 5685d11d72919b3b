/** Checks of JavaScript values. */

/** Whether `value` is a plain object: of options, of tensors by name. */
export function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

/** Whether `value` is a tensor, told by its fields, because this layer cannot import the class. */
export function isTensor(value: unknown): value is { readonly shape: readonly number[]; readonly storage: unknown } {
  return typeof value === 'object' && value !== null && 'storage' in value && 'shape' in value;
}

/** A value in words, for messages. */
export function describe(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  if (isTensor(value)) return 'a tensor';
  if (Array.isArray(value)) return 'an array';
  if (typeof value === 'string') return `the text ${JSON.stringify(value.slice(0, 40))}`;
  if (typeof value === 'object') return `an object (${value.constructor?.name ?? 'Object'})`;
  return typeof value === 'number' || typeof value === 'boolean' ? `${typeof value} ${value}` : `a ${typeof value}`;
}

/** Element `index` of `list`, which must exist. @throws RangeError when it is not */
export function nth<T>(list: ArrayLike<T>, index: number): T {
  const value = list[index];
  if (value === undefined) throw new RangeError(`there is no element ${index} in a list of ${list.length}`);
  return value;
}

/** The last element of `list`, which must not be empty. @throws RangeError when it is */
export function lastOf<T>(list: ArrayLike<T>): T {
  return nth(list, list.length - 1);
}

/** The value of `key` in `map`, which must exist. @throws RangeError when it is not */
export function entryOf<K, V>(map: ReadonlyMap<K, V>, key: K): V {
  const value = map.get(key);
  if (value === undefined) throw new RangeError(`there is no entry ${String(key)}`);
  return value;
}
