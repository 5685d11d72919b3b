/** Shards one after the other, with progress. */
import { stat } from 'node:fs/promises';
import { FormatError, InputError, removeLeftovers, type TensorError } from '@mudpt/tensor';
import { nth } from '@mudpt/tensor/internal';
import { makeFolder } from '../files/make-folder.ts';
import { createImageLoader, type ImageLoader } from '../preprocess/index.ts';
import type { ListOptions } from './parquet-list.ts';
import { processShard, type ProcessedShard } from './process.ts';
import type { Shard } from './shard.ts';
import { durationText, Throughput } from './throughput.ts';
import type { ShardWork } from './work.ts';

/** How shards are worked on, one after another. */
export interface RunShardsOptions {
  readonly out: string;
  readonly list: ListOptions;
  readonly signal: AbortSignal;
  /** A line that stays: one for each shard, one for all. */
  readonly tell: (line: string) => void;
  /** A line that is written over. */
  readonly show: (line: string) => void;
}

/** What was counted over all shards. */
export interface ShardTally {
  /** Images that were read, of finished shards too. */
  readonly rows: number;
  readonly unreadable: number;
}

/** Leftovers of killed processes; younger ones may be of other processes at work. */
const DAY_MS = 86_400_000;

/** Prepares the folder of outputs. */
export async function prepareOutput(out: string): Promise<void> {
  await makeFolder(out);
  await removeLeftovers(out, { olderThanMs: DAY_MS });
}

/** Threads that decode for all shards of a process. */
export function shardLoader<Values>({ size, resizing, exif }: ShardWork<Values>): ImageLoader {
  return createImageLoader({ size, resizing, exif });
}

/**
 * Works on shards in their order. A broken one is reported, and the others go on.
 * @throws FormatError or InputError in the end when shards were refused; at once where other options made what is in the folder
 */
export async function runShards<Values>(
  shards: readonly Shard[],
  work: ShardWork<Values>,
  { out, list, signal, tell, show }: RunShardsOptions,
): Promise<ShardTally> {
  const weights = await Promise.all(
    shards.map(({ path }) =>
      stat(path).then(
        ({ size }) => size,
        () => 0,
      ),
    ),
  );
  const throughput = new Throughput(weights.reduce((sum, weight) => sum + weight, 0));
  await using loader = shardLoader(work);
  await prepareOutput(out);
  const total = { rows: 0, unreadable: 0 };
  const refused: TensorError[] = [];
  for (const [index, shard] of shards.entries()) {
    const weight = nth(weights, index);
    const place = shards.length > 1 ? `, shard ${index + 1} of ${shards.length}` : '';
    const onProgress = (images: number, part: number): void => {
      const { imagesPerSecond, secondsToGo } = throughput.progress({ images, weight, part });
      const toGo = secondsToGo === undefined ? '' : `, ${durationText(secondsToGo)} to go`;
      show(`${shard.name}: ${images} images, ${imagesPerSecond.toFixed(1)} images/s${place}${toGo}`);
    };
    try {
      const processed = await processShard(shard, work, { out, loader, list, signal, onProgress });
      const { record, isOld } = processed;
      if (isOld) throughput.skip(weight);
      else throughput.finish(record.rows + record.unreadable, weight);
      total.rows += record.rows;
      total.unreadable += record.unreadable;
      tell(`${shardLine(shard, processed)}${isOld ? '' : place}`);
    } catch (error) {
      if (!isShardFault(error) || signal.aborted) throw error;
      throughput.skip(weight);
      refused.push(error);
      if (shards.length > 1) tell(`${shard.name}: refused, ${error.problem}`);
    }
  }
  if (shards.length > 1) {
    const { images, imagesPerSecond } = throughput.progress();
    tell(`in all ${images} images in ${durationText(throughput.seconds)}, ${imagesPerSecond.toFixed(1)} images/s`);
  }
  throwRefused(refused, shards.length);
  return total;
}

/** A line about a shard that is done. */
export function shardLine({ name }: Shard, { record, isOld, seconds, waitingSeconds }: ProcessedShard): string {
  const count = record.rows + record.unreadable;
  const about = `${name}: ${count} images, ${record.unreadable} not read`;
  if (isOld) return `${about}, finished before`;
  const waited = (100 * waitingSeconds) / Math.max(seconds, 1e-9);
  return `${about}, ${(count / Math.max(seconds, 1e-9)).toFixed(1)} images/s, ${waited.toFixed(0)} % of the time waiting for images`;
}

/** Whether an error is about one shard, so that others may succeed. */
export function isShardFault(error: unknown): error is TensorError {
  return (error instanceof FormatError || error instanceof InputError) && error.op === 'shards';
}

/** @throws what refused the only shard, or an error that counts them */
export function throwRefused(refused: readonly TensorError[], of: number): void {
  const [first] = refused;
  if (!first) return;
  if (of === 1) throw first;
  throw new FormatError(
    'shards',
    `${refused.length} of ${of} shards were refused, the first because ${first.problem}`,
    `${first.fix}; the same command goes on`,
  );
}
