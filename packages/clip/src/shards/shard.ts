/** Shards: webdataset archives and Parquet lists of images, by their names, and which of them are a task's. */
import { createHash } from 'node:crypto';
import { open, realpath, stat } from 'node:fs/promises';
import { basename, dirname, extname, join, resolve, sep } from 'node:path';
import { InputError } from '@mudpt/tensor';
import { walkFolders } from '../files/image-files.ts';

/** One file of many images: a .tar, or a Parquet list. */
export interface Shard {
  readonly path: string;
  /** What its outputs are called: the file's name without extension, after the folders below the one that was given. */
  readonly name: string;
}

const KINDS = ['.tar', '.parquet'];

/** Whether a path names a shard by its extension. */
export function isShardName(path: string): boolean {
  return KINDS.includes(extname(path).toLowerCase());
}

/**
 * The shards that paths mean: files as they are named, and all shards below folders, in alphabetical order.
 * @param out folder of the outputs, which are Parquet files too
 * @throws InputError for a path that is not there, a file of another kind, a folder without shards, two shards of one name, and outputs that
 * would replace a shard or be taken for one
 */
export async function findShards(paths: readonly string[], out: string): Promise<Shard[]> {
  const shards: Shard[] = [];
  for (const path of paths) {
    const found = await stat(path).catch((cause: unknown) => {
      throw new InputError('shards', `${path} cannot be read`, 'check the path', { cause });
    });
    await expectApart(path, found.isDirectory(), out);
    if (found.isDirectory()) shards.push(...(await shardsBelow(path)));
    else if (isShardName(path)) shards.push({ path, name: withoutExtension(basename(path)) });
    else throw new InputError('shards', `${path} is no shard by its name`, 'give .tar or .parquet files, or folders of them');
  }
  expectDistinctNames(shards);
  return shards;
}

async function expectApart(path: string, isFolder: boolean, out: string): Promise<void> {
  const folder = await realpath(isFolder ? path : dirname(path));
  const target = await realpath(out).catch(() => resolve(out));
  const isWithin = isFolder ? `${target}${sep}`.startsWith(`${folder}${sep}`) : target === folder && !/\.tar$/i.test(path);
  if (!isWithin) return;
  const what = isFolder
    ? 'lies in it, where outputs would be taken for shards'
    : 'is its folder, where an output would replace it';
  throw new InputError('--out', `${path} is read, and ${out} ${what}`, 'give a folder elsewhere with --out');
}

async function shardsBelow(folder: string): Promise<Shard[]> {
  const names: string[] = [];
  for await (const { at, others } of walkFolders(folder))
    for (const name of others) if (isShardName(name)) names.push(at === '' ? name : `${at}/${name}`);
  if (names.length === 0)
    throw new InputError('shards', `${folder} holds no shard`, 'give a folder with .tar or .parquet files below it');
  return names.sort().map((name) => ({ path: join(folder, name), name: withoutExtension(name) }));
}

function withoutExtension(name: string): string {
  return name.slice(0, name.length - extname(name).length);
}

function expectDistinctNames(shards: readonly Shard[]): void {
  // Where file names are compared without case, one would replace the other.
  const seen = new Map<string, string>();
  for (const { name, path } of shards) {
    const other = seen.get(name.toLowerCase());
    if (other !== undefined)
      throw new InputError(
        'shards',
        `two shards are called ${name}: ${other} and ${path}`,
        'outputs are named by shards: rename one, or give the folder above both, whose folders become part of the name',
      );
    seen.set(name.toLowerCase(), path);
  }
}

/** What schedulers call the number of a task. */
const TASK_VARIABLES = ['SLURM_ARRAY_TASK_ID', 'JOB_COMPLETION_INDEX'] as const;

/**
 * The shards of this task: of the one that `index` or a scheduler's variable names, else all.
 * @param chunk shards a task
 * @throws InputError for a task that is not there
 */
export function shardsOfTask<T>(shards: readonly T[], index: string | undefined, chunk = 1): readonly T[] {
  const variable = TASK_VARIABLES.find((name) => process.env[name] !== undefined);
  const text = index ?? (variable && process.env[variable]);
  if (text === undefined) return shards;
  const tasks = Math.ceil(shards.length / chunk);
  const task = Number(text);
  if (/^\d+$/.test(text) && task < tasks) return shards.slice(task * chunk, (task + 1) * chunk);
  throw new InputError(
    index === undefined ? String(variable) : '--index',
    `there is no task ${text}: ${shards.length} shards, ${chunk} a task, are ${tasks} tasks`,
    `give a number from 0 to ${tasks - 1}`,
  );
}

/** What identifies a file without reading all of it. */
export interface ShardContents {
  readonly shardBytes: number;
  /** SHA-256 of the first and the last part of the file: headers, and the footer of a Parquet file. */
  readonly shardEnds: string;
}

const END_BYTES = 2 ** 16;

/** @throws InputError when the shard cannot be read */
export async function shardContents(path: string): Promise<ShardContents> {
  try {
    await using file = await open(path);
    const { size } = await file.stat();
    const hash = createHash('sha256');
    for (const at of [0, Math.max(0, size - END_BYTES)]) {
      const { buffer, bytesRead } = await file.read(Buffer.alloc(END_BYTES), 0, END_BYTES, at);
      hash.update(buffer.subarray(0, bytesRead));
    }
    return { shardBytes: size, shardEnds: hash.digest('hex') };
  } catch (cause) {
    throw new InputError('shards', `${path} cannot be read (${(cause as Error).message})`, 'check the path', { cause });
  }
}
