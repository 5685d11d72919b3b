/** Checks of JavaScript values. */

/** Whether `value` is a plain object: of options, of tensors by name. */
export function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}
