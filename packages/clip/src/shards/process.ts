/** One shard: its images through the work, batch after batch, and its record when all is written. */
import { basename, dirname, join } from 'node:path';
import { InputError, removeLeftovers, writeFileAtomic } from '@mudpt/tensor';
import { nth } from '@mudpt/tensor/internal';
import { makeFolder } from '../files/make-folder.ts';
import type { ImageLoader } from '../preprocess/index.ts';
import { type DecodedBatch, decodedBatches } from './decoded-batches.ts';
import { type ListOptions, parquetImages } from './parquet-list.ts';
import { finishedRecord, type ShardRecord } from './record.ts';
import { type Shard, shardContents } from './shard.ts';
import { tarImages } from './tar.ts';
import type { ShardRow, ShardWork } from './work.ts';

export interface ProcessOptions {
  /** Folder of the outputs. */
  readonly out: string;
  readonly loader: ImageLoader;
  readonly list: ListOptions;
  readonly signal: AbortSignal;
  /** Whether nobody else works on the shard: then what a killed worker left of its outputs is removed. Default false. */
  readonly isOnlyWorker?: boolean;
  /** Called after each batch: images so far, and how much of the shard is read, from 0 to 1. */
  readonly onProgress: (images: number, part: number) => void;
}

export interface ProcessedShard {
  readonly record: ShardRecord;
  /** It was finished before: nothing was computed. */
  readonly isOld: boolean;
  readonly seconds: number;
  /** How many of the seconds the device waited for images to be decoded. */
  readonly waitingSeconds: number;
}

/** What the record of a shard must say to count as finished. */
async function factsOf<Values>({ path }: Shard, { facts }: ShardWork<Values>, { column, idColumn, images }: ListOptions) {
  const listed = { column: column ?? 'found', idColumn: idColumn ?? 'found', images: images ?? 'beside' };
  return { shard: basename(path), ...(await shardContents(path)), ...facts, ...(isList(path) && listed) };
}

function isList(path: string): boolean {
  return /\.parquet$/i.test(path);
}

/** The record of a shard that is finished. @throws as `finishedRecord` */
export async function finishedShard<Values>(
  shard: Shard,
  work: ShardWork<Values>,
  { out, list }: Pick<ProcessOptions, 'out' | 'list'>,
): Promise<ShardRecord | undefined> {
  return finishedRecord(join(out, `${shard.name}.json`), await factsOf(shard, work, list));
}

/**
 * Works on one shard, unless it is finished.
 * @throws FormatError for a broken shard, with nothing left in the folder; InputError where other options made the files that are there
 */
export async function processShard<Values>(
  shard: Shard,
  work: ShardWork<Values>,
  options: ProcessOptions,
): Promise<ProcessedShard> {
  const { out, loader, list, signal, isOnlyWorker = false, onProgress } = options;
  const file = (suffix: string): string => join(out, `${shard.name}${suffix}`);
  const began = performance.now();
  const since = (start: number): number => (performance.now() - start) / 1000;
  const facts = await factsOf(shard, work, list);
  const before = await finishedRecord(file('.json'), facts);
  if (before) return { record: before, isOld: true, seconds: since(began), waitingSeconds: 0 };
  await makeFolder(dirname(file('')));
  if (isOnlyWorker) await removeLeftovers(dirname(file('')), { of: basename(shard.name) });
  const images = isList(shard.path) ? parquetImages(shard.path, list) : tarImages(shard.path);
  const { batch, size, normalization } = work;
  const batches = decodedBatches(images, { loader, batch, size, normalization, signal });
  const output = work.open(file);
  const counts = { rows: 0, unreadable: 0 };
  let waitingSeconds = 0;
  try {
    let next = batches.next();
    for (;;) {
      const asked = performance.now();
      const { value, done } = await next;
      if (done) break;
      waitingSeconds += since(asked);
      // The next batch is prepared while the device works on this one.
      next = batches.next();
      // It may reject before it is awaited below; that counts as handled.
      next.catch(() => undefined);
      signal.throwIfAborted();
      const ids = value.rows.flatMap(({ id, why }) => (why === undefined ? [id] : []));
      const values = ids.length > 0 ? await work.compute({ ids, pixels: value.pixels }, signal) : [];
      await output.add(rowsOf(value, values));
      counts.rows += ids.length;
      counts.unreadable += value.rows.length - ids.length;
      onProgress(counts.rows + counts.unreadable, value.part);
    }
    await output.finish();
  } finally {
    await batches.return();
    await output.discard();
  }
  const record = { ...facts, ...counts };
  await expectUnchanged(shard, facts);
  await writeFileAtomic('--out', file('.json'), `${JSON.stringify(record, undefined, 2)}\n`);
  return { record, isOld: false, seconds: since(began), waitingSeconds };
}

async function expectUnchanged({ path }: Shard, before: { shardBytes: number; shardEnds: string }): Promise<void> {
  const { shardBytes, shardEnds } = await shardContents(path);
  if (shardBytes === before.shardBytes && shardEnds === before.shardEnds) return;
  throw new InputError('shards', `${path} was changed while it was read`, 'start again when nothing writes it any more');
}

function rowsOf<Values>({ rows }: DecodedBatch, values: readonly Values[]): ShardRow<Values>[] {
  let place = 0;
  return rows.map(({ id, why }) => (why === undefined ? { id, values: nth(values, place++) } : { id, why }));
}
