/**
 * Operations and hooks. An operation is a plain function with a name; hooks are called with that name. The autograd package installs one to record a tape.
 * Nothing here depends on gradients.
 */
import { Ambient } from '../context.ts';
import { AllocationError } from '../errors.ts';
import { isPlain } from '../values.ts';
import type { Tensor } from '../tensor.ts';

// A function type with parameters of any kind needs `never` here: parameters are contravariant.
type AnyFunction = (...args: never[]) => unknown;

/** An operation: callable like its implementation, with a name and the implementation itself. */
export type Op<F extends AnyFunction = AnyFunction> = F & {
  readonly opName: string;
  readonly run: F;
  /** Throws for arguments it does not take. */
  check?: (args: readonly unknown[]) => void;
};

/** Decides how a call of `op` is carried out; `op.run(...args)` is the plain way. */
export type OpHook = (op: Op, args: readonly unknown[]) => unknown;

/** Called for work on tensors outside any op: kernels dispatched directly, writes in place, views made by hand. It may refuse by throwing. */
export type WorkHook = (name: string, reads: readonly Tensor[], writes: readonly Tensor[]) => void;

type Listener = {
  readonly hook: OpHook;
  readonly onWork: WorkHook | undefined;
  readonly outer: Listener | undefined;
  closed: boolean;
};

const listeners = new Ambient<Listener>();

/** The innermost listener still open: those may be closed in any order. */
function listening(): Listener | undefined {
  let listener = listeners.get();
  while (listener?.closed) listener = listener.outer;
  return listener;
}

/**
 * Names an implementation and passes its calls through the hook. A null among arguments or options becomes undefined.
 * @param options.nulls 'kept': the implementation distinguishes null from undefined
 */
export function defineOp<F extends AnyFunction>(opName: string, run: F, { nulls }: { readonly nulls?: 'kept' } = {}): Op<F> {
  const call = (...args: never[]): unknown =>
    inNameOf(opName, () => {
      if (nulls !== 'kept') dropNulls(args);
      op.check?.(args);
      const hook = listening()?.hook;
      return hook ? hook(op as unknown as Op, args) : run(...args);
    });
  const op = Object.defineProperty(call, 'name', { value: opName }) as unknown as Op<F>;
  return Object.assign(op, { opName, run });
}

/** Runs `body`; where there is no memory for a tensor it makes, the error names `op`. */
export function inNameOf<T>(op: string, body: () => T): T {
  try {
    return body();
  } catch (error) {
    throw error instanceof AllocationError ? error.in(op) : error;
  }
}

function dropNulls(args: unknown[]): void {
  for (let index = 0; index < args.length; index += 1) {
    const value = args[index];
    if (value === null) args[index] = undefined;
    else if (typeof value === 'object' && isPlain(value) && Object.values(value).includes(null))
      args[index] = Object.fromEntries(Object.entries(value).map(([key, item]: [string, unknown]) => [key, item ?? undefined]));
  }
}

/**
 * Runs `body` with `hook` (undefined: none) and, in Node, what it awaits.
 * @param options.op the name of errors
 * @throws TensorError for an asynchronous body in a page
 */
export function withHook<T>(
  hook: OpHook | undefined,
  body: () => T,
  { onWork, op = 'withHook' }: { readonly onWork?: WorkHook; readonly op?: string } = {},
): T {
  return listeners.run(op, hook && { hook, onWork, outer: undefined, closed: false }, body);
}

/** Installs `hook` for what follows in the present body, until the returned object is disposed; several may be disposed in any order. */
export function installHook(hook: OpHook, onWork?: WorkHook): Disposable {
  const listener: Listener = { hook, onWork, outer: listening(), closed: false };
  listeners.enter(listener);
  return {
    [Symbol.dispose]: () => {
      listener.closed = true;
      if (listeners.get() === listener) listeners.enter(listener.outer);
    },
  };
}

/** The hook in force, if any. */
export function currentHook(): OpHook | undefined {
  return listening()?.hook;
}

/** Reports work that is no op to the current hook. Lists are functions, so that nothing is allocated without a hook. */
export function noteWork(
  name: string,
  lists: () => { readonly reads: readonly Tensor[]; readonly writes: readonly Tensor[] },
): void {
  const onWork = listening()?.onWork;
  if (!onWork) return;
  const { reads, writes } = lists();
  onWork(name, reads, writes);
}
