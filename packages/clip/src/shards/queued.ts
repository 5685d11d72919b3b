/** Shards by way of a BullMQ queue: the same command on any machine that sees shards and outputs puts them there and works on them. */
import { createHash } from 'node:crypto';
import { InputError } from '@mudpt/tensor';
import { enqueueJobs, type JobEnd, type QueuedJob, type QueueState, workOnJobs } from '../queue/index.ts';
import { finishedShard, processShard } from './process.ts';
import { isShardFault, prepareOutput, type RunShardsOptions, shardLine, shardLoader, type ShardTally } from './run.ts';
import type { Shard } from './shard.ts';
import { durationText, Throughput } from './throughput.ts';
import type { ShardWork } from './work.ts';

/** How shards are worked on by a queue. */
export interface QueuedShardsOptions extends RunShardsOptions {
  readonly redis: string;
  /** Tries of a shard that fails for another reason than that it is broken. */
  readonly attempts: number;
  /** Seconds without a sign of life after which a shard goes to another worker. */
  readonly silence: number;
}

interface ShardJob {
  readonly name: string;
}

/** Progress that a worker publishes of its shard. */
interface JobProgress {
  readonly images: number;
  readonly imagesPerSecond: number;
}

/**
 * Puts the shards that are not finished into the queue, and takes from it until none is left, whoever works on the others.
 * @returns images of the shards done here
 * @throws InputError when no Redis answers, or shards failed for good
 */
export async function runQueuedShards<Values>(
  shards: readonly Shard[],
  work: ShardWork<Values>,
  options: QueuedShardsOptions,
): Promise<ShardTally> {
  const { redis, attempts, silence, out, list, signal, tell, show } = options;
  await prepareOutput(out);
  const byName = new Map(shards.map((shard) => [shard.name, shard]));
  const queue = queueName(shards, work, options);
  const jobs = async function* (): AsyncGenerator<QueuedJob<ShardJob>> {
    for (const shard of shards) {
      const isDone = (await finishedShard(shard, work, { out, list })) !== undefined;
      yield { id: jobId(shard), data: { name: shard.name }, isDone };
    }
  };
  const added = await enqueueJobs(queue, jobs(), { redis, attempts });
  tell(
    `${added.added} shards put into the queue, ${added.retried} tried again, ${added.there} there already, ${added.done} finished before`,
  );
  await using loader = shardLoader(work);
  const throughput = new Throughput(0);
  const total = { rows: 0, unreadable: 0 };
  const onQueue = (state: QueueState): void => {
    const speed = state.active.reduce((sum, { progress }) => sum + ((progress as Partial<JobProgress>).imagesPerSecond ?? 0), 0);
    show(
      `${state.waiting} shards wait, ${state.active.length} are worked on at ${speed.toFixed(1)} images/s, ${state.failed} failed`,
    );
  };
  const run = async ({ name }: ShardJob, tellQueue: (progress: object) => void): Promise<JobEnd> => {
    const shard = byName.get(name);
    if (!shard) return { kind: 'refused', reason: `there is no shard ${name} here` };
    const began = performance.now();
    const onProgress = (images: number): void =>
      tellQueue({ images, imagesPerSecond: (1000 * images) / (performance.now() - began) } satisfies JobProgress);
    try {
      // The queue gives a shard to one worker, and to another only where the first is silent.
      const processed = await processShard(shard, work, { out, loader, list, signal, isOnlyWorker: true, onProgress });
      const { rows, unreadable } = processed.record;
      if (!processed.isOld) throughput.finish(rows + unreadable, 0);
      total.rows += rows;
      total.unreadable += unreadable;
      tell(shardLine(shard, processed));
      return { kind: 'done' };
    } catch (error) {
      if (signal.aborted) return { kind: 'stopped' };
      const reason = error instanceof Error ? error.message : String(error);
      tell(`${name}: failed, ${reason}`);
      return { kind: isShardFault(error) ? 'refused' : 'failed', reason };
    }
  };
  const failed = await workOnJobs<ShardJob>(queue, { redis, signal, silence, stays: false, run, onQueue });
  signal.throwIfAborted();
  const { images, imagesPerSecond } = throughput.progress();
  tell(`here ${images} images in ${durationText(throughput.seconds)}, ${imagesPerSecond.toFixed(1)} images/s`);
  expectNoneFailed(shards, failed);
  return total;
}

/** @throws InputError where shards failed for good */
function expectNoneFailed(shards: readonly Shard[], failed: ReadonlyMap<string, string>): void {
  const lost = shards.flatMap((shard) => {
    const reason = failed.get(jobId(shard));
    return reason === undefined ? [] : [`${shard.name}: ${reason}`];
  });
  if (lost.length > 0)
    throw new InputError(
      'shards',
      `${lost.length} of ${shards.length} shards failed; ${lost[0]}`,
      'mend or fetch them again; the same command tries them again',
    );
}

/** One queue for the same shards and work, wherever they lie. */
function queueName<Values>(shards: readonly Shard[], { facts }: ShardWork<Values>, { list }: RunShardsOptions): string {
  const about = JSON.stringify([
    facts,
    list.column ?? null,
    list.idColumn ?? null,
    list.images ?? null,
    shards.map(({ name }) => name),
  ]);
  return `mudpt-shards-${createHash('sha256').update(about).digest('hex').slice(0, 16)}`;
}

/** Names may have a colon, which BullMQ keeps for itself. */
function jobId({ name }: Shard): string {
  return `shard-${createHash('sha256').update(name).digest('hex').slice(0, 24)}`;
}
