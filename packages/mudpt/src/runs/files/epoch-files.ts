/** `epochs/`: what a run had learnt after single epochs, a small safetensors file each, for `--load-epoch`. Epochs count from 1, as Dassl's do. */
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { makeFolder } from '@mudpt/clip/files';
import {
  type Device,
  FormatError,
  InputError,
  openSafetensors,
  type Tensor,
  tensorToWrite,
  writeSafetensors,
} from '@mudpt/tensor';
import { command } from '../../command.ts';
import { someOf } from '../../data/dataset.ts';
import type { Method } from '../../methods/index.ts';
import { canonicalText } from '@mudpt/tensor/internal';
import type { RunMarks } from '../settings/identity.ts';
import { loadLearnt } from '../../prompt-files/learnt.ts';

/** Bytes that the epochs of a run may take together. */
const MOST_BYTES = 8 * 2 ** 30;

/** `all`, or how many of the last epochs are kept. */
export type KeptEpochs = 'all' | number;

export class EpochFiles {
  constructor(
    /** The folder, which is made when the first epoch is kept. */
    readonly path: string,
    private readonly marks: RunMarks,
  ) {}

  /**
   * Keeps what was learnt after `epoch`, in place of an earlier file of it, and drops epochs beyond the last `count`.
   * @throws FormatError when the disk refuses
   */
  async keep(epoch: number, learnt: ReadonlyMap<string, Tensor>, count: KeptEpochs): Promise<void> {
    if (count === 0) return;
    await makeFolder(this.path);
    await writeSafetensors(this.fileOf(epoch), new Map([...learnt].map(([name, tensor]) => [name, tensorToWrite(tensor)])), {
      checksum: true,
      metadata: { belongs: this.belongs(epoch) },
    });
    if (count !== 'all') await this.drop((kept) => kept <= epoch - count);
  }

  /** Drops the epochs after `epoch`, which come from a session that is not continued. */
  async cut(epoch: number): Promise<void> {
    await this.drop((kept) => kept > epoch);
  }

  /** The epochs that are there, in order. */
  async kept(): Promise<number[]> {
    const names = await readdir(this.path).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return [];
      throw error;
    });
    return names.flatMap((name) => /^epoch-(\d+)\.safetensors$/.exec(name)?.slice(1).map(Number) ?? []).sort((a, b) => a - b);
  }

  /**
   * Copies what was learnt after `epoch` into a method of the run.
   * @param epochs how many the run has
   * @throws InputError for an epoch that was not kept, naming those that were; FormatError for a file that is damaged or of another run
   */
  async load(epoch: number, epochs: number, method: Method, device: Device): Promise<void> {
    const kept = await this.kept();
    if (!kept.includes(epoch)) throw this.missing(epoch, epochs, kept);
    const path = this.fileOf(epoch);
    await using file = await openSafetensors(path, { checksum: true });
    if (file.metadata['belongs'] !== this.belongs(epoch))
      throw new FormatError('--load-epoch', `${path} is of another run or another epoch`, 'put back the file that the run wrote');
    await loadLearnt(path, file, method, device);
  }

  private missing(epoch: number, epochs: number, kept: readonly number[]): InputError {
    if (epochs === 0) return new InputError('--load-epoch', 'the run was not trained in epochs', 'leave it out');
    if (epoch > epochs)
      return new InputError('--load-epoch', `the run has ${epochs} epochs, and no epoch ${epoch}`, `give one of them, from 1`);
    const [first] = kept;
    return new InputError(
      '--load-epoch',
      first === undefined ? 'the run kept no epochs' : `epoch ${epoch} was not kept; kept are ${someOf(kept.map(String), 12)}`,
      first === undefined
        ? `train it with ${command('train --keep-epochs all')}`
        : 'give one of those, or train again with a larger --keep-epochs',
    );
  }

  private async drop(isDropped: (epoch: number) => boolean): Promise<void> {
    for (const epoch of await this.kept()) if (isDropped(epoch)) await rm(this.fileOf(epoch), { force: true });
  }

  private fileOf(epoch: number): string {
    return join(this.path, `epoch-${String(epoch).padStart(4, '0')}.safetensors`);
  }

  private belongs(epoch: number): string {
    return canonicalText({ ...this.marks, epoch });
  }
}

/** @throws InputError where the epochs to keep would take an unreasonable part of the disk */
export function expectRoomForEpochs(numbers: number, epochs: number, count: KeptEpochs): void {
  const files = count === 'all' ? epochs : Math.min(count, epochs);
  if (4 * numbers * files <= MOST_BYTES) return;
  const gigabytes = ((4 * numbers * files) / 2 ** 30).toFixed(0);
  throw new InputError(
    '--keep-epochs',
    `${files} epochs of ${numbers} learnt numbers take ${gigabytes} GiB`,
    `keep at most ${Math.floor(MOST_BYTES / (4 * numbers))}`,
  );
}
