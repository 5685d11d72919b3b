/**
 * Operations are plain functions with a name. The name lets a hook see them: the autograd package installs one to record a tape.
 * This file knows nothing of gradients.
 */
// A function type with parameters of any kind needs `never` here: parameters are contravariant.
type AnyFunction = (...args: never[]) => unknown;

/** An operation: callable like its implementation, with a name and the implementation itself. */
export type Op<F extends AnyFunction = AnyFunction> = F & { readonly opName: string; readonly run: F };

/** Decides how a call of `op` is carried out; `op.run(...args)` is the plain way. */
export type OpHook = (op: Op, args: readonly unknown[]) => unknown;

let hook: OpHook | undefined;

/** Names an implementation and lets the hook see its calls. */
export function defineOp<F extends AnyFunction>(opName: string, run: F): Op<F> {
  const call = (...args: never[]): unknown => (hook ? hook(op as unknown as Op, args) : run(...args));
  const op = Object.defineProperty(call, 'name', { value: opName }) as unknown as Op<F>;
  return Object.assign(op, { opName, run });
}

/** Installs `next` (undefined: none) while `body` runs, synchronously. */
export function withHook<T>(next: OpHook | undefined, body: () => T): T {
  const before = hook;
  hook = next;
  try {
    return body();
  } finally {
    hook = before;
  }
}

/** Installs `next` until the returned object is disposed; for tapes that stay open across `await`. */
export function installHook(next: OpHook | undefined): Disposable {
  const before = hook;
  hook = next;
  return {
    [Symbol.dispose]: () => {
      hook = before;
    },
  };
}

/** The hook in force, if any. */
export function currentHook(): OpHook | undefined {
  return hook;
}
