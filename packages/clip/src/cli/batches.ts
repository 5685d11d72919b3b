/** Batches of files for the commands; files that cannot be read keep their place, with the reason. */
import { type Device, FormatError, InputError, type Tensor, tensor } from '@mudpt/tensor';
import type { FileBatches } from '../encode-batches.ts';
import { createImageLoader, normalize } from '../preprocess/index.ts';

/** A file of the command line; `why` is the reason where it cannot be read. */
export interface PreparedFile {
  readonly file: string;
  readonly why?: string;
}

export interface PreparedBatch {
  /** [readable files, 3, size, size]; undefined where there is none. */
  readonly images: Tensor | undefined;
  readonly prepared: readonly PreparedFile[];
}

/** Files that are prepared ahead of their use. */
const AHEAD = 16;

type Prepared = PreparedFile & { readonly pixels?: Uint8Array };

/** All files in their order. @throws the signal's reason, and errors that are not about one file */
export async function* preparedBatches(
  files: readonly string[],
  { config, normalization, resizing, batch, exif, signal }: Omit<FileBatches, 'loader'> & { readonly exif: 'ignore' | 'apply' },
  device: Device,
): AsyncGenerator<PreparedBatch, void, undefined> {
  const { size } = config;
  await using loader = createImageLoader({ size, resizing, exif, ...(files.length === 1 && { workers: 0 }) });
  const prepare = (file: string | undefined): Promise<Prepared> | undefined => {
    if (file === undefined) return undefined;
    const loading = loader.load(file).then(
      (pixels): Prepared => ({ file, pixels }),
      (error: unknown): Prepared => {
        if (!(error instanceof FormatError || error instanceof InputError)) throw error;
        return { file, why: error.problem };
      },
    );
    // The promise may reject before its turn comes; the rejection counts as handled, and awaiting it still throws.
    loading.catch(() => undefined);
    return loading;
  };
  const underway = files.slice(0, AHEAD).map(prepare);
  let prepared: Prepared[] = [];
  for (let index = 0; index < files.length; index += 1) {
    signal?.throwIfAborted();
    const one = await underway[index % AHEAD];
    underway[index % AHEAD] = prepare(files[index + AHEAD]);
    if (one) prepared.push(one);
    if (prepared.length < batch && index + 1 < files.length) continue;
    const squares = prepared.flatMap(({ pixels }) => (pixels ? [pixels] : []));
    const shape = [squares.length, 3, size, size];
    const images = squares.length > 0 ? tensor(normalize(squares, size, normalization), { shape, device }) : undefined;
    yield { images, prepared: prepared.map(({ file, why }) => ({ file, ...(why !== undefined && { why }) })) };
    prepared = [];
  }
}
