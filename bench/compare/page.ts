/** A program in a page: bundled, and run by Chromium. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Browser, chromium } from 'playwright';
import { build } from 'vite';
import { findChromium } from '../../scripts/chromium.mjs';

/** Files of a page by name. */
export type Bundle = ReadonlyMap<string, string | Uint8Array>;

/** @param place of `source` while it is bundled: a folder beside the programs @param root where packages are looked for */
export async function bundle(source: string, place: string, root: string): Promise<Bundle> {
  const entry = mkdtempSync(join(place, '.entry-'));
  try {
    const file = join(entry, 'main.mjs');
    writeFileSync(file, source);
    const built = await build({
      root,
      configFile: false,
      logLevel: 'error',
      build: {
        write: false,
        minify: true,
        target: 'esnext',
        rollupOptions: { input: { main: file }, output: { entryFileNames: '[name].js' } },
      },
    });
    const outputs = [built].flat().flatMap((one) => ('output' in one ? one.output : []));
    return new Map(outputs.map((one) => [one.fileName, 'code' in one ? one.code : one.source]));
  } finally {
    rmSync(entry, { recursive: true });
  }
}

/** Chromium, which takes a GPU where the launcher chose one, else its SwiftShader; undefined where there is none. */
export async function openBrowser(): Promise<Browser | undefined> {
  const executablePath = findChromium();
  const adapter = process.env['MUDPT_ADAPTER'] === 'gpu' ? [] : ['--use-webgpu-adapter=swiftshader'];
  return executablePath === undefined
    ? undefined
    : await chromium.launch({ executablePath, args: ['--enable-unsafe-webgpu', '--no-sandbox', ...adapter] });
}

/** Opens a page of a bundle. @returns what the promise `globalThis.outcome` of main.js gives @throws Error of the page */
export async function visit(browser: Browser, files: Bundle): Promise<unknown> {
  const page = await browser.newPage();
  try {
    const failed = new Promise<never>((_, reject) => page.on('pageerror', reject));
    await page.route('**/*', async (route) => {
      const path = new URL(route.request().url()).pathname.slice(1);
      const body = path === '' ? '<!doctype html><script type="module" src="/main.js"></script>' : files.get(path);
      if (body === undefined) return await route.fulfill({ status: 404 });
      const contentType = path === '' ? 'text/html' : path.endsWith('.js') ? 'text/javascript' : 'application/octet-stream';
      return await route.fulfill({ body: typeof body === 'string' ? body : Buffer.from(body), contentType });
    });
    const run = async (): Promise<unknown> => {
      await page.goto('http://localhost/');
      await page.waitForFunction('"outcome" in globalThis');
      return await page.evaluate('globalThis.outcome');
    };
    return await Promise.race([run(), failed]);
  } finally {
    await page.close();
  }
}
