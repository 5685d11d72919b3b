/** Range requests: parts of a remote file without downloading it. */
import { FormatError } from '../errors.ts';
import { allocate, type ByteSource, checkRange } from './bytes.ts';
import { REQUEST_SECONDS, timedFetch } from './timed-fetch.ts';

/** How a file is fetched. */
export interface HttpOptions {
  /** Used instead of the global fetch (tests, proxies, authenticated clients). */
  readonly fetch?: (url: string, init: RequestInit) => Promise<Response>;
  /** Sent with every request, e.g. an Authorization header. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Ends every request of this source. */
  readonly signal?: AbortSignal;
  /** How long the server may be silent, in seconds. Default 10. */
  readonly timeout?: number;
}

/**
 * Opens `url` by requesting its first byte; the answer has the size and shows whether the server honours ranges.
 * @throws FormatError when it does not, when the status is not 206, or when the file changes between two requests
 */
export async function httpSource(url: string, options: HttpOptions = {}): Promise<ByteSource> {
  const name = withoutSecrets(url);
  const given = options.fetch;
  const get = timedFetch((target, init = {}) => (given ? given(url, init) : fetch(target, init)), {
    seconds: options.timeout ?? REQUEST_SECONDS,
  });
  const request = async (first: number, last: number): Promise<Response> => {
    const headers = { ...options.headers, Range: `bytes=${first}-${last}`, 'Accept-Encoding': 'identity' };
    try {
      return await get(url, { headers, ...(options.signal && { signal: options.signal }) });
    } catch (cause) {
      throw failure(name, `the request failed (${causes(cause)})`, 'check the address and the connection, then try again');
    }
  };

  const probe = await request(0, 0);
  if (probe.status === 416 && /^bytes \*\/0$/.test(probe.headers.get('content-range') ?? '')) {
    await discard(probe);
    return {
      name,
      size: 0,
      read: async (offset, length) => {
        checkRange(name, 0, offset, length);
        return new Uint8Array(0);
      },
    };
  }
  // Some servers (sirv, and so Vite's) read the range `0-0` as open-ended and send everything: the answer has the size anyway.
  const whole = /^bytes 0-(\d+)\/(\d+)$/.exec(probe.headers.get('content-range') ?? '');
  const last = whole && Number(whole[1]) === Number(whole[2]) - 1 ? Number(whole[1]) : 0;
  const { total: size } = await checkPartial(name, probe, 0, last);
  if (last === 0) await readBody(name, probe, 0, 1);
  else await discard(probe);
  const tag = probe.headers.get('etag');

  return {
    name,
    size,
    read: async (offset, length) => {
      checkRange(name, size, offset, length);
      if (length === 0) return new Uint8Array(0);
      const response = await request(offset, offset + length - 1);
      const { total } = await checkPartial(name, response, offset, offset + length - 1);
      const newTag = response.headers.get('etag');
      if (total !== size || newTag !== tag) {
        await discard(response);
        throw failure(
          name,
          `the file changed on the server (it had ${size} bytes and tag ${tag}, now ${total} and ${newTag})`,
          'open it again',
        );
      }
      return readBody(name, response, offset, length);
    },
  };
}

/** The response must be a 206 that holds exactly the asked range; anything else is named with what to do about it. */
async function checkPartial(name: string, response: Response, first: number, last: number): Promise<{ total: number }> {
  const problem = partialProblem(response, first, last);
  if (typeof problem === 'number') return { total: problem };
  await discard(response);
  throw failure(name, problem[0], problem[1]);
}

function partialProblem(response: Response, first: number, last: number): number | readonly [string, string] {
  if (response.status === 200) {
    return [
      'the server ignored the Range header and sent the whole file',
      'download the file and open it from disk or memory, or serve it from a server with range requests',
    ];
  }
  if (response.status !== 206)
    return [`the server answered ${response.status} ${response.statusText}`.trim(), 'check the address and the access rights'];
  const range = response.headers.get('content-range');
  const match = /^bytes (\d{1,15})-(\d{1,15})\/(\d{1,15})$/.exec(range ?? '');
  if (match === null) {
    return [
      `the answer has the Content-Range ${JSON.stringify(range)}`,
      'serve the file with its size known; across origins the server must expose Content-Range (Access-Control-Expose-Headers)',
    ];
  }
  if (Number(match[1]) !== first || Number(match[2]) !== last)
    return [
      `bytes ${first}-${last} were asked for, the server sent "${range}"`,
      'use a server that honours range requests exactly',
    ];
  return Number(match[3]);
}

/** Reads the body but never keeps more than `length` bytes, whatever the server sends. */
async function readBody(name: string, response: Response, offset: number, length: number): Promise<Uint8Array> {
  const result = allocate(name, length);
  let filled = 0;
  const reader = response.body?.getReader();
  try {
    for (;;) {
      const part = await reader?.read();
      if (part === undefined || part.done) break;
      if (filled + part.value.byteLength > length) {
        await reader?.cancel();
        throw failure(
          name,
          `more than the ${length} bytes asked for came from byte ${offset}`,
          'use a server that honours range requests exactly',
        );
      }
      result.set(part.value, filled);
      filled += part.value.byteLength;
    }
  } catch (cause) {
    if (cause instanceof FormatError) throw cause;
    throw failure(
      name,
      `the connection broke after ${filled} of ${length} bytes from byte ${offset} (${causes(cause)})`,
      'try again',
    );
  }
  if (filled !== length) throw failure(name, `${length} bytes from byte ${offset} were asked for, ${filled} came`, 'try again');
  return result;
}

async function discard(response: Response): Promise<void> {
  await response.body?.cancel().catch(() => undefined);
}

/** fetch hides the reason ("ECONNREFUSED") in `cause`. */
function causes(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? `${error.message}: ${error.cause.message}` : error.message;
}

/** The address without its query and user part, where signed links carry secrets that do not belong in an error message. */
function withoutSecrets(url: string): string {
  return url.replace(/[?#].*$/s, '').replace(/^(https?:\/\/)[^/@]*@/i, '$1');
}

function failure(name: string, problem: string, fix: string): FormatError {
  return new FormatError('httpSource', `${name}: ${problem}`, fix);
}
