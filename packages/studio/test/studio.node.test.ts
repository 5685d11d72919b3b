/**
 * The built page in Chromium on its SwiftShader, from the sample to prompts that Node reads and back, with what goes wrong on the way: hostile
 * names, a broken image, a reload in the middle of training, a hidden tab, a lost device.
 */
import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { gzipSync } from 'node:zlib';
import { type Browser, chromium, type Download, type Page, type Worker } from 'playwright';
import { build } from 'vite';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { presentAdapters } from '@mudpt/tensor/launcher';
import { JSON_SEAL, jsonBody, openDataset, openPromptFacts, sealed } from 'mudpt';
import { checkResults } from '../../../bench/results-form.ts';
import { OURS } from '../../../bench/suites/ours.ts';
import { findChromium } from '../../../scripts/chromium.mjs';
import { config } from '../build/config.ts';
import { POLICY } from '../build/policy.ts';
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
/** Of code, gzipped, until the page is ready, without the model. */
const MOST_BYTES = { whole: 400_000, first: 90_000 };
const CLI = 'packages/mudpt/src/cli/main.ts';
const HOSTILE = `<b onload="x">vehicle</b> & 'co'`;

if (!executablePath) console.log('studio: the page is not tested, no Chromium or Chrome was found (set CHROMIUM to its path)');

describe.skipIf(!executablePath || isElsewhere)('the studio in Chromium', () => {
  let folder: string;
  let server: Awaited<ReturnType<typeof serveFolder>>;
  let browser: Browser;
  let page: Page;
  const troubles: string[] = [];
  const requests: string[] = [];
  /** As a zip. */
  let project: Uint8Array | undefined;

  const watch = (one: Page): void => {
    one.on('console', (message) => {
      if (message.type() === 'error' || message.type() === 'warning') troubles.push(message.text());
    });
    one.on('pageerror', (error) => troubles.push(String(error.stack)));
    one.on('request', (request) => requests.push(request.url()));
  };

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
  const download = async (press: () => Promise<void>): Promise<Uint8Array> => {
    const [found] = await Promise.all([page.waitForEvent('download') as Promise<Download>, press()]);
    return readFile(await found.path());
  };
  const saved = (name: string): Promise<Uint8Array> =>
    download(() => page.locator('button.card', { has: page.getByText(name, { exact: true }) }).click());
  /** Test images as the page's CSV has them: file, class, prediction, probability. */
  const predictions = async (): Promise<string[][]> =>
    new TextDecoder()
      .decode(await saved('Predictions'))
      .trim()
      .split('\n')
      .slice(1)
      .map((line) => cellsOf(line));
  const give = async (...files: { readonly name: string; readonly buffer: Buffer }[]): Promise<void> => {
    const isBusy = page.waitForFunction(() => document.querySelector<HTMLButtonElement>('button.card:nth-of-type(2)')?.disabled);
    await page
      .locator('label.card input[accept=".zip,.safetensors,.json,.yaml"]')
      .setInputFiles(files.map((file) => ({ ...file, mimeType: 'application/octet-stream' })));
    await isBusy;
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

  const predictedInNode = async (run: string, images: string) =>
    JSON.parse(await inNode(CLI, 'predict', run, images, '--top', '1', '--json')) as readonly {
      readonly file: string;
      readonly top: readonly { readonly name: string; readonly probability: number }[];
    }[];

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'studio-'));
    await build({ ...config, logLevel: 'silent', build: { ...config.build, outDir: join(folder, 'dist') } });
    // A meta element speaks for the page alone: with the header its workers live under the policy too.
    server = await serveFolder(join(folder, 'dist'), '/some/where/', { 'content-security-policy': POLICY });
    browser = await chromium.launch({
      executablePath,
      env: withoutDrivers as Record<string, string>,
      args: ['--enable-unsafe-webgpu', '--use-webgpu-adapter=swiftshader', '--no-sandbox'],
    });
    page = await (await browser.newContext({ viewport: { width: 1280, height: 900 }, locale: 'en-US' })).newPage();
    watch(page);
    page.on('dialog', (dialog) => void dialog.accept());
    await page.goto(server.address);
  }, LONG);

  afterAll(async () => {
    await browser?.close();
    await server?.close();
    if (folder) await rm(folder, { recursive: true, force: true });
  });

  it('is small, and is seen before anything large is fetched', { timeout: LONG }, async () => {
    await page.locator('a.chip[href="#model"]').waitFor({ timeout: LONG });
    const html = await readFile(join(folder, 'dist', 'index.html'), 'utf8');
    const fetched = ['index.html', ...requests.map((url) => url.slice(server.address.length))];
    const code = [...new Set(fetched)].filter((name) => /\.(html|js|css)$/.test(name));
    const sizes = code.map(async (name) => [name, gzipSync(await readFile(join(folder, 'dist', name))).length] as const);
    const all = await Promise.all(sizes);
    const sum = (of: typeof all): number => of.reduce((total, [, size]) => total + size, 0);
    const first = all.filter(([name]) => name === 'index.html' || html.includes(name));
    console.log(`studio: ${sum(all)} bytes gzipped with the engine, ${sum(first)} before the first paint`);
    expect(code.filter((name) => name.includes('engine-'))).toHaveLength(1);
    expect(sum(all)).toBeLessThan(MOST_BYTES.whole);
    expect(sum(first)).toBeLessThan(MOST_BYTES.first);
    expect(await readFile(join(folder, 'dist', '_headers'), 'utf8')).toContain("script-src 'self'");
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
    // A tab in front hides this one, which goes on; of two studios the later waits.
    const other = await page.context().newPage();
    await other.goto(server.address);
    await other.bringToFront();
    await other.getByText('open in another tab').waitFor({ timeout: LONG });
    await page.getByText('Epoch 5 of 8').waitFor({ timeout: LONG });
    await other.close();
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
    expect(await page.locator('.number b').nth(1).innerText()).toBe(`${zeroShot.toFixed(1)}\u00a0%`);
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
    const inPage = await predictions();
    const tests = join(folder, 'project', 'test');
    const inTests = await predictedInNode(join(folder, 'prompts', 'sample-prompts'), tests);
    expect(inTests.length).toBe(inPage.length);
    const { classNames, splits } = await openDataset(join(folder, 'project'), { root: folder });
    expect(classNames).toContain(HOSTILE);
    expect(splits.test.length).toBe(inPage.length);
    const inNodeBy = new Map(inTests.map(({ file, top }) => [file.split('/').at(-1), top[0]?.name]));
    const differing = inPage.filter(([file = '', , guess]) => inNodeBy.get(file) !== guess);
    expect(differing).toEqual([]);
    expect(inPage.some(([, truth]) => truth === HOSTILE)).toBe(true);

    await give({ name: 'back.zip', buffer: Buffer.from(zip) });
    expect(await unzip(await saved('Prompts'))).toEqual(files);
    const [[path, image] = ['', new Uint8Array()]] = [...archive].filter(([name]) => name.startsWith('test/'));
    await page
      .locator('.try input[accept="image/*,.zip"]')
      .setInputFiles({ name: 'one.png', mimeType: 'image/png', buffer: Buffer.from(image) });
    const first = page.locator('.tried article .bars li span').first();
    await first.waitFor({ timeout: LONG });
    expect(await first.innerText()).toBe(inNodeBy.get(path.split('/').at(-1)));
  });

  it('learns what Node learns from the exported project, and takes what Node learnt', { timeout: 2 * LONG }, async (context) => {
    context.skip(!hasSwiftShader, 'Node has no SwiftShader here');
    await goTo('train');
    await page.getByLabel('Pictures of each class').selectOption('4');
    await page.getByLabel('epochs', { exact: true }).fill('-1');
    await page.getByLabel('epochs', { exact: true }).blur();
    await page.getByRole('button', { name: /^Train( again)?$/ }).click();
    await page.getByText('epochs is -1. Give a whole number').waitFor();
    await page.getByRole('button', { name: 'Close' }).click();
    await page.getByLabel('epochs', { exact: true }).fill('2');
    await page.getByLabel('epochs', { exact: true }).blur();
    await page.getByRole('button', { name: /^Train( again)?$/ }).click();
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
    project = await saved('Project');
    await unpack(await unzip(project), join(folder, 'short'));
    const settings = ['epochs=2', 'logEvery=5', 'alternatives=false'].flatMap((one) => ['--set', one]);
    const given = ['--data', join(folder, 'short'), '--template', 'an icon of a {}.', '--shots', '4', '--seed', '1', ...settings];
    await inNode(CLI, 'train', ...given, '--report', 'no', '--out', join(folder, 'runs'));
    const metrics = (await readdir(join(folder, 'runs'), { recursive: true })).find((name) => name.endsWith('metrics.jsonl'));
    const run = join(folder, 'runs', dirname(metrics ?? ''));
    const losses = (await readFile(join(run, 'metrics.jsonl'), 'utf8'))
      .trim()
      .split('\n')
      .map((line) => (JSON.parse(line) as { readonly loss: number }).loss);
    expect(losses.length).toBe(inPage.length);
    for (const [place, loss] of losses.entries())
      expect(Math.abs((inPage[place] ?? 0) - loss)).toBeLessThan(1e-5 * Math.max(1, loss));

    // Node fits a temperature where there are validation images, of which a project has none.
    const { sha256: _, ...facts } = (await openPromptFacts(await readFile(join(run, 'prompts.json'), 'utf8'))) as object as {
      readonly sha256?: string;
    };
    await writeFile(join(run, 'prompts.json'), await sealed(jsonBody({ ...facts, temperature: 2 }), JSON_SEAL));
    const names = ['prompts.safetensors', 'prompts.json', 'config.yaml'];
    const files = await Promise.all(names.map(async (name) => ({ name, buffer: await readFile(join(run, name)) })));
    await give(...files);
    const measured = new Map((await predictions()).map(([file = '', , guess, share]) => [file, [guess, Number(share)] as const]));
    const tests = join(folder, 'short', 'test');
    const [some = ''] = await readdir(tests);
    const inTests = await predictedInNode(run, join(tests, some));
    expect(inTests.length).toBeGreaterThan(5);
    for (const { file, top } of inTests) {
      const [guess, share] = measured.get(file.split('/').at(-1) ?? '') ?? [];
      expect([file, guess]).toEqual([file, top[0]?.name]);
      expect(share).toBeCloseTo(top[0]?.probability ?? Number.NaN, 4);
    }
    const back = await unzip(await saved('Prompts'));
    for (const { name, buffer } of files) expect(Buffer.from(back.get(`sample-prompts/${name}`) ?? [])).toEqual(buffer);
  });

  it('opens a project in another profile, in Chinese', { timeout: LONG }, async (context) => {
    context.skip(!project, 'Node has no SwiftShader here');
    const profile = await browser.newContext({ locale: 'zh-CN' });
    const other = await profile.newPage();
    watch(other);
    await other.goto(`${server.address}#use`);
    const input = other.locator('label.card input[accept=".zip"]');
    await input.setInputFiles({
      name: 'broken.zip',
      mimeType: 'application/zip',
      buffer: Buffer.from(project ?? '').subarray(0, 5000),
    });
    await other.getByText('无法读取 broken.zip').waitFor();
    await input.setInputFiles({ name: 'project.zip', mimeType: 'application/zip', buffer: Buffer.from(project ?? '') });
    await other.goto(`${server.address}#understand`);
    // Measured again on the images of the zip: what the prompts in it were measured to be.
    const { accuracy: told } = await openPromptFacts(
      new TextDecoder().decode((await unzip(project ?? new Uint8Array())).get('prompts.json')),
    );
    await other.locator('.number.main b').waitFor({ timeout: LONG });
    expect(Number.parseFloat(await other.locator('.number.main b').innerText())).toBeCloseTo(told?.tuned ?? 0, 1);
    await other.goto(`${server.address}#train`);
    await other.getByLabel('轮数 epochs').waitFor();
    await other.getByText('两个塔的深层提示').waitFor();
    await profile.close();
  });

  it('measures the adapter, in the form of the results that are kept', { timeout: LONG }, async () => {
    await goTo('bench');
    for (const suite of ['matrix products', 'attention', 'image tower', 'training step']) await page.getByLabel(suite).uncheck();
    await page.getByRole('button', { name: 'Measure' }).click();
    const button = page.getByRole('button', { name: 'Save as JSON' });
    await button.waitFor({ timeout: LONG });
    const text = new TextDecoder().decode(await download(() => button.click()));
    const { rows, kind } = checkResults(JSON.parse(text), 'the page');
    const ours = rows.filter(({ engine }) => engine === OURS);
    expect([kind, ours.length]).toEqual(['swiftshader', 2]);
    // Others are measured where this machine has them, and else told, for every problem.
    for (const { suite, engine, problem, error } of rows) {
      expect([suite, engine]).toEqual(['layernorm', engine]);
      if (problem === undefined) expect(error).toBeLessThan(1e-3);
      else
        expect([engine === OURS, problem]).toEqual([
          false,
          expect.stringMatching(/^not measured: it (is not built|has no such)/),
        ]);
    }
    expect(rows.length).toBe(3 * ours.length);
    await page.getByText('jax-js').first().waitFor();
  });

  it('leaks nothing over ten trainings', { timeout: LONG }, async () => {
    await goTo('train');
    await page.getByLabel('Method').selectOption('linear-probe');
    await page.getByLabel('Pictures of each class').selectOption('1');
    type Memory = { readonly liveTensors: number; readonly totalBytes: number };
    const live = async (): Promise<Memory> =>
      (await engine()).evaluate(() => (globalThis as unknown as { studioDevice: { memory(): Memory } }).studioDevice.memory());
    const memories: Memory[] = [];
    for (let round = 0; round < 10; round += 1) {
      await page.getByRole('button', { name: /^Train( again)?$/ }).click();
      await page.waitForFunction(() => document.querySelector('.controls .state')?.textContent !== 'Finished');
      await page.getByText('Finished').waitFor({ timeout: LONG });
      memories.push(await live());
    }
    console.log(`studio: ${memories.map(({ totalBytes }) => (totalBytes / 1e6).toFixed(1)).join(', ')} MB of device memory`);
    expect(new Set(memories.slice(1).map(({ liveTensors }) => liveTensors)).size).toBe(1);
    const most = (some: readonly Memory[]): number => Math.max(...some.map(({ totalBytes }) => totalBytes));
    expect(most(memories.slice(5))).toBeLessThanOrEqual(most(memories.slice(0, 5)));
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
  const name = (await readdir(join(dist, 'assets'))).find((one) => /^sample-.*\.zip$/.test(one));
  return join(dist, 'assets', name ?? 'sample.zip');
}

/** Cells of a CSV line, quoted ones too. */
function cellsOf(line: string): string[] {
  return [...line.matchAll(/("(?:[^"]|"")*"|[^,]*)(?:,|\r?$)/g)].map(([, cell = '']) =>
    cell.startsWith('"') ? cell.slice(1, -1).replaceAll('""', '"') : cell,
  );
}
