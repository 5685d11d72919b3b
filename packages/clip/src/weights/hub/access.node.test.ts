import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { InputError } from '@mudpt/tensor';
import { COMMIT, TOKEN } from '@mudpt/testing/weights/hub-server';
import { failureOf } from '@mudpt/testing/failure';
import { hubAccess } from './access.ts';
import { hubFiles } from './hub.node.ts';

type Answer = (request: IncomingMessage, response: ServerResponse) => void;

let cache: string;
const closers: (() => void)[] = [];
beforeEach(async () => {
  cache = await mkdtemp(join(tmpdir(), 'hub-access-'));
  for (const name of ['HF_TOKEN', 'HUGGING_FACE_HUB_TOKEN', 'HF_ENDPOINT', 'HF_HUB_OFFLINE', 'HF_HUB_DOWNLOAD_TIMEOUT'])
    vi.stubEnv(name, '');
});
afterEach(async () => {
  vi.unstubAllEnvs();
  for (const close of closers.splice(0)) close();
  await rm(cache, { recursive: true });
});

/** A host of loopback, and what it was asked: "PATH AUTHORIZATION". */
async function host(answer: Answer): Promise<{ url: string; seen: string[] }> {
  const seen: string[] = [];
  const server = createServer((request, response) => {
    seen.push(`${request.url?.split('?')[0]} ${request.headers.authorization ?? 'none'}`);
    answer(request, response);
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  closers.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, seen };
}

const json = (response: ServerResponse, value: unknown, headers: Record<string, string> = {}): void =>
  void response.writeHead(200, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(value));
const model = { _id: '1', id: 'o/m', sha: COMMIT, lastModified: '2026-01-01' };
const FILES = ['config.json', 'model.safetensors'].map((path) => ({ type: 'file', path, size: 3, oid: 'a'.repeat(40) }));

/** A hub that answers a question about the model, and `tree` and `file` as told. */
function hub(tree: Answer, file: Answer = () => undefined): Promise<{ url: string; seen: string[] }> {
  return host((request, response) => {
    const url = request.url ?? '';
    if (url.includes('/revision/')) json(response, model);
    else (url.includes('/tree/') ? tree : file)(request, response);
  });
}

const load = (hubUrl: string, timeout = 0.3) => hubFiles('o/m', { hubUrl, token: TOKEN, cacheFolder: cache, timeout });

describe('the token', () => {
  it('goes to no other host: not by a redirect, a next page, or a page that the other host names', async () => {
    const other = await host((request, response) =>
      json(response, [], { link: `<http://${request.headers.host}/again${COMMIT}>; rel="next"` }),
    );
    const byLink = await hub((_, response) => json(response, FILES, { link: `<${other.url}/next>; rel="next"` }));
    await failureOf(() => load(byLink.url));
    const byRedirect = await hub((request, response) =>
      response.writeHead(302, { location: `${other.url}${request.url}` }).end(),
    );
    await failureOf(() => load(byRedirect.url));
    expect(other.seen.length).toBeGreaterThan(2);
    expect(other.seen.filter((one) => !one.endsWith(' none'))).toEqual([]);
    expect(byLink.seen.every((one) => one.endsWith(`Bearer ${TOKEN}`))).toBe(true);
  });

  it.each(['http://hub.example', 'http://10.0.0.1:80', 'http://127.0.0.1.example'])('goes not to %s in plain text', (hubUrl) => {
    expect(() => hubAccess({ hubUrl, token: TOKEN })).toThrow(/over plain http.*Give an https address/);
    expect(hubAccess({ hubUrl }).accessToken).toBeUndefined();
  });

  it.each(['https://hub.example', 'http://localhost:1', 'http://127.0.0.1', 'http://[::1]:80'])('goes to %s', (hubUrl) => {
    expect(hubAccess({ hubUrl, token: TOKEN }).accessToken).toBe(TOKEN);
  });

  it.each(['file:///etc', 'hub.example', 'ftp://hub.example'])('%s is no hub', (hubUrl) => {
    expect(() => hubAccess({ hubUrl })).toThrow(InputError);
  });
});

describe('what never ends', () => {
  it('a listing of endless pages', async () => {
    const endless = await hub((request, response) =>
      json(response, [], { link: `<http://${request.headers.host}${request.url}>; rel="next"` }),
    );
    expect((await failureOf(() => load(endless.url, 5))).message).toContain('on more than 100 pages');
    expect(endless.seen).toHaveLength(100);
  });

  it('a hub that does not answer', async () => {
    const silent = await host(() => undefined);
    expect((await failureOf(() => load(silent.url))).message).toMatch(/cannot be reached \(.* did not answer within 0\.3 s\)/);
  });

  it('a file that comes byte by byte', async () => {
    const slow = await hub(
      (_, response) => json(response, FILES),
      (request, response) => {
        const headers = { etag: '"a"', 'content-range': 'bytes 0-0/3' };
        if (request.headers.range === 'bytes=0-0') return void response.writeHead(206, headers).end('{');
        response.writeHead(200, headers).write('{');
      },
    );
    expect((await failureOf(() => load(slow.url))).message).toMatch(/sent 1 bytes in 0\.3 s/);
  });

  it('a time-out that is none', async () => {
    vi.stubEnv('HF_HUB_DOWNLOAD_TIMEOUT', 'soon');
    expect((await failureOf(() => hubFiles('o/m', { cacheFolder: cache }))).message).toContain(
      'HF_HUB_DOWNLOAD_TIMEOUT is "soon"',
    );
  });
});
