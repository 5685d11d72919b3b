/**
 * `pnpm bench:compare [--quick] [--save]`: the same MLP, GPT and convnet in this engine, jax-js and tfjs, side by side: lines of the program, gzipped bundle for a page,
 * first step and time a step, in Node and in a page of Chromium. All begin with the same weights and batch; a program whose first five losses are not those of the others
 * fails. `--save` writes the table of bench/README.md.
 */
import { spawn } from 'node:child_process';
import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import type { Browser } from 'playwright';
import { cacheFolder, installPackages } from '@mudpt/testing/installed-packages';
import { type Bundle, bundle, openBrowser, visit } from './page.ts';
import { type Line, tableOf, type Times, withTable } from './table.ts';

const ENGINES = ['ours', 'jax', 'tfjs'] as const;
type Engine = (typeof ENGINES)[number];
const NAMES: Readonly<Record<Engine, string>> = { ours: 'mudpt', jax: 'jax-js 0.1.25', tfjs: 'tfjs 4.22.0' };
const PROBLEM_NAMES = ['mlp', 'gpt', 'convnet'] as const;
const TITLES = { mlp: 'MLP', gpt: 'GPT, 2 blocks', convnet: 'convnet' } as const;

/** What other engines need, installed beside the user's caches; nothing of it is a dependency of ours. */
const PEERS = {
  '@jax-js/jax': '0.1.25',
  '@tensorflow/tfjs': '4.22.0',
  '@tensorflow/tfjs-backend-webgpu': '4.22.0',
  'core-js': '3.46.0',
  webgpu: '0.6.2',
};

const here = fileURLToPath(new URL('.', import.meta.url));
const root = fileURLToPath(new URL('../..', import.meta.url));

type Measured = { readonly first: number; readonly times: readonly number[]; readonly losses: readonly number[] };

/** Runs a command to its end. @throws Error with the end of what it told */
async function command(name: string, words: readonly string[], cwd: string): Promise<string> {
  const child = spawn(name, words, { cwd, stdio: ['ignore', 'pipe', 'pipe'] });
  const [out, told]: [string[], string[]] = [[], []];
  child.stdout.on('data', (chunk) => out.push(String(chunk)));
  child.stderr.on('data', (chunk) => told.push(String(chunk)));
  const code = await new Promise((resolve, reject) => child.on('close', resolve).on('error', reject));
  if (code !== 0)
    throw new Error(`${name} ended with ${String(code)}: ${told.join('').trim().split('\n').slice(-3).join(' | ')}`);
  return out.join('');
}

/** The folder of the peers, with the programs beside their packages. */
async function peersFolder(): Promise<string> {
  const folder = await installPackages(join(cacheFolder(), 'compare-peers'), PEERS);
  for (const part of ['problems.mjs', 'measure.mjs', 'run.mjs', 'programs'])
    cpSync(join(here, part), join(folder, part), { recursive: true });
  return folder;
}

/** Lines of a program without blank ones and comments. */
function linesOf(problem: string, engine: Engine): number {
  const text = readFileSync(join(here, 'programs', `${problem}.${engine}.mjs`), 'utf8');
  return text.split('\n').filter((line) => line.trim() !== '' && !line.trim().startsWith('//')).length;
}

/** A module that names engine and program, from a folder beside them. */
const importsOf = (problem: string, engine: Engine): string =>
  `import { open } from '../programs/engine.${engine}.mjs';\nimport { program } from '../programs/${problem}.${engine}.mjs';\n`;

const bundled = async (source: string, engine: Engine, folder: string): Promise<Bundle> =>
  engine === 'ours' ? await bundle(source, here, root) : await bundle(source, folder, folder);

/** Bytes of the program for a page, minified and gzipped, with what it needs of its engine. */
async function bytesOf(problem: string, engine: Engine, folder: string): Promise<number> {
  const files = await bundled(`${importsOf(problem, engine)}globalThis.run = [open, program];\n`, engine, folder);
  return [...files.values()].reduce((sum, one) => sum + gzipSync(one, { level: 9 }).byteLength, 0);
}

/** The program in a page. */
async function measureInPage(
  browser: Browser,
  problem: string,
  engine: Engine,
  folder: string,
  batch: number,
  steps: number,
): Promise<Measured> {
  const source = `${importsOf(problem, engine)}import { measure } from '../measure.mjs';
globalThis.outcome = measure(open, program, '${problem}', ${batch}, ${steps});\n`;
  return (await visit(browser, await bundled(source, engine, folder))) as Measured;
}

async function measure(problem: string, engine: Engine, folder: string, batch: number, steps: number): Promise<Measured> {
  const words = [problem, engine, String(batch), String(steps)];
  const out =
    engine === 'ours'
      ? await command(process.execPath, ['--import', 'tsx', join(here, 'run.mjs'), ...words], root)
      : await command(process.execPath, ['run.mjs', ...words], folder);
  const line = out.split('\n').find((one) => one.startsWith('@@'));
  if (line === undefined) throw new Error('it printed no result');
  return JSON.parse(line.slice(2)) as Measured;
}

/** The largest difference of losses, relative. */
const differenceOf = (a: readonly number[], b: readonly number[]): number =>
  Math.max(...a.map((value, k) => Math.abs(value - (b[k] ?? Number.NaN)) / Math.abs(value)));

/** @throws Error where losses are not those of `model`, or do not fall; NaN is neither */
function checked(got: Measured, model: Measured): Measured {
  if (differenceOf(model.losses, got.losses) < 1e-3 && Number(got.losses[4]) < Number(got.losses[0])) return got;
  throw new Error(`losses are ${got.losses.map((loss) => loss.toFixed(4)).join(' ')}, and should be ${model.losses.join(' ')}`);
}

const timesOf = ({ first, times }: Measured): Times => ({ first, step: Math.min(...times) });
const shown = (times: Times | undefined): string =>
  times ? `${times.first.toFixed(0).padStart(8)}${times.step.toFixed(2).padStart(9)}` : ' '.repeat(17);

const isQuick = process.argv.includes('--quick');
const [batch, steps, pageSteps] = isQuick ? [4, 2, 2] : [32, 30, 10];
const folder = await peersFolder();
const browser = await openBrowser();
if (!browser) console.warn('no Chromium was found (set CHROMIUM to its path): nothing is measured in a page');
const lines: Line[] = [];
let failures = 0;
console.log(`${'program'.padEnd(9)}${'engine'.padEnd(15)}lines  bundle kB  Node: first, step  page: first, step (ms)`);
for (const problem of PROBLEM_NAMES) {
  let ours: Measured | undefined;
  for (const engine of ENGINES) {
    const head = `${problem.padEnd(9)}${NAMES[engine].padEnd(15)}`;
    try {
      const bytes = await bytesOf(problem, engine, folder);
      const inNode = await measure(problem, engine, folder, batch, steps);
      if (engine === 'ours') ours = inNode;
      if (!ours) throw new Error('there is nothing to compare it with');
      const node = timesOf(checked(inNode, ours));
      const inPage = browser && checked(await measureInPage(browser, problem, engine, folder, batch, pageSteps), ours);
      const line = { problem: TITLES[problem], engine: NAMES[engine], lines: linesOf(problem, engine), bytes, node };
      lines.push({ ...line, page: inPage && timesOf(inPage) });
      const sizes = `${String(line.lines).padStart(5)}${(bytes / 1000).toFixed(0).padStart(11)}`;
      console.log(`${head}${sizes} ${shown(node)} ${shown(lines.at(-1)?.page)}`);
    } catch (error) {
      failures += 1;
      console.log(`${head}  FAILED: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
}
await browser?.close();
if (failures === 0 && process.argv.includes('--save')) {
  const page = join(here, '..', 'README.md');
  writeFileSync(page, withTable(readFileSync(page, 'utf8'), tableOf(lines)));
}
process.exitCode = failures > 0 ? 1 : 0;
