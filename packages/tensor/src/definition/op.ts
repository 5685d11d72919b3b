/**
 * Operations and hooks. An operation is a plain function with a name; hooks are called with that name. The autograd package installs one to record a tape.
 * Nothing here depends on gradients.
 */
import { Ambient } from '../context.ts';
import { traced } from '../engine/tracing.ts';
import { AllocationError, type NamedShapes, ShapeError, TensorError } from '../errors.ts';
import { describe, isPlain, isTensor } from '../values.ts';
import type { Tensor } from '../tensor.ts';

// A function type with parameters of any kind needs `never` here: parameters are contravariant.
type AnyFunction = (...args: never[]) => unknown;

/** An operation: callable like its implementation, with a name and the implementation itself. */
export type Op<F extends AnyFunction = AnyFunction> = F & {
  readonly opName: string;
  readonly run: F;
  /** Throws for arguments it does not take. */
  check?: (args: readonly unknown[]) => void;
  /** Names of the arguments; without them errors count from 0. */
  argumentNames?: readonly string[];
};

/**
 * Decides how a call of `op` is carried out; `op.run(...args)` is the plain way.
 * @param outer the tape that listens outside of this hook, if any: what is passed on to it is recorded there too
 */
export type OpHook = (op: Op, args: readonly unknown[], outer: Listener | undefined) => unknown;

/** Called for work on tensors outside any op: kernels dispatched directly, writes in place, views made by hand. It may refuse by throwing. */
export type WorkHook = (name: string, reads: readonly Tensor[], writes: readonly Tensor[], outer: Listener | undefined) => void;

/** A hook in force. */
export type Listener = {
  readonly hook: OpHook;
  readonly onWork: WorkHook | undefined;
  /** The listener that was in force when this one began. */
  readonly outer: Listener | undefined;
  /** Whether it records for a gradient: if so, a tape inside of it passes its work on to it. */
  readonly isTape: boolean;
  closed: boolean;
};

const listeners = new Ambient<Listener>();

/** The innermost listener that is still open, searching outwards from `listener`: they may be closed in any order. */
function openFrom(listener: Listener | undefined): Listener | undefined {
  let open = listener;
  while (open?.closed) open = open.outer;
  return open;
}

function listening(): Listener | undefined {
  return openFrom(listeners.get());
}

/** The tape that listens outside of `listener`; undefined where no tape listens there. */
export function outerTape(listener: Listener | undefined): Listener | undefined {
  return tapeAmong(openFrom(listener?.outer));
}

function tapeAmong(listener: Listener | undefined): Listener | undefined {
  return listener?.isTape ? listener : undefined;
}

/** The tape that listens now; undefined where none does. */
export function listeningTape(): Listener | undefined {
  return tapeAmong(listening());
}

/**
 * Names an implementation and passes its calls through the hook. A null among arguments or options becomes undefined.
 * @param options.nulls 'kept': the implementation distinguishes null from undefined
 */
/* @__NO_SIDE_EFFECTS__ */
export function defineOp<F extends AnyFunction>(opName: string, run: F, { nulls }: { readonly nulls?: 'kept' } = {}): Op<F> {
  const call = (...args: never[]): unknown => {
    try {
      return inNameOf(opName, () => {
        if (nulls !== 'kept') dropNulls(args);
        op.check?.(args);
        const listener = listening();
        const result = listener ? listener.hook(op as unknown as Op, args, outerTape(listener)) : run(...args);
        traced(opName, args, result);
        return result;
      });
    } catch (error) {
      throw error instanceof ShapeError
        ? error.naming(shapesOf(args, op.argumentNames))
        : error instanceof TypeError
          ? misused(opName, args, error)
          : error;
    }
  };
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

/**
 * The error for a call that failed with a TypeError on a value of the wrong kind: only the main entry checks kinds beforehand. Its cause tells where.
 */
function misused(op: string, args: readonly unknown[], cause: TypeError): TensorError {
  return new TensorError(
    op,
    `it was called with (${args.map(describe).join(', ')}), of which one is of another kind than it takes`,
    `give tensors where its types say so, such as tensor([1, 2]); a call through '@mudpt/tensor' names the argument`,
    { cause },
  );
}

/** Shapes of the tensors in `value`, in lists and options too. */
function addShapes(shapes: Record<string, readonly number[]>, name: string, value: unknown): void {
  if (Array.isArray(value)) value.forEach((item, at) => addShapes(shapes, `${name}[${at}]`, item));
  else if (isTensor(value)) shapes[name] = [...value.shape];
  else if (typeof value === 'object' && value !== null && isPlain(value))
    for (const [key, item] of Object.entries(value)) addShapes(shapes, `${name}.${key}`, item);
}

function shapesOf(args: readonly unknown[], names: readonly string[] = []): NamedShapes {
  const shapes: Record<string, readonly number[]> = {};
  args.forEach((value, at) => addShapes(shapes, names[at] ?? String(at), value));
  return shapes;
}

function dropNulls(args: unknown[]): void {
  for (let index = 0; index < args.length; index += 1) {
    const value = args[index];
    if (value === null) args[index] = undefined;
    else if (typeof value === 'object' && isPlain(value) && Object.values(value).includes(null))
      args[index] = Object.fromEntries(Object.entries(value).map(([key, item]: [string, unknown]) => [key, item ?? undefined]));
  }
}

/** Options of {@link withHook} and {@link installHook}. */
export type HookOptions = { readonly onWork?: WorkHook; readonly isTape?: boolean };

/**
 * Runs `body` with `hook` (undefined: none) and, in Node, what it awaits.
 * @param options.op the name of errors
 * @throws TensorError for an asynchronous body in a page
 */
export function withHook<T>(
  hook: OpHook | undefined,
  body: () => T,
  { onWork, isTape = false, op = 'withHook' }: HookOptions & { readonly op?: string } = {},
): T {
  return listeners.run(op, hook && { hook, onWork, isTape, outer: isTape ? listening() : undefined, closed: false }, body);
}

/** Runs `body` with `listener`, an outer one that is still in force, as the innermost (undefined: none). */
export function withListener<T>(listener: Listener | undefined, body: () => T): T {
  return listeners.run('withListener', listener, body);
}

/** Carries out a call of `op` as `listener` decides, or plainly without one. */
export function callUnder(listener: Listener | undefined, op: Op, args: readonly unknown[]): unknown {
  return withListener(listener, () => (listener ? listener.hook(op, args, outerTape(listener)) : op.run(...(args as never[]))));
}

/** Installs `hook` for what follows in the present body, until the returned object is disposed; several may be disposed in any order. */
export function installHook(hook: OpHook, { onWork, isTape = false }: HookOptions = {}): Disposable {
  const listener: Listener = { hook, onWork, isTape, outer: listening(), closed: false };
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

/** Reports work that is not an op to the current hook. The tensors come from functions, so that nothing is allocated without a hook. */
export function noteWork(
  name: string,
  lists: () => { readonly reads: readonly Tensor[]; readonly writes: readonly Tensor[] },
): void {
  const listener = listening();
  if (!listener?.onWork) return;
  const { reads, writes } = lists();
  listener.onWork(name, reads, writes, outerTape(listener));
}
