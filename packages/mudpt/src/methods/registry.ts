/** All methods by name. Adding one is a line here and its file. */
import type { MethodDefinition } from './definition.ts';
import { MethodError } from './errors.ts';

const METHODS: readonly MethodDefinition[] = [];

/** Names of all methods. */
export function methodNames(): string[] {
  return METHODS.map(({ name }) => name);
}

/** @throws MethodError for an unknown name, listing those there are */
export function methodNamed(name: string): MethodDefinition {
  const found = METHODS.find((method) => method.name === name);
  if (found) return found;
  throw new MethodError('method', `there is no method "${name}"`, `choose one of ${methodNames().join(', ')}`);
}
