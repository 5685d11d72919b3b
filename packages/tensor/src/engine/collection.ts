/**
 * Release of tensors that nobody disposed: those that no scope owns are watched, and when one is collected as garbage, its reference to memory
 * is released. Tensors in a scope cost nothing here: the scope holds and releases them.
 */
import type { Storage } from './storage.ts';

/** A handle with a reference to memory. */
export type Watchable = { readonly storage: Storage };

/** The references of a handle, kept apart from it so that they can be released once it is collected. */
type Remains = { storage: Storage; isCounted: boolean };

const remains = new WeakMap<Watchable, Remains>();
const collected = new FinalizationRegistry<Remains>((left) => {
  const { storage } = left;
  const { stats, unscoped } = storage.engine;
  if (left.isCounted) unscoped.live -= 1;
  unscoped.collected += 1;
  stats.liveTensors -= 1;
  // An exported buffer may still be in use outside the engine, so it is left alone.
  if (!storage.isExported) storage.release();
});

/** Releases the memory of `handle` when it is collected. @param options.isCounted whether it counts towards the warning about undisposed tensors */
export function watch(handle: Watchable, { isCounted }: { readonly isCounted: boolean }): void {
  const { storage } = handle;
  const left: Remains = { storage, isCounted };
  remains.set(handle, left);
  collected.register(handle, left, handle);
  if (isCounted) storage.engine.unscoped.add();
}

/** Ends what {@link watch} began: the handle is released, or gets an owner. */
export function unwatch(handle: Watchable): void {
  const left = remains.get(handle);
  if (!left) return;
  if (left.isCounted) left.storage.engine.unscoped.live -= 1;
  remains.delete(handle);
  collected.unregister(handle);
}

/** Tells that a watched handle shows other memory now. */
export function moved(handle: Watchable): void {
  const left = remains.get(handle);
  if (left) left.storage = handle.storage;
}
