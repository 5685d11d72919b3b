/** `sweep slurm`, `sweep kubernetes`, `sweep enqueue`, `sweep worker`: a sweep on a cluster or a queue. */
import { Device } from '@mudpt/tensor';
import { command, pathFromHere } from '../command.ts';
import { counted } from '../data/dataset.ts';
import { RunCache } from '../runs/index.ts';
import { writeKubernetes } from '../sweep/engines/kubernetes.ts';
import { submitSlurm, writeSlurm } from '../sweep/engines/slurm.ts';
import { Workplace } from '../sweep/execute.ts';
import { EXIT_AGAIN, EXIT_DONE, EXIT_FAILED } from '../sweep/exit-codes.ts';
import { readPlan } from '../sweep/plan.ts';
import { stopOnSignals } from '../sweep/signals.ts';
import { wholeNumber } from './sweep.ts';
import { endLine } from './sweep-run.ts';
import { StatusLine } from '../terminal/status-line.ts';

export interface SlurmFlags {
  readonly chunk: string;
  readonly atOnce?: string;
  readonly time: string;
  readonly ahead: string;
  readonly sbatch?: readonly string[];
  readonly submit?: boolean;
}

/** `sweep slurm` */
export async function slurmCommand(sweep: string, flags: SlurmFlags): Promise<number> {
  const line = new StatusLine(process.stdout);
  const { cells } = await readPlan(sweep);
  const path = await writeSlurm(sweep, {
    cells: cells.length,
    chunk: wholeNumber('--chunk', flags.chunk, 1),
    atOnce: flags.atOnce === undefined ? undefined : wholeNumber('--at-once', flags.atOnce, 1),
    time: flags.time,
    ahead: wholeNumber('--ahead', flags.ahead, 1),
    sbatch: flags.sbatch ?? [],
  });
  if (flags.submit) line.print(`submitted: job ${submitSlurm(path)}; see ${command(`sweep status ${pathFromHere(sweep)}`)}`);
  else line.print(`written: ${pathFromHere(path)}; submit it with: sbatch ${pathFromHere(path)}`);
  return EXIT_DONE;
}

export interface KubernetesFlags {
  readonly chunk: string;
  readonly atOnce: string;
  readonly image: string;
  readonly claim: string;
  readonly mount: string;
  readonly namespace?: string;
  readonly limit?: readonly string[];
}

/** `sweep kubernetes` */
export async function kubernetesCommand(sweep: string, flags: KubernetesFlags): Promise<number> {
  const line = new StatusLine(process.stdout);
  const { cells } = await readPlan(sweep);
  const { image, claim, mount, namespace, limit = [] } = flags;
  const { job, container } = await writeKubernetes(sweep, {
    ...{ image, claim, mount, namespace, limits: limit },
    cells: cells.length,
    chunk: wholeNumber('--chunk', flags.chunk, 1),
    atOnce: wholeNumber('--at-once', flags.atOnce, 1),
  });
  line.print(
    `written: ${pathFromHere(container)}; make the image with: podman build -t ${image} -f ${pathFromHere(container)} .`,
  );
  line.print(`written: ${pathFromHere(job)}; submit it with: kubectl apply -f ${pathFromHere(job)}`);
  return EXIT_DONE;
}

/** `sweep enqueue` */
export async function enqueueCommand(sweep: string, flags: { redis: string; attempts: string }): Promise<number> {
  const { enqueue } = await import('../sweep/engines/queue.ts');
  const plan = await readPlan(sweep);
  const result = await enqueue(sweep, plan, { redis: flags.redis, attempts: wholeNumber('--attempts', flags.attempts, 1) });
  new StatusLine(process.stdout).print(
    `${result.added} added, ${result.retried} tried again, ${result.there} there already, ${result.done} done; start workers: ${command(`sweep worker ${pathFromHere(sweep)} --redis ${flags.redis}`)}`,
  );
  return EXIT_DONE;
}

export interface WorkerFlags {
  readonly redis: string;
  readonly silence: string;
  readonly stay?: boolean;
}

/** `sweep worker` */
export async function workerCommand(sweep: string, flags: WorkerFlags): Promise<number> {
  const { workOnCells } = await import('../sweep/engines/queue.ts');
  const line = new StatusLine(process.stdout);
  const plan = await readPlan(sweep);
  using stop = stopOnSignals(() => line.print('asked to stop: saving'));
  const workplace = new Workplace(
    () => Device.open(),
    RunCache.ofUser(undefined, (note) => line.print(note)),
  );
  try {
    const tally = await workOnCells(sweep, plan, {
      redis: flags.redis,
      workplace,
      signal: stop.signal,
      silence: wholeNumber('--silence', flags.silence, 1),
      stays: flags.stay === true,
      onStart: (cell) => line.print(`begin    ${cell.id}`),
      onProgress: (cell, text) => line.show(`${cell.id}: ${text}`),
      onEnd: (cell, outcome, reason) => line.print(endLine(cell, outcome, reason)),
    });
    line.print(`${counted(tally.done, 'cell', 'cells')} done here`);
    if (stop.signal.aborted) return EXIT_AGAIN;
    return tally.failed > 0 ? EXIT_FAILED : EXIT_DONE;
  } finally {
    await workplace.close();
  }
}
