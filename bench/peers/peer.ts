/** Other engines in the same run on the same adapter, each in a process of its own. */
import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { checked, type Effort, errorOf, type Row, summary, tell } from '../harness.ts';
import { type Check, checkOf, flopsOf, type Job, nameOf } from '../jobs.ts';
import { modelOf, type ModelFile } from '../onnx/models.ts';
import { NAMES } from './install.ts';

export type Peer = {
  readonly name: string;
  readonly script: string;
  readonly arguments: readonly string[];
  readonly needsModel: boolean;
};

export const peers: readonly Peer[] = [
  { name: NAMES.jax, script: 'jax.mjs', arguments: [], needsModel: false },
  { name: NAMES.tfjs, script: 'tfjs.mjs', arguments: [], needsModel: false },
  { name: `${NAMES.ort} WebGPU`, script: 'ort.mjs', arguments: ['webgpu'], needsModel: true },
  { name: `${NAMES.ort} CPU`, script: 'ort.mjs', arguments: ['cpu'], needsModel: true },
];

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
