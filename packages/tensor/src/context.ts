/**
 * The ambient context: scope, listening tape and seed. A body is run with it, and everything the body calls sees it. In Node it follows
 * `await` (AsyncLocalStorage); pages lack that, so there it is a synchronous stack, and an asynchronous body is refused.
 */
import { createAsyncContext } from '#gpu';
import { TensorError } from './errors.ts';

/** One value for each ambient variable, never changed in place. */
type Frame = readonly unknown[];

const NOTHING: Frame = [];
const platform = createAsyncContext<Frame>();
/** Where the platform cannot follow `await`: the innermost frame. */
let top = NOTHING;
let variables = 0;

function current(): Frame {
  return platform ? (platform.get() ?? NOTHING) : top;
}

/** Whether a value is a promise, of this realm or another. */
export function isPromise(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function';
}

/**
 * Throws if `result`, of a body that had to be synchronous, is a promise. A later rejection of that promise is ignored: this error replaces it,
 * and an unhandled rejection would end the process.
 * @throws TensorError (or `Kind`) in the name of `op`
 */
export function expectSynchronous(op: string, result: unknown, fix: string, Kind = TensorError): void {
  if (!isPromise(result)) return;
  result.then(undefined, () => undefined);
  throw new Kind(op, 'its body is asynchronous', fix);
}

/** A value that is seen by everything called inside a body, however deep. */
export class Ambient<T> {
  private readonly index = variables++;

  /** The innermost value, or undefined outside of any body. */
  get(): T | undefined {
    return current()[this.index] as T | undefined;
  }

  /**
   * Calls `body`; inside it, and in what it awaits, `get()` returns `value`.
   * @param op the name of an error
   * @throws TensorError for an asynchronous body in a page
   */
  run<R>(op: string, value: T | undefined, body: () => R): R {
    const frame = this.frameWith(value);
    if (platform) return platform.run(frame, body);
    const before = top;
    top = frame;
    let result: R;
    try {
      result = body();
    } finally {
      top = before;
    }
    expectSynchronous(op, result, 'a page cannot follow it: await before or after, and pass a synchronous body');
    return result;
  }

  /**
   * As {@link run}, for bodies that may be asynchronous in a page, too: there the value stays until the body has settled, and other
   * asynchronous bodies must begin and end within that time.
   * @returns the result, and `leave`, to be called once it has settled; it says whether the order was kept
   */
  hold<R>(value: T, body: () => R): { readonly result: R; leave(): boolean } {
    const frame = this.frameWith(value);
    if (platform) return { result: platform.run(frame, body), leave: () => true };
    const before = top;
    top = frame;
    let result: R;
    try {
      result = body();
    } catch (error) {
      top = before;
      throw error;
    }
    if (!isPromise(result)) {
      top = before;
      return { result, leave: () => true };
    }
    const leave = (): boolean => {
      const isInnermost = this.get() === value;
      if (isInnermost) top = before;
      return isInnermost;
    };
    return { result, leave };
  }

  /** Sets the value for what follows in the present body. */
  enter(value: T | undefined): void {
    const frame = this.frameWith(value);
    if (platform) platform.enter(frame);
    else top = frame;
  }

  private frameWith(value: T | undefined): Frame {
    const frame = [...current()];
    frame[this.index] = value;
    return frame;
  }
}
