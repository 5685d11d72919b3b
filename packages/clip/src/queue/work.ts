/**
 * Jobs of a BullMQ queue, one after the other in this process. BullMQ retries what failed, and gives the job of a worker that died to
 * another one.
 */
import type { Job, Queue, Worker } from 'bullmq';
import { connect, libraries } from './connection.ts';

/** How a job ended here. `stopped` ones go back into the queue; `refused` ones would fail again, so they are not retried. */
export type JobEnd = { readonly kind: 'done' | 'stopped' } | { readonly kind: 'failed' | 'refused'; readonly reason: string };

/** How a worker takes jobs. */
export interface WorkOptions<Data> {
  readonly redis: string;
  readonly signal: AbortSignal;
  /** Seconds without a sign of life after which a job goes to another worker. */
  readonly silence: number;
  /** Whether to stay when no jobs are left. */
  readonly stays: boolean;
  /** @param tell publishes progress in the queue */
  readonly run: (data: Data, tell: (progress: object) => void) => Promise<JobEnd>;
  /** Called about once a second with the state of the queue. */
  readonly onQueue?: (state: QueueState) => void;
}

/** Numbers of jobs by state. */
export interface QueueState {
  /** Jobs that wait for a worker, or for another try. */
  readonly waiting: number;
  readonly failed: number;
  /** The latest progress of the jobs in work. */
  readonly active: readonly { readonly id: string; readonly progress: unknown }[];
}

const POLL_MS = 1000;

/**
 * Takes jobs until none is left or it is asked to stop.
 * @returns why jobs of the queue failed, by their ids, whoever worked on them
 * @throws InputError when no Redis answers
 */
export async function workOnJobs<Data>(name: string, options: WorkOptions<Data>): Promise<ReadonlyMap<string, string>> {
  const connection = await connect(options.redis);
  const { bullmq } = await libraries();
  const queue = new bullmq.Queue(name, { connection }) as Queue;
  const doJob = async (job: Job<Data, string>, token?: string): Promise<string> => {
    // Progress that is lost comes again soon.
    const end = await options.run(job.data, (progress) => void job.updateProgress(progress).catch(() => undefined));
    if (end.kind === 'done') return 'done';
    if (end.kind === 'refused') throw new bullmq.UnrecoverableError(end.reason);
    if (end.kind === 'failed') throw new Error(end.reason);
    await job.moveToWait(token);
    throw new bullmq.WaitingError();
  };
  const worker: Worker<Data, string> = new bullmq.Worker(name, doJob, {
    connection,
    lockDuration: options.silence * 1000,
    stalledInterval: options.silence * 1000,
    maxStalledCount: 3,
  });
  // A lost connection is made again by itself; this only informs people.
  worker.on('error', (error) => process.stderr.write(`queue: ${error.message}\n`));
  try {
    while (!options.signal.aborted && (options.stays || (await isAnythingLeft(queue)))) {
      if (options.onQueue) options.onQueue(await stateOf(queue));
      await pause(POLL_MS, options.signal);
    }
    await worker.close();
    const failed = await queue.getFailed();
    return new Map(failed.map(({ id = '', failedReason }) => [id, failedReason]));
  } finally {
    await queue.close();
    connection.disconnect();
  }
}

async function isAnythingLeft(queue: Queue): Promise<boolean> {
  const counts = await queue.getJobCounts('waiting', 'active', 'delayed', 'prioritized', 'waiting-children');
  return Object.values(counts).some((count) => count > 0);
}

async function stateOf(queue: Queue): Promise<QueueState> {
  const { waiting = 0, delayed = 0, failed = 0 } = await queue.getJobCounts('waiting', 'delayed', 'failed');
  const active = await queue.getActive();
  return { waiting: waiting + delayed, failed, active: active.map(({ id = '', progress }) => ({ id, progress })) };
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
