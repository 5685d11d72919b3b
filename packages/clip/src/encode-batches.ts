/** Batches of images and texts through the towers. */
import { cat, narrow, type Tensor, tensor } from '@mudpt/tensor';
import type { ImageConfig } from './config.ts';
import {
  createImageLoader,
  type ImageLoader,
  type ImageSource,
  type Normalization,
  normalize,
  type Resizing,
} from './preprocess/index.ts';
import type { TextTower } from './towers/text-tower.ts';
import type { TokenIds, TokenRows } from './towers/token-ids.ts';

/**
 * Features of all batches, one after the other: [sum of rows, embed]. Every batch is disposed after its use.
 * @throws the signal's reason, between batches
 */
export async function gather<Batch extends Tensor | TokenRows>(
  batches: Iterable<Batch> | AsyncIterable<Batch>,
  encode: (batch: Batch) => Tensor,
  signal: AbortSignal | undefined,
): Promise<Tensor> {
  const parts: Tensor[] = [];
  try {
    for await (const batch of batches) {
      try {
        signal?.throwIfAborted();
        parts.push(encode(batch));
      } finally {
        if ('dispose' in batch) batch.dispose();
      }
      // Waiting here keeps only one batch in memory, and lets an abort through.
      await parts.at(-1)?.device.synchronize();
    }
    signal?.throwIfAborted();
    return cat(parts);
  } finally {
    for (const part of parts) part.dispose();
  }
}

/** Rows of `images` in parts of `size`. */
export function* tensorBatches(images: Tensor, size: number): Generator<Tensor> {
  const [count = 0] = images.shape;
  for (let at = 0; at < count; at += size) yield narrow(images, 0, at, Math.min(size, count - at));
}

export type FileBatches = {
  readonly config: ImageConfig;
  readonly normalization: Normalization | undefined;
  readonly resizing: Resizing | undefined;
  readonly batch: number;
  readonly loader: ImageLoader | undefined;
  readonly signal: AbortSignal | undefined;
};

/** Files, prepared by threads ahead of their use, as [B, 3, size, size]. */
export async function* fileBatches(
  sources: readonly ImageSource[],
  { config, normalization, resizing, batch, loader, signal }: FileBatches,
  device: Tensor['device'],
): AsyncGenerator<Tensor, void, undefined> {
  const { size } = config;
  const images = loader ?? createImageLoader({ size, resizing, ...(sources.length === 1 && { workers: 0 }) });
  const upload = (squares: readonly Uint8Array[]): Tensor =>
    tensor(normalize(squares, size, normalization), { shape: [squares.length, 3, size, size], device });
  try {
    let squares: Uint8Array[] = [];
    for await (const { pixels } of images.iterate(sources, signal ? { signal } : {})) {
      squares.push(pixels);
      if (squares.length < batch) continue;
      yield upload(squares);
      squares = [];
    }
    if (squares.length > 0) yield upload(squares);
  } finally {
    if (!loader) await images.close();
  }
}

/** Consecutive texts with at most `budget` tokens a part (one text may have more): up to their ends, or with all positions. */
export function* textBatches(rows: TokenRows, budget: number, isPacked: boolean): Generator<TokenRows> {
  const { length, eot } = rows;
  let begin = 0;
  let tokens = 0;
  for (const [index, end] of eot.entries()) {
    const size = isPacked ? end + 1 : length;
    if (index > begin && tokens + size > budget) {
      yield part(rows, begin, index);
      [begin, tokens] = [index, 0];
    }
    tokens += size;
  }
  yield part(rows, begin, eot.length);
}

function part({ ids, length, eot }: TokenRows, begin: number, end: number): TokenRows {
  return { ids: ids.subarray(begin * length, end * length), count: end - begin, length, eot: eot.slice(begin, end) };
}

export function asIds({ ids, length }: TokenRows): TokenIds {
  return { ids, contextLength: length };
}

/** Cuts texts after their ends and packs them after their common first tokens (start, "a photo of a"), which are computed once. */
export function encodePacked(tower: TextTower, rows: TokenRows): Tensor {
  const { prefixIds, rowIds, sequences, eot } = tower.pack(asIds(rows), commonBeginning(rows));
  using _tables = sequences;
  using prefix = prefixIds.length > 0 ? tower.tokens.rows(prefixIds) : undefined;
  using embedded = tower.tokens.rows(rowIds);
  return tower.forwardPacked({ prefix, rows: embedded, sequences, eot });
}

/** How many first tokens are the same in all texts; the end of a text never counts as common. */
function commonBeginning({ ids, length, count, eot }: TokenRows): number {
  const longest = eot.reduce((least, end) => Math.min(least, end), length);
  for (let place = 0; place < longest; place += 1)
    for (let row = 1; row < count; row += 1) if (ids[row * length + place] !== ids[place]) return place;
  return longest;
}
