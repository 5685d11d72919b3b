// Pages in Chromium, and what they print.
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { extname, join } from 'node:path';
import { chromium } from 'playwright';
import { findChromium } from '../../scripts/chromium.mjs';
import { NotChecked } from './not-checked.mjs';

/** What a page prints when its program has ended. */
export const END = 'the end';
const LIMIT_MS = 5 * 60_000;
const TYPES = { '.html': 'text/html', '.js': 'text/javascript', '.mjs': 'text/javascript' };

/** @param {string} site a folder @returns {Promise<import('node:http').Server>} */
async function serve(site) {
  const server = createServer((request, response) => {
    const path = request.url === '/' ? '/index.html' : ((request.url ?? '/').split('?')[0] ?? '/');
    try {
      const body = readFileSync(join(site, path));
      response
        .writeHead(200, { 'content-type': TYPES[/** @type {keyof typeof TYPES} */ (extname(path))] ?? 'text/plain' })
        .end(body);
    } catch {
      response.writeHead(404).end();
    }
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(undefined)));
  return server;
}

/**
 * Serves a folder and collects what its page prints up to {@link END}.
 *
 * @param {string} site
 * @returns {Promise<string>}
 * @throws {NotChecked} where there is no Chromium
 */
export async function visit(site) {
  const executablePath = findChromium();
  if (!executablePath) throw new NotChecked('no Chromium was found (set CHROMIUM to its path)');
  const server = await serve(site);
  const address = /** @type {import('node:net').AddressInfo} */ (server.address());
  const args = ['--enable-unsafe-webgpu', '--use-webgpu-adapter=swiftshader', '--no-sandbox'];
  const browser = await chromium.launch({ executablePath, args });
  try {
    const page = await browser.newPage();
    /** @type {string[]} */
    const lines = [];
    const ended = new Promise((resolve, reject) => {
      page.on('console', (message) => {
        if (message.text() === END) resolve(undefined);
        else if (message.type() === 'log') lines.push(message.text());
      });
      page.on('pageerror', reject);
      setTimeout(() => reject(new Error(`the page has not ended; it printed\n${lines.join('\n')}`)), LIMIT_MS).unref();
    });
    await page.goto(`http://127.0.0.1:${address.port}/`);
    await ended;
    return lines.join('\n');
  } finally {
    await browser.close();
    server.close();
  }
}
