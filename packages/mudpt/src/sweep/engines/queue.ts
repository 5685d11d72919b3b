/**
 * Cells by way of a BullMQ queue, for loose machines that see the folder of the sweep: a job is a cell. BullMQ retries, and gives the job of
 * a worker that died to another one; what was saved is in the run's folder, so nothing is lost.
 */
import type { Job, Queue, Worker } from 'bullmq';
import type { Redis } from 'ioredis';
import { InputError } from '@mudpt/tensor';
import type { Cell, Plan } from '../cell.ts';
import { progressObserver, reasonOf } from '../child.ts';
import { executeCell, type Outcome, Workplace } from '../execute.ts';
import { isDone, isRefusal, readCell } from '../runs.ts';

const INSTALL = 'npm install bullmq@6.7.0 ioredis@5.9.2';

/** What a job holds. */
interface CellJob {
  readonly index: number;
  readonly id: string;
}

type CellQueue = Queue<CellJob, Outcome>;

/** Both libraries are installed by who wants a queue. */
async function libraries(): Promise<{ bullmq: typeof import('bullmq'); ioredis: typeof import('ioredis') }> {
  try {
    return { bullmq: await import('bullmq'), ioredis: await import('ioredis') };
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'ERR_MODULE_NOT_FOUND') throw cause;
    throw new InputError('sweep', 'a queue needs BullMQ and ioredis, which are not installed', INSTALL, { cause });
  }
}

/** @throws InputError when nothing answers there */
async function connect(url: string): Promise<Redis> {
  const { ioredis } = await libraries();
  let isConnected = false;
  const connection = new ioredis.Redis(url, {
    lazyConnect: true,
    connectTimeout: 5000,
    // BullMQ waits for jobs in one request; a connection that was lost is made again.
    maxRetriesPerRequest: null,
    retryStrategy: (times) => (isConnected ? Math.min(1000 * times, 10_000) : null),
  });
  connection.on('error', () => undefined);
  try {
    await connection.connect();
    await connection.ping();
  } catch (cause) {
    connection.disconnect();
    throw new InputError(
      '--redis',
      `no Redis answers at ${url} (${(cause as Error).message})`,
      'start one: redis-server --port 6379',
      {
        cause,
      },
    );
  }
  isConnected = true;
  return connection;
}

/** One queue a plan, wherever its folder lies. */
const queueName = ({ head }: Plan): string => `mudpt-sweep-${head.digest.slice(0, 16)}`;

export interface EnqueueResult {
  readonly added: number;
  /** Jobs that failed before, and are tried again. */
  readonly retried: number;
  /** Waiting, or with a worker. */
  readonly there: number;
  readonly done: number;
}

/** Puts every cell that is not done into the queue, once however often it is called. */
export async function enqueue(
  sweep: string,
  plan: Plan,
  { redis, attempts }: { redis: string; attempts: number },
): Promise<EnqueueResult> {
  const connection = await connect(redis);
  const { bullmq } = await libraries();
  const queue: CellQueue = new bullmq.Queue(queueName(plan), { connection });
  const tally = { added: 0, retried: 0, there: 0, done: 0 };
  try {
    for (const cell of plan.cells) {
      if (isDone(cell, await readCell(sweep, cell).catch(() => undefined))) {
        tally.done += 1;
        continue;
      }
      const jobId = `cell-${cell.index}`;
      const job = await queue.getJob(jobId);
      const state = await job?.getState();
      if (job && state === 'failed') {
        await job.retry('failed', { resetAttemptsMade: true });
        tally.retried += 1;
      } else if (job && state !== 'completed') tally.there += 1;
      else {
        // Its results were removed: the job is made anew.
        await job?.remove();
        await queue.add(
          'cell',
          { index: cell.index, id: cell.id },
          { jobId, attempts, backoff: { type: 'exponential', delay: 2000 } },
        );
        tally.added += 1;
      }
    }
  } finally {
    await queue.close();
    connection.disconnect();
  }
  return tally;
}

export interface WorkerOptions {
  readonly redis: string;
  readonly workplace: Workplace;
  readonly signal: AbortSignal;
  /** Seconds without a sign of life after which a job goes to another worker. */
  readonly silence: number;
  /** Stay when nothing is left to do. */
  readonly stays: boolean;
  readonly onStart: (cell: Cell) => void;
  readonly onProgress: (cell: Cell, text: string) => void;
  readonly onEnd: (cell: Cell, outcome: Outcome, reason?: string) => void;
}

export type WorkerTally = Record<Outcome, number>;

const POLL_MS = 1000;

/** Takes cells until none is left or it is asked to stop. @returns how they ended here */
export async function work(sweep: string, plan: Plan, options: WorkerOptions): Promise<WorkerTally> {
  const connection = await connect(options.redis);
  const { bullmq } = await libraries();
  const tally: WorkerTally = { done: 0, finished: 0, stopped: 0, busy: 0, failed: 0 };
  const queue: CellQueue = new bullmq.Queue(queueName(plan), { connection });
  const doCell = async (job: Job<CellJob, Outcome>, token?: string): Promise<Outcome> => {
    const cell = plan.cells[job.data.index];
    if (!cell || cell.id !== job.data.id) throw new bullmq.UnrecoverableError(`the plan has no cell ${job.data.id}`);
    options.onStart(cell);
    let failure: unknown;
    const outcome = await executeCell(sweep, cell, {
      workplace: options.workplace,
      signal: options.signal,
      wait: true,
      observer: progressObserver((text) => {
        options.onProgress(cell, text);
        void job.updateProgress({ text }).catch(() => undefined);
      }),
      onFailure: (error) => (failure = error),
    });
    tally[outcome] += 1;
    options.onEnd(cell, outcome, failure === undefined ? undefined : reasonOf(failure));
    if (outcome === 'stopped') {
      await job.moveToWait(token);
      throw new bullmq.WaitingError();
    }
    if (outcome !== 'failed') return outcome;
    // What was refused would be refused again.
    throw isRefusal(failure) ? new bullmq.UnrecoverableError(reasonOf(failure)) : new Error(reasonOf(failure));
  };
  const worker: Worker<CellJob, Outcome> = new bullmq.Worker(queueName(plan), doCell, {
    connection,
    lockDuration: options.silence * 1000,
    stalledInterval: options.silence * 1000,
    maxStalledCount: 3,
  });
  worker.on('error', (error) => tell(error));
  try {
    while (!options.signal.aborted && (options.stays || (await isAnythingLeft(queue)))) await pause(POLL_MS, options.signal);
    await worker.close();
  } finally {
    await queue.close();
    connection.disconnect();
  }
  return tally;
}

async function isAnythingLeft(queue: CellQueue): Promise<boolean> {
  const counts = await queue.getJobCounts('waiting', 'active', 'delayed', 'prioritized', 'waiting-children');
  return Object.values(counts).some((count) => count > 0);
}

/** A connection that was lost is made again by itself; the person may want to know. */
function tell(error: Error): void {
  process.stderr.write(`queue: ${error.message}\n`);
}

function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', end);
      resolve();
    };
    const timer = setTimeout(end, milliseconds);
    signal.addEventListener('abort', end);
  });
}
