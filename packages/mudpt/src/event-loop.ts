/** Long work on the CPU in pieces, so that signals and timers are handled in between. */

/** Lets the event loop run. @throws the signal's reason once it is aborted */
export async function yieldToEventLoop(signal?: AbortSignal): Promise<void> {
  await new Promise<void>((resolve) => setImmediate(resolve));
  signal?.throwIfAborted();
}

/**
 * Waits for work that cannot be stopped, such as the loading of a module, no longer than until it is asked to stop; the work's result is dropped then.
 * @throws the signal's reason once it is aborted
 */
export async function untilAborted<T>(work: Promise<T>, signal?: AbortSignal): Promise<T> {
  if (!signal) return work;
  let stop: (() => void) | undefined;
  const aborted = new Promise<never>((_, reject) => {
    stop = () => reject(signal.reason);
    if (signal.aborted) stop();
    signal.addEventListener('abort', stop, { once: true });
  });
  try {
    return await Promise.race([work, aborted]);
  } finally {
    if (stop) signal.removeEventListener('abort', stop);
  }
}

/** `items` in parts of `size` at most, with a turn of the event loop before each. @throws the signal's reason once it is aborted */
export async function* inParts<T>(items: readonly T[], size: number, signal?: AbortSignal): AsyncGenerator<readonly T[]> {
  for (let from = 0; from < items.length; from += size) {
    await yieldToEventLoop(signal);
    yield items.slice(from, from + size);
  }
}
