/** HTTP requests with timeouts for the answer and for stalled bodies. */
import { FormatError } from '../errors.ts';

/** A function that is called like the global `fetch` and can replace it. */
export type Fetch = (input: string | URL | Request, init?: RequestInit) => Promise<Response>;

/** Time and size limits of {@link timedFetch}. */
export interface TimeoutOptions {
  /** Seconds for the head of the answer, and for each further {@link LEAST_BYTES} of its body. */
  readonly seconds: number;
  /** Largest body in bytes; a longer one is broken off. Default: no limit. */
  readonly mostBytes?: number;
}

/** The time-out of Python's hub library (HF_HUB_DOWNLOAD_TIMEOUT). */
export const REQUEST_SECONDS = 10;
/** A server that sends fewer bytes than this within the time-out counts as silent. */
const LEAST_BYTES = 1024;

/**
 * A `fetch` with time-outs. Time counts only while somebody waits for the server.
 * @throws Error for a silent server (another try may find it awake); FormatError when bytes come, but too slowly or too many
 */
export function timedFetch(get: Fetch, { seconds, mostBytes = Infinity }: TimeoutOptions): Fetch {
  return async (input, init) => {
    const host = hostOf(input);
    const controller = new AbortController();
    const signal = init?.signal ? AbortSignal.any([init.signal, controller.signal]) : controller.signal;
    const giveUp = (error: Error): Error => {
      controller.abort(error);
      return error;
    };
    const silent = (): Error => giveUp(new Error(`${host} did not answer within ${seconds} s`));
    const response = await within(get(input, { ...init, signal }), seconds, silent);
    if (!response.body) return response;
    const body = watched(response.body, {
      seconds,
      mostBytes,
      onSilent: (came) =>
        giveUp(
          came === 0
            ? new Error(`nothing came from ${host} for ${seconds} s`)
            : new FormatError(
                'http',
                `${host} sent ${came} bytes in ${seconds} s`,
                'try again later, or from another connection',
              ),
        ),
      onFlood: () =>
        giveUp(new FormatError('http', `the answer of ${host} is longer than ${mostBytes} bytes`, 'check the address')),
    });
    const { status, statusText, headers, url } = response;
    return Object.defineProperty(new Response(body, { status, statusText, headers }), 'url', { value: url });
  };
}

interface Watch {
  readonly seconds: number;
  readonly mostBytes: number;
  /** Makes the error for too few bytes within the time, from how many came. */
  onSilent(came: number): Error;
  onFlood(): Error;
}

function watched(
  body: ReadableStream<Uint8Array>,
  { seconds, mostBytes, onSilent, onFlood }: Watch,
): ReadableStream<Uint8Array<ArrayBuffer>> {
  const reader = body.getReader();
  let [waited, came, total] = [0, 0, 0];
  return new ReadableStream<Uint8Array<ArrayBuffer>>(
    {
      pull: async (controller) => {
        const begin = performance.now();
        const part = await within(reader.read(), seconds - waited, () => onSilent(came));
        if (part.done) return controller.close();
        waited += (performance.now() - begin) / 1000;
        came += part.value.byteLength;
        total += part.value.byteLength;
        if (total > mostBytes) throw onFlood();
        if (came >= LEAST_BYTES) waited = came = 0;
        controller.enqueue(part.value as Uint8Array<ArrayBuffer>);
      },
      cancel: (reason) => reader.cancel(reason),
    },
    { highWaterMark: 0 },
  );
}

/** The result of `work`, or an error when it takes longer. */
async function within<T>(work: Promise<T>, seconds: number, makeError: () => Error): Promise<T> {
  if (seconds === Infinity) return work;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(makeError()), Math.max(0, seconds) * 1000);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
    // The request is aborted, and its rejection is expected: nobody awaits it any more.
    work.catch(() => undefined);
  }
}

function hostOf(input: string | URL | Request): string {
  const text = typeof input === 'string' ? input : 'url' in input ? input.url : input.href;
  return URL.canParse(text) ? new URL(text).host : 'the server';
}
