import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { failureOf } from '@mudpt/testing/failure';
import { readAll, smallFile } from '@mudpt/testing/safetensors';
import { FormatError } from '../errors.ts';
import { httpSource } from './http.ts';
import { openSafetensors } from './safetensors.ts';

type Answer = (request: IncomingMessage, response: ServerResponse) => void;
const FILE = smallFile();

let answer: Answer;
let server: Server;
let base: string;
let ranges: (string | undefined)[];

beforeAll(async () => {
  server = createServer((request, response) => {
    ranges.push(request.headers.range);
    answer(request, response);
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the test server has no port');
  base = `http://127.0.0.1:${address.port}`;
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});
beforeEach(() => {
  ranges = [];
  answer = serve(FILE);
});

/** A server that honours ranges. */
function serve(file: Uint8Array, headers: Record<string, string> = {}): Answer {
  return (request, response) => {
    const match = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? '');
    const first = Number(match?.[1]);
    const last = Math.min(Number(match?.[2]), file.byteLength - 1);
    if (match === null || first > last) {
      response.writeHead(416, { 'content-range': `bytes */${file.byteLength}` }).end();
      return;
    }
    response
      .writeHead(206, { 'content-range': `bytes ${first}-${last}/${file.byteLength}`, ...headers })
      .end(file.subarray(first, last + 1));
  };
}

describe('httpSource', () => {
  it('reads a file by ranges, no byte more than needed', async () => {
    const file = await openSafetensors(`${base}/model.safetensors`);
    expect(await readAll(file)).toEqual(await readAll(await openSafetensors(FILE)));
    const header = FILE.byteLength - 27 - 8;
    expect(ranges).toEqual([
      'bytes=0-0',
      'bytes=0-7',
      `bytes=8-${7 + header}`,
      `bytes=${8 + header}-${31 + header}`,
      `bytes=${32 + header}-${34 + header}`,
    ]);
  });

  it('takes a URL object and an empty file', async () => {
    answer = serve(new Uint8Array(0));
    const source = await httpSource(new URL('/empty', base).href);
    expect([source.size, (await source.read(0, 0)).byteLength]).toEqual([0, 0]);
    expect(await failureOf(() => source.read(0, 1))).toBeInstanceOf(FormatError);
    expect(String(await failureOf(() => openSafetensors(new URL('/empty', base))))).toContain('the file has 0 bytes');
  });

  it('sends the headers and uses the fetch it is given, and keeps secrets out of its errors', async () => {
    let seen: [string, RequestInit] | undefined;
    const source = httpSource('https://user:password@example.test/x?token=secret#part', {
      headers: { Authorization: 'Bearer secret' },
      fetch: async (url, init) => {
        seen = [url, init];
        return new Response(null, { status: 403, statusText: 'Forbidden' });
      },
    });
    expect(String(await failureOf(() => source))).toBe(
      'FormatError: httpSource: https://example.test/x: the server answered 403 Forbidden. Check the address and the access rights.',
    );
    expect(seen?.[0]).toContain('token=secret');
    expect(seen?.[1].headers).toMatchObject({ Authorization: 'Bearer secret', Range: 'bytes=0-0' });
  });

  it('stops when told to', async () => {
    const stop = new AbortController();
    answer = () => stop.abort();
    expect(String(await failureOf(() => httpSource(base, { signal: stop.signal })))).toContain('the request failed');
  });

  it('refuses ranges outside the file without asking', async () => {
    const source = await httpSource(base);
    for (const [offset, length] of [
      [-1, 1],
      [0, FILE.byteLength + 1],
      [0.5, 1],
      [NaN, 1],
    ] as const) {
      expect(await failureOf(() => source.read(offset, length))).toBeInstanceOf(FormatError);
    }
    expect(ranges).toEqual(['bytes=0-0']);
  });

  it('opens files of a server that takes 0-0 for everything (sirv, so Vite)', async () => {
    const exactly = serve(FILE);
    answer = (request, response) => {
      if (request.headers.range !== 'bytes=0-0') return exactly(request, response);
      const end = FILE.byteLength - 1;
      response.writeHead(206, { 'content-range': `bytes 0-${end}/${FILE.byteLength}` }).end(FILE);
    };
    const file = await openSafetensors(`${base}/model.safetensors`);
    expect(await readAll(file)).toEqual(await readAll(await openSafetensors(FILE)));
  });

  it.each<[string, Answer, string]>([
    ['sends the whole file', (_, response) => response.writeHead(200).end(FILE), 'ignored the Range header'],
    ['has no such file', (_, response) => response.writeHead(404).end(), 'answered 404'],
    ['leaves out Content-Range', (_, response) => response.writeHead(206).end('x'), 'has the Content-Range null'],
    [
      'does not know the size',
      (_, response) => response.writeHead(206, { 'content-range': 'bytes 0-0/*' }).end('x'),
      'Content-Range "bytes 0-0/*"',
    ],
    [
      'sends another range',
      (_, response) => response.writeHead(206, { 'content-range': 'bytes 1-1/9' }).end('x'),
      'bytes 0-0 were asked for, the server sent "bytes 1-1/9"',
    ],
    [
      'sends too many bytes',
      (_, response) => response.writeHead(206, { 'content-range': 'bytes 0-0/9' }).end('xy'),
      'more than the 1 bytes',
    ],
    [
      'sends too few bytes',
      (_, response) => response.writeHead(206, { 'content-range': 'bytes 0-0/9' }).end(),
      '1 bytes from byte 0 were asked for, 0 came',
    ],
    ['hangs up', (request) => request.socket.destroy(), 'the request failed'],
  ])('a server that %s', async (_, misbehave, says) => {
    answer = misbehave;
    const error = await failureOf(() => httpSource(base));
    expect(error).toBeInstanceOf(FormatError);
    expect(String(error)).toContain(says);
  });

  it.each<[string, Answer, string]>([
    ['replaces the file by a longer one', serve(new Uint8Array([...FILE, 0]), { etag: '"1"' }), 'changed on the server'],
    ['replaces the file by another version', serve(FILE, { etag: '"2"' }), 'changed on the server'],
    [
      'breaks the connection',
      (_, response) =>
        response
          .writeHead(206, { 'content-range': `bytes 0-7/${FILE.byteLength}`, 'content-length': '8', etag: '"1"' })
          .write('abc', () => response.destroy()),
      'the connection broke after',
    ],
    ['stops honouring ranges', (_, response) => response.writeHead(200).end(FILE), 'ignored the Range header'],
  ])('a server that, while the file is open, %s', async (_, misbehave, says) => {
    answer = serve(FILE, { etag: '"1"' });
    const source = await httpSource(base);
    answer = misbehave;
    const error = await failureOf(() => source.read(0, 8));
    expect(error).toBeInstanceOf(FormatError);
    expect(String(error)).toContain(says);
  });

  it('a server that claims an enormous file costs no memory', async () => {
    answer = (_, response) => response.writeHead(206, { 'content-range': 'bytes 0-0/999999999999999' }).end('x');
    const source = await httpSource(base);
    answer = (_, response) => response.writeHead(206, { 'content-range': 'bytes 0-899999999999999/999999999999999' }).end('x');
    expect(String(await failureOf(() => source.read(0, 9e14)))).toContain('do not fit into memory');
  });
});
