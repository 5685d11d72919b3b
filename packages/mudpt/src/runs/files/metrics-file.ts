/** `metrics.jsonl`: the curve of a run, one sealed line a reading, appended while it trains. */
import { open, readFile, stat, truncate } from 'node:fs/promises';
import { FormatError, InputError } from '@mudpt/tensor';
import { syncFile } from '@mudpt/tensor/internal';
import { command } from '../../command.ts';
import type { MetricsLine } from '../../train/metrics-line.ts';
import { checkRecord, metricsSchema } from '../records/record-schema.ts';
import { openSealedLines, sealLine } from './sealed.ts';

export class MetricsFile {
  constructor(readonly path: string) {}

  /** Makes the file where there is none. */
  async create(): Promise<void> {
    await (await open(this.path, 'a')).close();
  }

  /** Appends lines. @returns the length of the file afterwards, in bytes */
  async append(lines: readonly MetricsLine[]): Promise<number> {
    try {
      const file = await open(this.path, 'a');
      try {
        await file.appendFile(lines.map(sealLine).join(''));
        return (await file.stat()).size;
      } finally {
        await file.close();
      }
    } catch (cause) {
      const problem = `${this.path} cannot be written (${(cause as Error).message})`;
      throw new InputError('run', problem, 'free some space, then resume the run', { cause });
    }
  }

  /** Waits until all lines are on the disk. */
  async sync(): Promise<void> {
    const file = await open(this.path, 'r+');
    try {
      await syncFile(file);
    } finally {
      await file.close();
    }
  }

  /** Length so far, in bytes. */
  async bytes(): Promise<number> {
    return (await stat(this.path)).size;
  }

  /** Cuts the file to `bytes`, to continue from there. @throws FormatError when it does not have that many whole lines */
  async cut(bytes: number): Promise<void> {
    await this.check(bytes);
    await truncate(this.path, bytes);
  }

  /** @throws FormatError when the file's first `bytes` are not whole lines as they were written */
  async check(bytes: number): Promise<void> {
    const { size } = await stat(this.path).catch((cause: Error) => {
      const problem = `${this.path} cannot be read (${cause.message})`;
      throw new InputError('run', problem, 'put it back, or begin anew with --fresh', { cause });
    });
    if (size < bytes) throw wrongLength(this.path, size, bytes);
    openSealedLines('run', this.path, (await this.contents()).subarray(0, bytes));
  }

  /**
   * @param bytes how long the file must be, once it grows no more; undefined: a last line that a crash cut is left out
   * @throws FormatError naming the line that is damaged
   */
  async read(bytes?: number): Promise<MetricsLine[]> {
    const all = await this.contents();
    if (bytes !== undefined && all.length !== bytes) throw wrongLength(this.path, all.length, bytes);
    const lines = openSealedLines('run', this.path, all, { isGrowing: bytes === undefined });
    return lines.map((line) => checkRecord(metricsSchema, line, this.path) as MetricsLine);
  }

  private async contents(): Promise<Uint8Array> {
    return readRunFile(this.path);
  }
}

/** The bytes of a run's file. @throws InputError when it is missing, because then the folder holds no run */
export async function readRunFile(path: string): Promise<Uint8Array> {
  try {
    return await readFile(path);
  } catch (cause) {
    throw new InputError(
      'run',
      `${path} cannot be read (${(cause as Error).message})`,
      `give the folder of a run that \`${command('train')}\` made`,
      { cause },
    );
  }
}

function wrongLength(path: string, found: number, written: number): FormatError {
  return new FormatError(
    'run',
    `${path} has ${found} bytes, and ${written} were written`,
    'put the file back, or begin anew with --fresh',
  );
}
