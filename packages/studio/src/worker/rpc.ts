/** Calls from the page to a worker: promises over messages, events back, errors with the fix that they name. */

import { type ErrorKey, type Errors, errorsEn, type Said } from '../strings/errors-en.ts';

/** What a worker offers: functions with arguments and results that can be cloned. */
export type Calls<C> = { readonly [K in keyof C]: (...words: never[]) => Promise<unknown> };

/** An error on its way through a message. */
export interface Told {
  readonly name: string;
  /** What is wrong, for people. */
  readonly problem: string;
  readonly fix?: string;
  readonly stack?: string;
  /** Which error of the engine it is, and what its text names: other languages tell it by these. */
  readonly code?: string;
  readonly values?: Readonly<Record<string, string | number>>;
  /** Which of the page's sentences it is, so that every language has it. */
  readonly said?: { readonly key: ErrorKey; readonly words: readonly string[] };
}

type Request = { readonly id: number; readonly call: string; readonly words: readonly unknown[] };
type Answer =
  | { readonly id: number; readonly result: unknown }
  | { readonly id: number; readonly error: Told }
  | { readonly event: unknown };

/** An error that happened in a worker, or that the page tells a person. */
export class StudioError extends Error {
  constructor(readonly told: Told) {
    super(told.problem);
    this.name = told.name;
  }
}

/** One of the page's sentences as an error. @param words that the sentence names */
export function pageError<K extends ErrorKey>(key: K, ...words: Parameters<Errors[K]>): StudioError {
  const say = errorsEn[key] as (...given: readonly string[]) => Said;
  return new StudioError({ name: 'InputError', ...say(...words), said: { key, words } });
}

/** What is told of anything thrown. */
export function toldOf(error: unknown): Told {
  if (error instanceof StudioError) return error.told;
  if (!(error instanceof Error)) return { name: 'Error', problem: String(error) };
  const { problem, fix, code, values } = error as Partial<Pick<Told, 'problem' | 'fix' | 'values'>> & { code?: unknown };
  return {
    name: error.name,
    problem: problem ?? error.message,
    ...(fix !== undefined && { fix }),
    // That of a DOMException is a number.
    ...(typeof code === 'string' && { code, values: values ?? {} }),
    ...(error.stack !== undefined && { stack: error.stack }),
  };
}

/** What a worker needs of its own scope; the types of workers and of pages cannot be loaded together. */
interface WorkerScope {
  postMessage(message: unknown): void;
  addEventListener(type: 'message', listener: (event: MessageEvent) => void): void;
}

/** Answers calls in a worker. @returns sends an event to the page */
export function serve<E>(calls: Readonly<Record<string, (...words: never[]) => Promise<unknown>>>): (event: E) => void {
  const scope = globalThis as unknown as WorkerScope;
  const answer = (message: Answer): void => scope.postMessage(message);
  scope.addEventListener('message', ({ data }: MessageEvent<Request>) => {
    const { id, call, words } = data;
    const asked = calls[call];
    if (!asked) return answer({ id, error: { name: 'Error', problem: `the worker has no call ${call}` } });
    asked(...(words as never[])).then(
      (result) => answer({ id, result }),
      (error: unknown) => answer({ id, error: toldOf(error) }),
    );
  });
  return (event) => answer({ event });
}

/** The page's end: `client.call('name', ...)`. */
export class Client<C extends Calls<C>, E> {
  private readonly waiting = new Map<number, { resolve(value: never): void; reject(error: unknown): void }>();
  private next = 0;

  constructor(
    private readonly worker: Worker,
    onEvent: (event: E) => void = () => undefined,
  ) {
    worker.addEventListener('message', ({ data }: MessageEvent<Answer>) => {
      if ('event' in data) return onEvent(data.event as E);
      const waiting = this.waiting.get(data.id);
      this.waiting.delete(data.id);
      if ('error' in data) waiting?.reject(new StudioError(data.error));
      else waiting?.resolve(data.result as never);
    });
    worker.addEventListener('error', (event) => {
      const problem = event.message || 'a worker of the page did not start';
      for (const { reject } of this.waiting.values()) reject(pageError('workerEnded', problem));
      this.waiting.clear();
    });
  }

  call<K extends keyof C & string>(call: K, ...words: Parameters<C[K]>): ReturnType<C[K]> {
    const id = this.next++;
    const answer = new Promise((resolve, reject) => {
      this.waiting.set(id, { resolve: resolve as (value: never) => void, reject });
    });
    this.worker.postMessage({ id, call, words });
    return answer as ReturnType<C[K]>;
  }
}
