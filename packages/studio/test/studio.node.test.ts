/**
 * The built page in Chromium on its SwiftShader, from the sample to prompts that Node reads, with what goes wrong on the way: hostile names, a
 * broken image, a reload in the middle of training, a lost device.
 */
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { type Browser, chromium, type Download, type Page, type Worker } from 'playwright';
import { build } from 'vite';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { presentAdapters } from '@mudpt/tensor/launcher';
import { openDataset } from 'mudpt';
import { findChromium } from '../../../scripts/chromium.mjs';
import { config } from '../build/config.ts';
import { serveFolder } from './serve.ts';
import { unpack, unzip } from './unzip.ts';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
const executablePath = findChromium();
// One run is enough: the page has its own adapter.
const isElsewhere = process.env['TEST_ANOTHER_ADAPTER'] === '1' || process.env['TENSOR_LIMITS'] === 'default';
const { VK_DRIVER_FILES: _files, VK_ICD_FILENAMES: _names, MUDPT_ADAPTER: _adapter, ...withoutDrivers } = process.env;
/** Of other adapters numbers differ in their last bits. */
const hasSwiftShader = presentAdapters({ environment: withoutDrivers }).some(({ kind }) => kind === 'swiftshader');
const LONG = 300_000;
const HOSTILE = `<b onload="x">vehicle</b> & 'co'`;

if (!executablePath) console.log('studio: the page is not tested, no Chromium or Chrome was found (set CHROMIUM to its path)');

describe.skipIf(!executablePath || isElsewhere)('the studio in Chromium', () => {
  let folder: string;
  let server: Awaited<ReturnType<typeof serveFolder>>;
  let browser: Browser;
  let page: Page;
  const troubles: string[] = [];
  const requests: string[] = [];

  const engine = async (): Promise<Worker> => {
    for (;;) {
      for (const worker of page.workers()) if ((await worker.evaluate(() => self.name)) === 'engine') return worker;
      await page.waitForTimeout(100);
    }
  };
  const goTo = async (place: string): Promise<void> => {
    await page.goto(`${server.address}#${place}`);
  };
  const accuracy = async (): Promise<number> => Number.parseFloat(await page.locator('.number.main b').first().innerText());
  const saved = async (name: string): Promise<Uint8Array> => {
    const [download] = await Promise.all([
      page.waitForEvent('download') as Promise<Download>,
      page.locator('button.card', { has: page.getByText(name, { exact: true }) }).click(),
    ]);
    return readFile(await download.path());
  };
  /** Runs a program of the repository on the adapter that the page has. */
  const inNode = async (...words: string[]): Promise<string> => {
    const launch = [join(ROOT, 'scripts/launch.mjs'), ...(hasSwiftShader ? ['--adapter', 'swiftshader'] : [])];
    const { stdout } = await promisify(execFile)(process.execPath, [...launch, 'node', '--import', 'tsx', ...words], {
      cwd: ROOT,
      env: withoutDrivers,
      maxBuffer: 2 ** 26,
    });
    return stdout;
  };

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'studio-'));
    await build({ ...config, logLevel: 'silent', build: { ...config.build, outDir: join(folder, 'dist') } });
    server = await serveFolder(join(folder, 'dist'));
    browser = await chromium.launch({
      executablePath,
      env: withoutDrivers as Record<string, string>,
      args: ['--enable-unsafe-webgpu', '--use-webgpu-adapter=swiftshader', '--no-sandbox'],
    });
    page = await browser.newPage({ viewport: { width: 1280, height: 900 }, locale: 'en-US' });
    page.on('console', (message) => {
      if (message.type() === 'error' || message.type() === 'warning') troubles.push(message.text());
    });
    page.on('pageerror', (error) => troubles.push(String(error.stack)));
    page.on('request', (request) => requests.push(request.url()));
    page.on('dialog', (dialog) => void dialog.accept());
    await page.goto(server.address);
  }, LONG);

  afterAll(async () => {
    await browser?.close();
    await server?.close();
    if (folder) await rm(folder, { recursive: true, force: true });
  });

  it('takes the sample, a broken image, duplicates, and names that would be markup', { timeout: LONG }, async () => {
    await page.getByRole('button', { name: 'Take the sample' }).click();
    await page.getByText(/^\d+ added$/).waitFor({ timeout: LONG });
    const names = await page.locator('.class-head input').evaluateAll((all) => all.map((one) => (one as HTMLInputElement).value));
    const sample = (await unzip(await readFile(await sampleFile(join(folder, 'dist'))))).entries();
    const [[path, image] = ['', new Uint8Array()]] = [...sample];
    expect(path.startsWith(`${names[0]}/`)).toBe(true);
    await page.locator('input[accept="image/*,.zip"]').setInputFiles([
      { name: 'again.png', mimeType: 'image/png', buffer: Buffer.from(image) },
      {
        name: '<img src=x onerror=alert(1)>.png',
        mimeType: 'image/png',
        buffer: Buffer.from(image.subarray(0, image.length / 2)),
      },
      { name: 'notes.txt', mimeType: 'text/plain', buffer: Buffer.from('no image') },
    ]);
    await page.getByText('1 was here already').click();
    await page.getByText('1 cannot be read').click();
    await page.getByText('1 is no picture').waitFor();
    const told = await page.locator('.notice').innerText();
    expect(told).toContain(`in ${names[0]}`);
    expect(told).toContain('<img src=x onerror=alert(1)>.png is ');
    const after = await page.locator('.class-head input').evaluateAll((all) => all.map((one) => (one as HTMLInputElement).value));
    expect(after).not.toContain('unsorted');

    const last = page.locator('.class-head input').first();
    await last.fill(HOSTILE);
    await last.press('Enter');
    await last.blur();
    expect(await page.locator('.class-head input').first().inputValue()).toBe(HOSTILE);
  });

  let zeroShot = 0;
  it('measures zero-shot at once, and again when the sentence changes', { timeout: LONG }, async () => {
    await goTo('zeroShot');
    await page.locator('.numbers:not(.stale) .number.main').waitFor({ timeout: LONG });
    zeroShot = await accuracy();
    expect(zeroShot).toBeGreaterThan(20);
    const matrix = await page.locator('.matrix svg').innerHTML();
    expect(matrix).toContain('&lt;b onload=');
    await page.locator('.matrix [data-cell]').first().click();
    await page.locator('.cell figure').first().waitFor();
    const sentence = page.getByLabel('Sentence, with {} for the class');
    await sentence.fill('a bad sketch of the {}.');
    await page.locator('.numbers.stale').waitFor();
    await page.locator('.numbers:not(.stale)').waitFor({ timeout: LONG });
    expect(await accuracy()).not.toBe(zeroShot);
    await sentence.fill('an icon of a {}.');
    await page.locator('.numbers.stale').waitFor();
    await page.locator('.numbers:not(.stale)').waitFor({ timeout: LONG });
    expect(await accuracy()).toBe(zeroShot);
  });

  it('trains through a reload and a lost device, and is better afterwards', { timeout: LONG }, async () => {
    await goTo('train');
    await page.getByRole('button', { name: 'Train', exact: true }).click();
    await page.getByText('Epoch 2 of 8').waitFor({ timeout: LONG });
    await page.reload();
    await page.getByText(/Epoch [2-4] of 8/).waitFor({ timeout: LONG });
    await page.getByText('Epoch 5 of 8').waitFor({ timeout: LONG });
    await (await engine()).evaluate(() =>
      (globalThis as unknown as { studioDevice: { gpu: GPUDevice } }).studioDevice.gpu.destroy(),
    );
    await page.getByText(/device was lost/).waitFor({ timeout: LONG });
    await page.getByText('Finished').waitFor({ timeout: LONG });
    const tuned = await accuracy();
    console.log(`studio: zero-shot ${zeroShot} %, tuned ${tuned} %`);
    expect(tuned).toBeGreaterThan(zeroShot);
    await goTo('understand');
    await page.locator('.diagram svg').waitFor({ timeout: LONG });
    await page.locator('table tbody tr').nth(12).waitFor();
  });

  it('exports prompts that Node reads, which gives the same classes, and takes them back', { timeout: LONG }, async () => {
    await goTo('use');
    const zip = await saved('Prompts');
    const files = await unzip(zip);
    await unpack(files, join(folder, 'prompts'));
    const archive = await unzip(await saved('Project'));
    await unpack(archive, join(folder, 'project'));
    const report = new TextDecoder().decode(await saved('Report'));
    expect(report).toContain('What is taken for what');
    expect(report).toContain('aria-label="loss by step"');
    expect(report).not.toContain('<b onload=');
    const csv = new TextDecoder()
      .decode(await saved('Predictions'))
      .trim()
      .split('\n')
      .slice(1);
    const tests = join(folder, 'project', 'test');
    const told = await inNode(
      'packages/mudpt/src/cli/main.ts',
      'predict',
      join(folder, 'prompts', 'sample-prompts'),
      tests,
      '--top',
      '1',
      '--json',
    );
    const predictions = JSON.parse(told) as { file: string; top: { name: string }[] }[];
    expect(predictions.length).toBe(csv.length);
    const { classNames, splits } = await openDataset(join(folder, 'project'), { root: folder });
    expect(classNames).toContain(HOSTILE);
    expect(splits.test.length).toBe(csv.length);
    const inNodeBy = new Map(predictions.map(({ file, top }) => [file.split('/').at(-1), top[0]?.name]));
    const inPage = csv.map((line) => cellsOf(line));
    const differing = inPage.filter(([file = '', , guess]) => inNodeBy.get(file) !== guess);
    expect(differing).toEqual([]);
    expect(inPage.some(([, truth]) => truth === HOSTILE)).toBe(true);

    await page
      .locator('label.card input[accept=".zip,.safetensors,.json,.yaml"]')
      .setInputFiles({ name: 'back.zip', mimeType: 'application/zip', buffer: Buffer.from(zip) });
    await page.waitForFunction(() => document.querySelector<HTMLButtonElement>('button.card:nth-of-type(2)')?.disabled);
    const again = await unzip(await saved('Prompts'));
    expect(again.get('sample-prompts/prompts.safetensors')).toEqual(files.get('sample-prompts/prompts.safetensors'));
    const [[path, image] = ['', new Uint8Array()]] = [...archive].filter(([name]) => name.startsWith('test/'));
    await page
      .locator('.try input[accept="image/*,.zip"]')
      .setInputFiles({ name: 'one.png', mimeType: 'image/png', buffer: Buffer.from(image) });
    const first = page.locator('.tried article .bars li span').first();
    await first.waitFor({ timeout: LONG });
    expect(await first.innerText()).toBe(inNodeBy.get(path.split('/').at(-1)));
  });

  it('gives the losses that Node gives on the same adapter', { timeout: LONG }, async (context) => {
    context.skip(!hasSwiftShader, 'Node has no SwiftShader here');
    await goTo('train');
    await page.getByLabel('epochs', { exact: true }).fill('2');
    await page.getByLabel('epochs', { exact: true }).blur();
    await page.getByRole('button', { name: 'Train again' }).click();
    await page.getByRole('button', { name: 'Pause' }).waitFor();
    await page.getByText('Finished').waitFor({ timeout: LONG });
    const inPage = await page.evaluate(
      () =>
        new Promise<number[]>((resolve, reject) => {
          const opening = indexedDB.open('mudpt-studio');
          opening.addEventListener('success', () => {
            const asked = opening.result.transaction('result').objectStore('result').get('current');
            asked.addEventListener('success', () => resolve(asked.result.lines.map(({ loss }: { loss: number }) => loss)));
            asked.addEventListener('error', () => reject(asked.error));
          });
        }),
    );
    await goTo('use');
    await unpack(await unzip(await saved('Project')), join(folder, 'short'));
    const told = /@@(.*)/.exec(await inNode('packages/studio/test/node-training.ts', join(folder, 'short')))?.[1] ?? '{}';
    const { losses } = JSON.parse(told) as { losses: number[] };
    expect(losses.length).toBe(inPage.length);
    for (const [place, loss] of losses.entries())
      expect(Math.abs((inPage[place] ?? 0) - loss)).toBeLessThan(1e-5 * Math.max(1, loss));
  });

  it('leaks nothing over ten trainings', { timeout: LONG }, async () => {
    await goTo('train');
    await page.getByLabel('Method').selectOption('linear-probe');
    const live = async (): Promise<number> =>
      (await engine()).evaluate(
        () =>
          (globalThis as unknown as { studioDevice: { memory(): { liveTensors: number } } }).studioDevice.memory().liveTensors,
      );
    const counts: number[] = [];
    for (let round = 0; round < 10; round += 1) {
      await page.getByRole('button', { name: 'Train again' }).click();
      await page.waitForFunction(() => document.querySelector('.controls .state')?.textContent !== 'Finished');
      await page.getByText('Finished').waitFor({ timeout: LONG });
      counts.push(await live());
    }
    expect(new Set(counts.slice(1)).size).toBe(1);
  });

  it('says what to do where the browser has no WebGPU, and pretends nothing', { timeout: LONG }, async () => {
    const plain = await chromium.launch({
      executablePath,
      env: withoutDrivers as Record<string, string>,
      args: ['--no-sandbox'],
    });
    try {
      const other = await plain.newPage({ locale: 'en-US' });
      await other.goto(`${server.address}#train`);
      await other.getByRole('heading', { name: 'This browser shows no WebGPU' }).waitFor({ timeout: LONG });
      expect(await other.getByRole('button', { name: 'Train' }).count()).toBe(0);
    } finally {
      await plain.close();
    }
  });

  it('asks nobody for anything, and writes no errors to the console', () => {
    const strangers = requests.filter((url) => !url.startsWith(server.address) && !/^(blob|data):/.test(url));
    expect(strangers).toEqual([]);
    expect(troubles).toEqual([]);
  });
});

/** The sample among the built files. */
async function sampleFile(dist: string): Promise<string> {
  const { readdir } = await import('node:fs/promises');
  const name = (await readdir(join(dist, 'assets'))).find((one) => /^sample-.*\.zip$/.test(one));
  return join(dist, 'assets', name ?? 'sample.zip');
}

/** Cells of a CSV line, quoted ones too. */
function cellsOf(line: string): string[] {
  return [...line.matchAll(/("(?:[^"]|"")*"|[^,]*)(?:,|\r?$)/g)].map(([, cell = '']) =>
    cell.startsWith('"') ? cell.slice(1, -1).replaceAll('""', '"') : cell,
  );
}
