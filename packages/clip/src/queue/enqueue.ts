/** Jobs into a BullMQ queue, each once however often they are put there. */
import type { Queue } from 'bullmq';
import { connect, libraries } from './connection.ts';

/** A job for the queue. */
export interface QueuedJob<Data> {
  /** No colon, and no bare number: BullMQ keeps those for itself. */
  readonly id: string;
  readonly data: Data;
  /** Whether its results exist already: then it is not put into the queue. */
  readonly isDone: boolean;
}

/** Numbers of jobs by state after enqueueing. */
export interface EnqueueResult {
  readonly added: number;
  /** Jobs that failed before and are tried again. */
  readonly retried: number;
  /** Jobs that wait, or are being worked on. */
  readonly there: number;
  readonly done: number;
}

/** Where the queue is, and how often a job is tried. */
export interface EnqueueOptions {
  readonly redis: string;
  /** Tries of a job that fails. */
  readonly attempts: number;
}

/** Puts every job that is not done into the queue. @throws InputError when no Redis answers */
export async function enqueueJobs<Data>(
  name: string,
  jobs: AsyncIterable<QueuedJob<Data>>,
  { redis, attempts }: EnqueueOptions,
): Promise<EnqueueResult> {
  const connection = await connect(redis);
  const { bullmq } = await libraries();
  const queue = new bullmq.Queue(name, { connection }) as Queue;
  const tally = { added: 0, retried: 0, there: 0, done: 0 };
  try {
    for await (const { id, data, isDone } of jobs) {
      if (isDone) {
        tally.done += 1;
        continue;
      }
      const job = await queue.getJob(id);
      const state = await job?.getState();
      if (job && state === 'failed') {
        await job.retry('failed', { resetAttemptsMade: true });
        tally.retried += 1;
      } else if (job && state !== 'completed') tally.there += 1;
      else {
        // Its results were removed: the job is made anew.
        await job?.remove();
        await queue.add('job', data, { jobId: id, attempts, backoff: { type: 'exponential', delay: 2000 } });
        tally.added += 1;
      }
    }
  } finally {
    await queue.close();
    connection.disconnect();
  }
  return tally;
}
