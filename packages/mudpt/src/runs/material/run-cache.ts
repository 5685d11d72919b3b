/** Data that runs share, in one process and in a folder for the next: features of the frozen model, and digests of image files. */
import { InputError } from '@mudpt/tensor';
import { CacheFolder, cachePlace } from '../../cache/cache-folder.ts';
import { FileDigests } from '../../cache/file-digests.ts';
import { TensorFiles } from '../../cache/tensor-files.ts';
import { SharedFeatures } from '../../evaluation/shared-features.ts';
import { bytesOfSize } from '../../memory/budget.ts';

/** Where runs share what they computed, and how much is kept. */
export interface RunCacheOptions {
  /** The folder. Default: shared in this process alone. */
  readonly folder?: string | undefined;
  /** Size of the folder, in bytes. Default 10 GiB. */
  readonly mostBytes?: number | undefined;
  /** Called with a sentence about damaged files, and about files that cannot be kept. */
  readonly onNote?: ((note: string) => void) | undefined;
}

/** What runs share: features of the frozen model and digests of image files. */
export class RunCache {
  readonly features: SharedFeatures;
  readonly digests: FileDigests;

  constructor({ folder, mostBytes, onNote }: RunCacheOptions = {}) {
    const cache = folder === undefined ? undefined : new CacheFolder(folder, { mostBytes, onNote });
    this.features = new SharedFeatures({ files: cache && new TensorFiles(cache) });
    this.digests = new FileDigests(cache);
  }

  /**
   * The cache of a user: the folder given, else `MUDPT_CACHE_DIR`, else `~/.cache/mudpt/content`; `off` keeps nothing on disk. Its size is
   * `MUDPT_CACHE_SIZE`.
   * @throws InputError for a size that is none
   */
  static ofUser(given: string | undefined, onNote: (note: string) => void): RunCache {
    const size = process.env['MUDPT_CACHE_SIZE'] || undefined;
    const mostBytes = size === undefined ? undefined : bytesOfSize(size);
    if (size !== undefined && mostBytes === undefined)
      throw new InputError('MUDPT_CACHE_SIZE', `"${size}" is no size`, 'give one such as 20GiB, or MUDPT_CACHE_DIR=off');
    return new RunCache({ folder: cachePlace(given), mostBytes, onNote });
  }
}
