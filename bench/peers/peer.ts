/** Other engines in the same run on the same adapter: installed on demand beside the user's caches, each in a process of its own. */
import { spawn } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { checked, type Effort, errorOf, type Row, summary, tell } from '../harness.ts';
import { type Check, checkOf, flopsOf, type Job, nameOf } from '../jobs.ts';
import { modelOf, type ModelFile } from '../onnx/models.ts';

/** What is installed, outside the workspace; nothing of it is a dependency of ours. No install script runs: one would download from elsewhere. */
const PACKAGES = {
  '@jax-js/jax': '0.1.25',
  '@tensorflow/tfjs': '4.22.0',
  '@tensorflow/tfjs-backend-webgpu': '4.22.0',
  'core-js': '3.46.0',
  'onnxruntime-node': '1.30.0',
  webgpu: '0.6.2',
};

export type Peer = {
  readonly name: string;
  readonly script: string;
  readonly arguments: readonly string[];
  readonly needsModel: boolean;
};

export const peers: readonly Peer[] = [
  { name: `jax-js ${PACKAGES['@jax-js/jax']}`, script: 'jax.mjs', arguments: [], needsModel: false },
  { name: `tfjs ${PACKAGES['@tensorflow/tfjs']}`, script: 'tfjs.mjs', arguments: [], needsModel: false },
  { name: `ORT ${PACKAGES['onnxruntime-node']} WebGPU`, script: 'ort.mjs', arguments: ['webgpu'], needsModel: true },
  { name: `ORT ${PACKAGES['onnxruntime-node']} CPU`, script: 'ort.mjs', arguments: ['cpu'], needsModel: true },
];

/** Where the peers are installed, if they are. */
export const peersFolder = (): string => join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'mudpt', 'peers');

/** The folder of the peers, complete. Installs once (some 700 MB, nearly all of it ONNX Runtime). */
export async function installPeers(): Promise<string> {
  const folder = peersFolder();
  mkdirSync(folder, { recursive: true });
  const here = fileURLToPath(new URL('.', import.meta.url));
  for (const file of readdirSync(here).filter((name) => name.endsWith('.mjs')))
    copyFileSync(join(here, file), join(folder, file));
  const manifest = JSON.stringify({ private: true, type: 'module', dependencies: PACKAGES });
  if (existsSync(join(folder, `${hash(manifest)}.installed`))) return folder;
  tell(`installing the peers in ${folder} (once)`);
  writeFileSync(join(folder, 'package.json'), manifest);
  await new Promise<void>((resolve, reject) => {
    const npm = spawn('npm', ['install', '--ignore-scripts', '--no-audit', '--no-fund'], { cwd: folder, stdio: 'inherit' });
    npm.on('error', reject);
    npm.on('exit', (code) => (code === 0 ? resolve() : reject(new Error(`npm install ended with ${code} in ${folder}`))));
  });
  writeFileSync(join(folder, `${hash(manifest)}.installed`), '');
  return folder;
}

/** Something a peer is asked to do: what the job file says, how the row begins, and what must come out. */
export type Errand = {
  readonly job: Readonly<Record<string, unknown>>;
  readonly row: Pick<Row, 'suite' | 'name' | 'flops'>;
  readonly check: Check;
};

/** The errand of a job that every engine knows; ONNX Runtime is given a model. */
export function errandOf(suite: string, job: Job, peer: Peer, folder: string): Errand {
  const model: Partial<ModelFile> | undefined = peer.needsModel ? modelOf(job, folder) : undefined;
  return { job: { ...job, ...model }, row: { suite, name: nameOf(job), flops: flopsOf(job) }, check: checkOf(job) };
}

/** Measures `errands` on one peer. Those it cannot do give no row; those that fail give one with the problem. */
export async function runPeer(folder: string, peer: Peer, errands: readonly Errand[], effort: Effort): Promise<Row[]> {
  const lines = await serve(folder, peer, errands, effort);
  return lines.flatMap(({ id, times, values, error }): Row[] => {
    const errand = errands[id];
    if (!errand || (!times && !error)) return [];
    const row = { ...errand.row, engine: peer.name };
    if (!times) return [{ ...row, best: Number.NaN, median: Number.NaN, problem: error ?? 'no answer' }];
    return [checked({ ...row, ...summary(times), error: errorOf(values ?? [], errand.check.expected) })];
  });
}

type Line = {
  readonly id: number;
  readonly times?: readonly number[];
  readonly values?: readonly number[];
  readonly error?: string;
};

async function serve(folder: string, peer: Peer, errands: readonly Errand[], effort: Effort): Promise<Line[]> {
  const jobFile = join(folder, 'jobs.json');
  const jobs = errands.map(({ job, check }, id) => ({ id, ...job, ...effort, places: check.at }));
  writeFileSync(jobFile, JSON.stringify(jobs));
  const child = spawn(process.execPath, [peer.script, jobFile, ...peer.arguments], {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const errors: string[] = [];
  createInterface(child.stderr).on('line', (line) => errors.push(line));
  const lines: Line[] = [];
  createInterface(child.stdout).on('line', (line) => {
    if (!line.startsWith('@@')) return;
    const answer = JSON.parse(line.slice(2)) as Line;
    tell(`  ${errands[answer.id]?.row.name}, ${peer.name}`);
    lines.push(answer);
  });
  const code = await new Promise<number | null>((resolve) => child.on('close', resolve));
  if (code === 0) return lines;
  const reason = errors.at(-1) ?? 'no message';
  const missing = jobs.filter(({ id }) => !lines.some((line) => line.id === id));
  return [...lines, ...missing.map(({ id }) => ({ id, error: `the process ended with ${code}: ${reason}` }))];
}

function hash(text: string): string {
  let state = 5381;
  for (const character of text) state = (Math.imul(state, 33) ^ character.charCodeAt(0)) >>> 0;
  return state.toString(16);
}
