/** Records of a sweep's cells beyond the runs' folders: how each ended and how long it took. One small file for each cell, in `cells/`. */
import { mkdir, readFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { FileLock, FormatError, TensorError, writeFileAtomic } from '@mudpt/tensor';
import * as z from 'zod';
import type { Cell } from './cell.ts';

const schema = z.strictObject({
  id: z.string(),
  state: z.enum(['done', 'failed', 'stopped']),
  /** Seconds of all sessions together. */
  seconds: z.number().nonnegative(),
  sessions: z.int().positive(),
  host: z.string(),
  /** ISO 8601. */
  ended: z.string(),
  /** Why a cell failed, how to mend it, and where the error was thrown. */
  reason: z.string().optional(),
  fix: z.string().optional(),
  stack: z.string().optional(),
});

export type CellRecord = z.infer<typeof schema>;

const folderOf = (sweep: string): string => join(sweep, 'cells');
const fileOf = (sweep: string, { id }: Cell, kind: string): string =>
  join(folderOf(sweep), `${id.replaceAll('/', '__')}.${kind}`);

/** @throws FormatError when the file is none that a sweep wrote */
export async function readRecord(sweep: string, cell: Cell): Promise<CellRecord | undefined> {
  const path = fileOf(sweep, cell, 'json');
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  if (text === undefined) return undefined;
  try {
    return schema.parse(JSON.parse(text));
  } catch (cause) {
    throw new FormatError('sweep', `${path} is no record of a cell`, 'remove it: the run itself is kept elsewhere', { cause });
  }
}

/** Records how a session of a cell ended. */
export async function writeRecord(
  sweep: string,
  cell: Cell,
  { state, seconds, error }: { state: CellRecord['state']; seconds: number; error?: unknown },
): Promise<void> {
  const before = await readRecord(sweep, cell).catch(() => undefined);
  const record: CellRecord = {
    id: cell.id,
    state,
    seconds: (before?.seconds ?? 0) + seconds,
    sessions: (before?.sessions ?? 0) + 1,
    host: hostname(),
    ended: new Date().toISOString(),
    ...(state === 'failed' && failure(error)),
  };
  await mkdir(folderOf(sweep), { recursive: true });
  await writeFileAtomic('sweep', fileOf(sweep, cell, 'json'), `${JSON.stringify(record, undefined, 2)}\n`);
}

function failure(error: unknown): Pick<CellRecord, 'reason' | 'fix' | 'stack'> {
  if (error instanceof TensorError) return { reason: `${error.op}: ${error.problem}`, fix: error.fix };
  if (error instanceof Error) return { reason: error.message, ...(error.stack !== undefined && { stack: error.stack }) };
  return { reason: String(error) };
}

/** Makes this process the only one that works on the cell. @throws FormatError when another does, unless asked to wait */
export async function lockCell(
  sweep: string,
  cell: Cell,
  options: { readonly wait: boolean; readonly signal: AbortSignal },
): Promise<FileLock> {
  await mkdir(folderOf(sweep), { recursive: true });
  return FileLock.take(fileOf(sweep, cell, 'lock'), `the cell ${cell.id}`, options);
}

/** The process that works on the cell now, if any. */
export function holderOf(sweep: string, cell: Cell): Promise<string | undefined> {
  return FileLock.holderOf(fileOf(sweep, cell, 'lock'));
}
