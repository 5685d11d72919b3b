/** The built page in Chromium on its SwiftShader, served as any static host would. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type BrowserContextOptions, chromium, type Page, type Worker } from 'playwright';
import { build } from 'vite';
import { findChromium } from '../../../scripts/chromium.mjs';
import { config } from '../build/config.ts';
import { POLICY } from '../build/policy.ts';
import { serveFolder } from './serve.ts';

/** So that a browser finds its own SwiftShader, and no driver that Node was started with. */
const { VK_DRIVER_FILES: _files, VK_ICD_FILENAMES: _names, MUDPT_ADAPTER: _adapter, ...withoutDrivers } = process.env;
export const ENVIRONMENT = withoutDrivers as Record<string, string>;
export const ARGUMENTS = ['--enable-unsafe-webgpu', '--use-webgpu-adapter=swiftshader', '--no-sandbox'];

export interface OpenedStudio {
  readonly address: string;
  readonly page: Page;
  /** Of the browser. */
  readonly pid: number;
  /** The worker that computes. */
  engine(): Promise<Worker>;
  close(): Promise<void>;
}

/** A page that has not been opened yet. @throws Error where there is no Chromium */
export async function openStudio(options: BrowserContextOptions = {}): Promise<OpenedStudio> {
  const executablePath = findChromium();
  if (!executablePath) throw new Error('no Chromium or Chrome was found: set CHROMIUM to its path');
  const folder = await mkdtemp(join(tmpdir(), 'studio-'));
  const dist = join(folder, 'dist');
  await build({ ...config, logLevel: 'silent', build: { ...config.build, outDir: dist } });
  const server = await serveFolder(dist, '/some/where/', { 'content-security-policy': POLICY });
  const browserServer = await chromium.launchServer({ executablePath, env: ENVIRONMENT, args: ARGUMENTS });
  const browser = await chromium.connect(browserServer.wsEndpoint());
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, locale: 'en-US', ...options });
  const page = await context.newPage();
  page.on('dialog', (dialog) => void dialog.accept());
  return {
    address: server.address,
    page,
    pid: browserServer.process().pid ?? 0,
    engine: async () => {
      for (;;) {
        for (const worker of page.workers()) if ((await worker.evaluate(() => self.name)) === 'engine') return worker;
        await page.waitForTimeout(100);
      }
    },
    close: async () => {
      await browser.close();
      await browserServer.close();
      await server.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
