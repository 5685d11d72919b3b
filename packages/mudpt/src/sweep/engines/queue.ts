/**
 * Cells by way of a BullMQ queue, for loose machines that see the folder of the sweep: a job is a cell. What was saved is in the run's folder,
 * so nothing is lost with a worker that dies.
 */
import { enqueueJobs, type EnqueueOptions, type EnqueueResult, type JobEnd, type QueuedJob, workOnJobs } from '@mudpt/clip/queue';
import type { Cell, Plan } from '../cell.ts';
import { progressObserver, reasonOf } from '../child.ts';
import { executeCell, type Outcome, type Workplace } from '../execute.ts';
import { isDone, isRefusal, readCell } from '../runs.ts';

/** What a job holds. */
interface CellJob {
  readonly index: number;
  readonly id: string;
}

/** One queue a plan, wherever its folder lies. */
const queueName = ({ head }: Plan): string => `mudpt-sweep-${head.digest.slice(0, 16)}`;

/** Puts every cell that is not done into the queue, once however often it is called. */
export function enqueue(sweep: string, plan: Plan, options: EnqueueOptions): Promise<EnqueueResult> {
  const jobs = async function* (): AsyncGenerator<QueuedJob<CellJob>> {
    for (const cell of plan.cells)
      yield {
        id: `cell-${cell.index}`,
        data: { index: cell.index, id: cell.id },
        isDone: isDone(cell, await readCell(sweep, cell).catch(() => undefined)),
      };
  };
  return enqueueJobs(queueName(plan), jobs(), options);
}

export interface WorkerOptions {
  readonly redis: string;
  readonly workplace: Workplace;
  readonly signal: AbortSignal;
  /** Seconds without a sign of life after which a cell goes to another worker. */
  readonly silence: number;
  /** Whether to stay when no cells are left. */
  readonly stays: boolean;
  readonly onStart: (cell: Cell) => void;
  readonly onProgress: (cell: Cell, text: string) => void;
  readonly onEnd: (cell: Cell, outcome: Outcome, reason?: string) => void;
}

export type WorkerTally = Record<Outcome, number>;

/** Takes cells until none is left or it is asked to stop. @returns how they ended here */
export async function workOnCells(sweep: string, plan: Plan, options: WorkerOptions): Promise<WorkerTally> {
  const { redis, signal, silence, stays, workplace } = options;
  const tally: WorkerTally = { done: 0, finished: 0, stopped: 0, busy: 0, failed: 0 };
  const run = async ({ index, id }: CellJob, tell: (progress: object) => void): Promise<JobEnd> => {
    const cell = plan.cells[index];
    if (!cell || cell.id !== id) return { kind: 'refused', reason: `the plan has no cell ${id}` };
    options.onStart(cell);
    let failure: unknown;
    const outcome = await executeCell(sweep, cell, {
      workplace,
      signal,
      plan,
      wait: true,
      observer: progressObserver((text) => {
        options.onProgress(cell, text);
        tell({ text });
      }),
      onFailure: (error) => (failure = error),
    });
    tally[outcome] += 1;
    options.onEnd(cell, outcome, failure === undefined ? undefined : reasonOf(failure));
    if (outcome === 'stopped') return { kind: 'stopped' };
    if (outcome !== 'failed') return { kind: 'done' };
    // A refused cell would be refused again, so it is not retried.
    return { kind: isRefusal(failure) ? 'refused' : 'failed', reason: reasonOf(failure) };
  };
  await workOnJobs<CellJob>(queueName(plan), { redis, signal, silence, stays, run });
  return tally;
}
