/** Long work on the processor in pieces, between which the event loop runs: signals are heard, and timers go on. */

/** Lets the event loop run. @throws the signal's reason once it is aborted */
export async function yieldToEventLoop(signal?: AbortSignal): Promise<void> {
  await new Promise<void>((resolve) => setImmediate(resolve));
  signal?.throwIfAborted();
}

/** `items` in parts of `size` at most, with a turn of the event loop before each. @throws the signal's reason once it is aborted */
export async function* inParts<T>(items: readonly T[], size: number, signal?: AbortSignal): AsyncGenerator<readonly T[]> {
  for (let from = 0; from < items.length; from += size) {
    await yieldToEventLoop(signal);
    yield items.slice(from, from + size);
  }
}
