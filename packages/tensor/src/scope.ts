/** Scopes, which release the tensors created inside them: `scope`, `keep`, and walks over the tensors of a value. */
import { isPromise } from './context.ts';
import { closeScope, enterScope, forget, release } from './engine/ownership.ts';
import { TensorError } from './errors.ts';
import type { Tensor } from './tensor.ts';
import { isPlain } from './values.ts';

/**
 * Takes `tensor` out of its scope: it lives until it is disposed. Returns it.
 * @example
 * const { kept } = scope(() => ({ kept: keep(tensor([1]).add(1)) }));
 * console.log(await kept.item()); // 2
 * kept.dispose();
 */
export function keep<T extends Tensor>(tensor: T): T {
  if (!tensor.isDisposed) release(tensor);
  return tensor;
}

/** As {@link keep}, for code that disposes the tensor in every case: it is not watched for garbage collection, which saves work in every step. */
export function unowned<T extends Tensor>(tensor: T): T {
  forget(tensor);
  return tensor;
}

/** Calls `visit` for every tensor in nested arrays, maps and plain objects. */
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

/** The tensors in nested arrays, maps and plain objects. */
export function tensorsOf(value: unknown): Tensor[] {
  const found: Tensor[] = [];
  eachTensor(value, (tensor) => void found.push(tensor));
  return found;
}

/** A copy of nested arrays, maps and plain objects with every tensor replaced; other objects stay the same. */
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

function isTensor(value: object): value is Tensor {
  return 'storage' in value && 'strides' in value && 'expectLive' in value;
}

/**
 * Runs `body` and disposes every tensor created inside it, except those in its result, which pass to the surrounding scope.
 * Works for synchronous and asynchronous bodies; a tensor that shall outlive the scope otherwise is saved with {@link keep}.
 * @throws TensorError in a page, when asynchronous scopes overlap
 * @example
 * const total = scope(() => tensor([1, 2, 3]).square().sum());
 * console.log(await total.item()); // 14
 */
export function scope<T>(body: () => T): T {
  const { result, leave, inner } = enterScope(body);
  const end = (value: unknown): void => {
    const inOrder = leave();
    closeScope(inner, inOrder ? tensorsOf(value) : []);
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
