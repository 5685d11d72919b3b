/**
 * The script of a Slurm job array: a task does a chunk of cells. Ahead of the time limit and at preemption the run is asked to stop, saves
 * and ends with 75; the task is put back into the queue then, and goes on from there.
 */
import { spawnSync } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { InputError, writeFileAtomic } from '@mudpt/tensor';
import { EXIT_AGAIN } from '../exit-codes.ts';
import { commandLine, quoted } from './command-line.ts';

export interface SlurmOptions {
  /** Cells of the plan. */
  readonly cells: number;
  /** Cells a task. */
  readonly chunk: number;
  /** Tasks at once; undefined: as many as the cluster gives. */
  readonly atOnce?: number | undefined;
  /** As `sbatch --time` takes it. */
  readonly time: string;
  /** Seconds before the limit at which a run is asked to stop. */
  readonly ahead: number;
  /** Further options of sbatch: `--partition=gpu`, `--gres=gpu:1`. */
  readonly sbatch: readonly string[];
}

/** The script. @param sweep the folder as the tasks see it */
export function slurmScript(sweep: string, options: SlurmOptions): string {
  const { cells, chunk, atOnce, time, ahead, sbatch } = options;
  for (const option of sbatch)
    if (!/^--?[\w-]+(=[^\n]*)?$/.test(option))
      throw new InputError('--sbatch', `"${option}" is no option of sbatch`, 'write one such as --sbatch=--gres=gpu:1');
  const folder = resolve(sweep);
  if (/[\s%\\]/.test(folder))
    throw new InputError('sweep slurm', `Slurm does not take the path ${folder} as it is`, 'use one without spaces, % and \\');
  const tasks = Math.ceil(cells / chunk);
  const { folder: start, words } = commandLine();
  const run = [...words, 'sweep', 'run', folder, '--chunk', String(chunk)].map(quoted).join(' ');
  return `#!/bin/bash
#SBATCH --job-name=mudpt-sweep
#SBATCH --array=0-${tasks - 1}${atOnce === undefined ? '' : `%${atOnce}`}
#SBATCH --time=${time}
#SBATCH --requeue
#SBATCH --open-mode=append
#SBATCH --signal=B:TERM@${ahead}
#SBATCH --output=${join(folder, 'slurm', 'task-%a.log')}
${sbatch.map((option) => `#SBATCH ${option}\n`).join('')}
cd ${quoted(start)} || exit 1
asked=0
${run} &
run=$!
trap 'asked=1; kill -TERM "$run"' TERM
wait "$run"; code=$?
# A signal ends the wait, not the run.
while [ "$asked" -eq 1 ]; do asked=0; wait "$run"; code=$?; done
if [ "$code" -eq ${EXIT_AGAIN} ]; then
  echo "stopped and saved: back into the queue"
  scontrol requeue "\${SLURM_ARRAY_JOB_ID}_\${SLURM_ARRAY_TASK_ID}"
fi
exit "$code"
`;
}

/** Writes the script and the folder of its logs. @returns its path */
export async function writeSlurm(sweep: string, options: SlurmOptions): Promise<string> {
  const path = join(sweep, 'slurm.sh');
  const text = slurmScript(sweep, options);
  await mkdir(join(sweep, 'slurm'), { recursive: true });
  await writeFileAtomic('sweep slurm', path, text);
  return path;
}

/** Hands the script to sbatch. @returns the job's number @throws InputError with what sbatch says */
export function submitSlurm(script: string): string {
  const { status, stdout, stderr, error } = spawnSync('sbatch', ['--parsable', script], { encoding: 'utf8' });
  if (error)
    throw new InputError(
      'sweep slurm',
      `sbatch cannot be started (${error.message})`,
      `run it on a machine of the cluster: sbatch ${script}`,
    );
  if (status !== 0)
    throw new InputError(
      'sweep slurm',
      `sbatch refused the script: ${stderr.trim()}`,
      'an array too long for the cluster becomes shorter with --chunk; add what the cluster asks for with --sbatch',
    );
  return stdout.trim().split(';')[0] ?? '';
}
