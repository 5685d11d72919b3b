/** Webdataset shards: tar files of images, embedded one shard after the other into `NAME.npy`, `NAME.ids.jsonl` and, last, `NAME.json`. */
import { createReadStream } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { basename, extname, join } from 'node:path';
import { Readable } from 'node:stream';
import { FormatError, InputError, l2Normalize, tensor, writeFileAtomic } from '@mudpt/tensor';
import { createTarDecoder } from 'modern-tar';
import type { Clip } from '../clip.ts';
import { makeFolder } from '../files/make-folder.ts';
import { createImageLoader, normalize } from '../preprocess/index.ts';
import { npyBytes } from './npy.ts';

const IMAGE = /\.(jpe?g|png|webp|gif|tiff?|bmp|avif)$/i;

export interface ShardOptions {
  readonly out: string;
  readonly batch: number;
  readonly exif: 'ignore' | 'apply';
  readonly normalize: boolean;
  readonly signal: AbortSignal;
  readonly onProgress: (images: number) => void;
}

/** What `NAME.json` says of a finished shard. */
export interface ShardRecord {
  readonly shard: string;
  readonly shardBytes: number;
  /** SHA-256 of the model's weights. */
  readonly model: string;
  readonly normalized: boolean;
  readonly exif: string;
  /** Rows of the .npy. */
  readonly rows: number;
  readonly unreadable: number;
}

/** The output's name of a shard. */
export function nameOfShard(path: string): string {
  return basename(path, extname(path));
}

/**
 * Embeds one shard: rows in the order of the archive, ids its members' names.
 * @returns its record, and whether it had been finished before, when nothing is computed
 * @throws FormatError for a broken archive; InputError where another model or other options made the files that are there
 */
export async function embedShard(
  clip: Clip,
  path: string,
  options: ShardOptions,
): Promise<{ record: ShardRecord; isOld: boolean }> {
  const { out, batch, exif, signal } = options;
  const file = (suffix: string): string => join(out, `${nameOfShard(path)}${suffix}`);
  const { size: shardBytes } = await stat(path).catch((cause: unknown) => {
    throw new InputError('clip embed-shards', `${path} cannot be read`, 'check the path', { cause });
  });
  const about = { shard: basename(path), shardBytes, model: clip.hash ?? '', normalized: options.normalize, exif };
  const before = await finishedRecord(file('.json'), about);
  if (before) return { record: before, isOld: true };
  await makeFolder(out);
  const { config } = clip;
  await using loader = createImageLoader({ size: config.image.size, exif });
  const rows: Float32Array[] = [];
  const lines: string[] = [];
  let unreadable = 0;
  let waiting: { readonly id: string; readonly pixels: Promise<Uint8Array | Error> }[] = [];
  const flush = async (): Promise<void> => {
    const read = await Promise.all(waiting.map(async ({ id, pixels }) => ({ id, pixels: await pixels })));
    waiting = [];
    const squares = read.flatMap(({ pixels }) => (pixels instanceof Error ? [] : [pixels]));
    let row = rows.reduce((sum, part) => sum + part.length / config.embed, 0);
    for (const { id, pixels } of read) {
      if (pixels instanceof Error) unreadable += 1;
      const told = pixels instanceof Error ? { id, row: null, error: pixels.message } : { id, row: row++ };
      lines.push(`${JSON.stringify(told)}\n`);
    }
    if (squares.length > 0) {
      const shape = [squares.length, 3, config.image.size, config.image.size];
      using images = tensor(normalize(squares, config.image.size, config.normalization), { shape, device: clip.device });
      using features = await clip.encodeImage(images, { signal });
      using unit = options.normalize ? l2Normalize(features, -1) : undefined;
      rows.push(Float32Array.from(await (unit ?? features).data()));
    }
    options.onProgress(lines.length);
  };
  for await (const { id, bytes } of imagesOf(path)) {
    signal.throwIfAborted();
    const pixels = loader.load(bytes).catch((error: unknown) => {
      if (error instanceof FormatError || error instanceof InputError) return error;
      throw error;
    });
    // It may fail while the archive is read on; whoever awaits it still gets the error.
    pixels.catch(() => undefined);
    waiting.push({ id, pixels });
    if (waiting.length === batch) await flush();
  }
  if (waiting.length > 0) await flush();
  const all = new Float32Array(rows.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of rows) {
    all.set(part, at);
    at += part.length;
  }
  const record = { ...about, rows: all.length / config.embed, unreadable };
  await writeFileAtomic('clip embed-shards', file('.npy'), npyBytes(all, [record.rows, config.embed]));
  await writeFileAtomic('clip embed-shards', file('.ids.jsonl'), lines.join(''));
  // Whoever finds it finds the others whole.
  await writeFileAtomic('clip embed-shards', file('.json'), `${JSON.stringify(record, undefined, 2)}\n`);
  return { record, isOld: false };
}

/** The members of a tar file that are images by their names, in its order. @throws FormatError for a broken archive */
async function* imagesOf(path: string): AsyncGenerator<{ readonly id: string; readonly bytes: Uint8Array }, void, undefined> {
  const archive = Readable.toWeb(createReadStream(path)) as ReadableStream<Uint8Array>;
  try {
    for await (const { header, body } of archive.pipeThrough(createTarDecoder({ strict: true }))) {
      if (header.type === 'file' && IMAGE.test(header.name))
        yield { id: header.name, bytes: new Uint8Array(await new Response(body).arrayBuffer()) };
      else await body.cancel();
    }
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new FormatError('clip embed-shards', `${path} is no whole tar file (${why})`, 'fetch or write it again', { cause });
  }
}

async function finishedRecord(path: string, about: Omit<ShardRecord, 'rows' | 'unreadable'>): Promise<ShardRecord | undefined> {
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  if (text === undefined) return undefined;
  const record = JSON.parse(text) as ShardRecord;
  for (const [key, value] of Object.entries(about))
    if (record[key as keyof ShardRecord] !== value)
      throw new InputError(
        'clip embed-shards',
        `${path} was made with ${key} ${String(record[key as keyof ShardRecord])}, and it is ${String(value)} now`,
        'give another folder with --out',
      );
  return record;
}
