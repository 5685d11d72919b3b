/**
 * Ownership of handles by scopes, which release them. The current scope is a part of the context: it follows `await` in Node; in a page scopes must end in the
 * order they began.
 */
import { Ambient } from '../context.ts';
import { unwatch, type Watchable, watch } from './collection.ts';

/** Objects that a scope can own: tensors. */
export type Handle = Watchable & { dispose(): void };

export type Scope = {
  readonly parent: Scope | undefined;
  readonly handles: Set<Handle>;
  closed: boolean;
};

const scopes = new Ambient<Scope>();
const owners = new WeakMap<Handle, Scope>();

function current(): Scope | undefined {
  let scope = scopes.get();
  while (scope?.closed) scope = scope.parent;
  return scope;
}

/** Without a scope, garbage collection is the last to release the handle. */
function putIntoScope(handle: Handle, scope: Scope | undefined): void {
  if (!scope) {
    watch(handle, { isCounted: true });
    return;
  }
  scope.handles.add(handle);
  owners.set(handle, scope);
}

/** Whether new handles belong to the code that makes them: see {@link withoutOwner}. */
let isManaged = false;

/** Called by every new tensor: the current scope owns it. */
export function adopt(handle: Handle): void {
  if (!isManaged) putIntoScope(handle, current());
}

/** Runs `make`, whose new handles are released by the code that calls this, in every case: no scope owns them and nothing watches them. */
export function withoutOwner<T>(make: () => T): T {
  const before = isManaged;
  isManaged = true;
  try {
    return make();
  } finally {
    isManaged = before;
  }
}

/** Called by every released tensor, and for one that other code releases in every case. */
export function forget(handle: Handle): void {
  const owner = owners.get(handle);
  if (!owner) {
    unwatch(handle);
    return;
  }
  owner.handles.delete(handle);
  owners.delete(handle);
}

/** Takes a handle out of its scope for a user: it is released when disposed, or collected. */
export function release(handle: Handle): void {
  forget(handle);
  watch(handle, { isCounted: false });
}

/** Runs `body` in a new scope. @returns its result, and `leave`, to be called once it has settled; it says whether the order was kept */
export function enterScope<R>(body: () => R): { readonly result: R; leave(): boolean; readonly inner: Scope } {
  const inner: Scope = { parent: current(), handles: new Set(), closed: false };
  try {
    return { ...scopes.hold(inner, body), inner };
  } catch (error) {
    closeScope(inner, []);
    throw error;
  }
}

/** Releases what `scope` owns, except `survivors`, which pass to the surrounding scope. */
export function closeScope(scope: Scope, survivors: Iterable<Handle>): void {
  for (const handle of survivors) {
    if (owners.get(handle) !== scope) continue;
    forget(handle);
    putIntoScope(handle, scope.parent);
  }
  scope.closed = true;
  for (const handle of [...scope.handles]) handle.dispose();
}
