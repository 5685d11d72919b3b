/** `NAME.json`: written last, it marks a shard as finished, and says what made its outputs. */
import { readFile } from 'node:fs/promises';
import { FormatError, InputError } from '@mudpt/tensor';

/** What results depend on, by name. */
export type Facts = Readonly<Record<string, string | number | boolean>>;

/** Counts of one shard. */
export interface ShardCounts {
  /** Images that were read: rows of features. */
  readonly rows: number;
  readonly unreadable: number;
}

/** What is recorded of a finished shard. */
export type ShardRecord = Facts & ShardCounts;

/**
 * The record of a finished shard; undefined where there is none.
 * @throws InputError where another shard, model or other options made what is there; FormatError for a file that is no record
 */
export async function finishedRecord(path: string, facts: Facts): Promise<ShardRecord | undefined> {
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  if (text === undefined) return undefined;
  const record = parsed(path, text);
  for (const [key, value] of Object.entries(facts)) {
    const made = record[key];
    if (made === value) continue;
    const problem =
      made === undefined
        ? `${path} does not say with which ${key} it was made`
        : `${path} was made with ${key} ${String(made)}, and it is ${String(value)} now`;
    throw new InputError('--out', problem, 'give another folder with --out');
  }
  return record;
}

function parsed(path: string, text: string): ShardRecord {
  try {
    const value: unknown = JSON.parse(text);
    if (isRecord(value)) return value;
  } catch {
    // Handled below, like any other file that is not a record.
  }
  throw new FormatError('--out', `${path} is no record of a finished shard`, 'remove it, or give another folder with --out');
}

function isRecord(value: unknown): value is ShardRecord {
  if (typeof value !== 'object' || value === null || !('rows' in value) || !('unreadable' in value)) return false;
  return typeof value.rows === 'number' && typeof value.unreadable === 'number';
}
