/** The built page on a local port, as any static host would serve it, below a path. */
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname, join, normalize } from 'node:path';

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.svg': 'image/svg+xml',
  '.json': 'application/json',
};

/**
 * @param under the page must work below any path, since all of its paths are relative
 * @param headers of every answer
 */
export async function serveFolder(
  folder: string,
  under = '/some/where/',
  headers: Readonly<Record<string, string>> = {},
): Promise<{ readonly address: string; close(): Promise<void> }> {
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url ?? '/', 'http://localhost');
    const inside = pathname.startsWith(under) ? normalize(`/${pathname.slice(under.length)}`) : '/nothing';
    const path = join(folder, inside.endsWith('/') ? `${inside}index.html` : inside);
    readFile(path).then(
      (bytes) =>
        response.writeHead(200, { ...headers, 'content-type': TYPES[extname(path)] ?? 'application/octet-stream' }).end(bytes),
      () => response.writeHead(404).end(),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return { address: `http://localhost:${port}${under}`, close: () => new Promise((resolve) => server.close(() => resolve())) };
}
