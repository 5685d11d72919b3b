/**
 * `pnpm bench:compare [--quick]`: the same MLP, GPT and convnet in this engine, jax-js and tfjs, side by side: lines of the program, gzipped bundle for a page, first
 * step, time a step in Node. All begin with the same weights and batch; a program whose first five losses are not those of the others counts as wrong.
 */
import { spawn } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { build } from 'vite';

const ENGINES = ['ours', 'jax', 'tfjs'] as const;
type Engine = (typeof ENGINES)[number];
const NAMES: Readonly<Record<Engine, string>> = { ours: 'mudpt', jax: 'jax-js 0.1.25', tfjs: 'tfjs 4.22.0' };
const PROBLEM_NAMES = ['mlp', 'gpt', 'convnet'] as const;

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
  const folder = join(process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'mudpt', 'compare-peers');
  mkdirSync(folder, { recursive: true });
  const manifest = JSON.stringify({ private: true, type: 'module', dependencies: PEERS });
  const file = join(folder, 'package.json');
  const isThere = existsSync(join(folder, 'node_modules')) && existsSync(file) && readFileSync(file, 'utf8').trim() === manifest;
  if (!isThere) {
    writeFileSync(file, manifest);
    console.warn(`installing jax-js and tfjs in ${folder} (once)`);
    await command('npm', ['install', '--ignore-scripts', '--no-audit', '--no-fund'], folder);
  }
  for (const part of ['problems.mjs', 'run.mjs', 'programs']) cpSync(join(here, part), join(folder, part), { recursive: true });
  return folder;
}

/** Lines of a program without blank ones and comments. */
function linesOf(problem: string, engine: Engine): number {
  const text = readFileSync(join(here, 'programs', `${problem}.${engine}.mjs`), 'utf8');
  return text.split('\n').filter((line) => line.trim() !== '' && !line.trim().startsWith('//')).length;
}

/** Bytes of the program for a page, minified and gzipped, with what it needs of its engine. */
async function bundleOf(problem: string, engine: Engine, folder: string): Promise<number> {
  const entry = mkdtempSync(join(engine === 'ours' ? here : folder, '.entry-'));
  try {
    const file = join(entry, 'main.mjs');
    writeFileSync(
      file,
      `import { open } from '../programs/engine.${engine}.mjs';\nimport { program } from '../programs/${problem}.${engine}.mjs';\nglobalThis.run = [open, program];\n`,
    );
    const built = await build({
      root: engine === 'ours' ? root : folder,
      configFile: false,
      logLevel: 'error',
      build: { write: false, minify: true, target: 'esnext', rollupOptions: { input: file } },
    });
    const outputs = [built].flat().flatMap((one) => ('output' in one ? one.output : []));
    return outputs.reduce((sum, one) => sum + gzipSync('code' in one ? one.code : one.source, { level: 9 }).byteLength, 0);
  } finally {
    rmSync(entry, { recursive: true });
  }
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

const isQuick = process.argv.includes('--quick');
const folder = await peersFolder();
let failures = 0;
console.log(`${'program'.padEnd(9)}${'engine'.padEnd(15)}lines  bundle kB  first step ms  step ms  loss 1..5`);
for (const problem of PROBLEM_NAMES) {
  let ours: Measured | undefined;
  for (const engine of ENGINES) {
    const head = `${problem.padEnd(9)}${NAMES[engine].padEnd(15)}${String(linesOf(problem, engine)).padStart(5)}`;
    try {
      const bytes = await bundleOf(problem, engine, folder);
      const got = await measure(problem, engine, folder, isQuick ? 4 : 32, isQuick ? 2 : 30);
      if (engine === 'ours') ours = got;
      // NaN is a failure, too.
      const isRight =
        ours !== undefined && differenceOf(ours.losses, got.losses) < 1e-3 && Number(got.losses[4]) < Number(got.losses[0]);
      failures += isRight ? 0 : 1;
      const best = Math.min(...got.times);
      const numbers = [
        (bytes / 1000).toFixed(0).padStart(11),
        got.first.toFixed(0).padStart(15),
        best.toFixed(2).padStart(9),
      ].join('');
      console.log(`${head}${numbers}  ${got.losses.map((loss) => loss.toFixed(4)).join(' ')}${isRight ? '' : '  WRONG'}`);
    } catch (error) {
      failures += 1;
      console.log(`${head}  FAILED: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
}
process.exitCode = failures > 0 ? 1 : 0;
