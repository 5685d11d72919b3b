/** A local hub server: the parts of the hub's interface that loading a model uses, and its failures. */
import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';

export interface HubRepository {
  readonly name: string;
  readonly files: Readonly<Record<string, Uint8Array>>;
  /** Names of its only commit. */
  readonly revisions: readonly string[];
}

export const COMMIT = 'c0ffee'.padEnd(40, '0');
export const TOKEN = 'hf_test';

export class HubServer {
  /** "METHOD path range" of every request. */
  readonly requests: string[] = [];
  /** Whether a token is asked for. */
  isPrivate = false;
  /** Downloads break off after this many bytes, as long as it is set. */
  breakAfter: number | undefined;
  /** Bytes that are sent in the place of a file's own. */
  readonly replaced = new Map<string, Uint8Array>();
  url = '';

  private constructor(private readonly repository: HubRepository) {}

  static async start(repository: HubRepository): Promise<HubServer & AsyncDisposable> {
    const hub = new HubServer(repository);
    const server = createServer((request, response) => hub.answer(request, response));
    await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
    const address = server.address();
    if (address === null || typeof address === 'string') throw new Error('the test server has no port');
    hub.url = `http://127.0.0.1:${address.port}`;
    const close = async () => {
      server.closeAllConnections();
      await new Promise((closed) => server.close(closed));
    };
    return Object.assign(hub, { [Symbol.asyncDispose]: close });
  }

  /** Requests of files' contents, beyond the one byte that asks for the size. */
  downloads(): string[] {
    return this.requests.filter((request) => request.includes('/resolve/') && !request.endsWith('bytes=0-0'));
  }

  private answer(request: IncomingMessage, response: ServerResponse): void {
    const { pathname } = new URL(request.url ?? '/', this.url);
    const { name, revisions } = this.repository;
    const range = request.headers.range ?? 'all';
    this.requests.push(`${request.method} ${pathname} ${range}`);
    const json = (status: number, body: unknown) =>
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    if (this.isPrivate && request.headers.authorization !== `Bearer ${TOKEN}`) return void json(401, { error: 'Unauthorized' });
    const [, api, revision] = new RegExp(`^/api/models/${name}/(revision|tree)/(.+)$`).exec(decodeURIComponent(pathname)) ?? [];
    if (api !== undefined && ![...revisions, COMMIT].includes(revision ?? ''))
      return void json(404, { error: 'Revision Not Found' });
    if (api === 'revision') return void json(200, { _id: '1', id: name, sha: COMMIT, lastModified: '2026-01-01' });
    if (api === 'tree') return void json(200, [{ type: 'directory', path: 'onnx', size: 0, oid: '0' }, ...this.listing()]);
    const [, file] = new RegExp(`^/${name}/resolve/${COMMIT}/(.+)$`).exec(decodeURIComponent(pathname)) ?? [];
    const content = file === undefined ? undefined : (this.replaced.get(file) ?? this.repository.files[file]);
    if (content === undefined) return void json(404, { error: 'Not Found' });
    this.send(response, content, range);
  }

  private listing(): object[] {
    return Object.entries(this.repository.files).map(([path, content]) => {
      const oid = createHash('sha1').update(`blob ${content.byteLength}\0`).update(content).digest('hex');
      const isLarge = /\.(safetensors|bin)$/.test(path);
      const lfs = { oid: createHash('sha256').update(content).digest('hex'), size: content.byteLength, pointerSize: 130 };
      return { type: 'file', path, size: content.byteLength, oid, ...(isLarge ? { lfs } : {}) };
    });
  }

  private send(response: ServerResponse, content: Uint8Array, range: string): void {
    const [, first, last] = /^bytes=(\d+)-(\d+)$/.exec(range) ?? [];
    const begin = Number(first ?? 0);
    const end = Math.min(Number(last ?? content.byteLength), content.byteLength - 1) + 1;
    const part = content.subarray(begin, end);
    const headers = {
      etag: '"tag"',
      'content-length': part.byteLength,
      'content-range': `bytes ${begin}-${end - 1}/${content.byteLength}`,
    };
    response.writeHead(first === undefined ? 200 : 206, headers);
    const limit = this.breakAfter;
    if (limit === undefined || part.byteLength <= limit) response.end(part);
    else response.write(part.subarray(0, limit), () => setTimeout(() => response.destroy(), 20));
  }
}
