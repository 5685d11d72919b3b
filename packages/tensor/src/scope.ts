/**
 * Scopes release what was created inside them. The current scope is a part of the context: it follows `await` in Node; in a page scopes
 * must end in the order they began, and one that does not says so.
 */
import { Ambient, isPromise } from './context.ts';
import { TensorError } from './errors.ts';
import type { Tensor } from './tensor.ts';

export type Scope = {
  readonly parent: Scope | undefined;
  readonly tensors: Set<Tensor>;
  closed: boolean;
};

const scopes = new Ambient<Scope>();
const owners = new WeakMap<Tensor, Scope>();

function current(): Scope | undefined {
  let scope = scopes.get();
  while (scope?.closed) scope = scope.parent;
  return scope;
}

/** Called by every new tensor. */
export function adopt(tensor: Tensor): void {
  place(tensor, current());
}

function place(tensor: Tensor, scope: Scope | undefined): void {
  if (!scope) return;
  scope.tensors.add(tensor);
  owners.set(tensor, scope);
}

/** Called by every released tensor. */
export function forget(tensor: Tensor): void {
  owners.get(tensor)?.tensors.delete(tensor);
  owners.delete(tensor);
}

/** Takes `tensor` out of its scope: it lives until it is disposed. Returns it. */
export function keep<T extends Tensor>(tensor: T): T {
  forget(tensor);
  return tensor;
}

/** Calls `visit` for every tensor in a value made of arrays, maps and plain objects. */
export function eachTensor(value: unknown, visit: (tensor: Tensor) => void, seen = new Set<object>()): void {
  if (typeof value !== 'object' || value === null || seen.has(value)) return;
  seen.add(value);
  if (isTensor(value)) visit(value);
  else if (Array.isArray(value)) for (const item of value) eachTensor(item, visit, seen);
  else if (value instanceof Map) for (const item of value.values()) eachTensor(item, visit, seen);
  else if (isPlain(value)) {
    for (const item of Object.values(value)) eachTensor(item, visit, seen);
  }
}

/** A copy of a value made of arrays, maps and plain objects, with every tensor replaced; other objects stay the same. */
export function mapTensors<T>(value: T, replace: (tensor: Tensor) => Tensor): T {
  const known = new Map<object, unknown>();
  const copy = (item: unknown): unknown => {
    if (typeof item !== 'object' || item === null) return item;
    if (!known.has(item)) known.set(item, isTensor(item) ? replace(item) : item);
    if (isTensor(item) || known.get(item) !== item) return known.get(item);
    if (Array.isArray(item)) {
      const list: unknown[] = [];
      known.set(item, list);
      for (const part of item as unknown[]) list.push(copy(part));
    } else if (item instanceof Map) {
      const map = new (item.constructor as MapConstructor)<unknown, unknown>();
      known.set(item, map);
      for (const [key, part] of item) map.set(key, copy(part));
    } else if (isPlain(item)) {
      const object: Record<string, unknown> = {};
      known.set(item, object);
      for (const [key, part] of Object.entries(item)) object[key] = copy(part);
    }
    return known.get(item);
  };
  return copy(value) as T;
}

/** Whether `value` is a plain object: of options, of tensors by name. */
export function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

function isTensor(value: object): value is Tensor {
  return 'storage' in value && 'strides' in value && 'expectLive' in value;
}

function close(scope: Scope, result: unknown): void {
  eachTensor(result, (tensor) => {
    if (owners.get(tensor) !== scope) return;
    forget(tensor);
    place(tensor, scope.parent);
  });
  scope.closed = true;
  for (const tensor of [...scope.tensors]) tensor.dispose();
}

/**
 * Runs `body` and disposes every tensor created inside it, except those in its result, which pass to the surrounding scope.
 * Works for synchronous and asynchronous bodies; a tensor that shall outlive the scope otherwise is saved with {@link keep}.
 * @throws TensorError in a page, when asynchronous scopes overlap
 */
export function scope<T>(body: () => T): T {
  const inner: Scope = { parent: current(), tensors: new Set(), closed: false };
  let held: { readonly result: T; leave(): boolean };
  try {
    held = scopes.hold(inner, body);
  } catch (error) {
    close(inner, undefined);
    throw error;
  }
  const { result, leave } = held;
  const end = (value: unknown): void => {
    const inOrder = leave();
    close(inner, inOrder ? value : undefined);
    if (inOrder) return;
    throw new TensorError(
      'scope',
      'two asynchronous scopes overlapped',
      'await one scope before starting the next: browsers cannot tell them apart',
    );
  };
  if (!isPromise(result)) {
    end(result);
    return result;
  }
  return result.then(
    (value) => {
      end(value);
      return value;
    },
    (error: unknown) => {
      end(undefined);
      throw error;
    },
  ) as T;
}
