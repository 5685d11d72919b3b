/** The features of the images of shards, as .npy with ids, or as Parquet. */
import { l2Normalize, tensor } from '@mudpt/tensor';
import type { Clip } from '../clip.ts';
import { StreamedFile } from '../files/streamed-file.ts';
import { ParquetTable } from '../shards/parquet-table.ts';
import type { ShardOutput, ShardRow, ShardWork } from '../shards/work.ts';
import { NpyFile } from './npy.ts';

export const EMBEDDING_FORMATS = ['npy', 'parquet'] as const;
export type EmbeddingFormat = (typeof EMBEDDING_FORMATS)[number];

export interface EmbeddingOptions {
  readonly batch: number;
  readonly exif: 'ignore' | 'apply';
  readonly normalize: boolean;
  readonly format: EmbeddingFormat;
}

const OP = 'clip embed-shards';

/** The work on a shard that computes [embed] features of each image. */
export function embeddingWork(clip: Clip, { batch, exif, normalize, format }: EmbeddingOptions): ShardWork<Float32Array> {
  const { image, embed, normalization, resizing } = clip.config;
  return {
    facts: { model: clip.hash ?? '', normalized: normalize, exif, format },
    size: image.size,
    normalization,
    resizing,
    exif,
    batch,
    compute: async ({ ids, pixels }, signal) => {
      using images = tensor(pixels, { shape: [ids.length, 3, image.size, image.size], device: clip.device });
      using features = await clip.encodeImage(images, { signal });
      using unit = normalize ? l2Normalize(features, -1) : undefined;
      const values = Float32Array.from(await (unit ?? features).data());
      return ids.map((_, row) => values.subarray(row * embed, (row + 1) * embed));
    },
    open: (file) => (format === 'npy' ? new NpyOutput(file, embed) : new ParquetOutput(file)),
  };
}

/** `NAME.npy`, and `NAME.ids.jsonl` with the row of each id, or why it has none. */
class NpyOutput implements ShardOutput<Float32Array> {
  private readonly values: NpyFile;
  private readonly ids: StreamedFile;
  private row = 0;

  constructor(file: (suffix: string) => string, embed: number) {
    this.values = new NpyFile(OP, file('.npy'), embed);
    this.ids = new StreamedFile(OP, file('.ids.jsonl'));
  }

  async add(rows: readonly ShardRow<Float32Array>[]): Promise<void> {
    const told = rows.map((one) => ('why' in one ? { id: one.id, row: null, error: one.why } : { id: one.id, row: this.row++ }));
    await this.ids.writeText(told.map((one) => `${JSON.stringify(one)}\n`).join(''));
    await this.values.add(rows.flatMap((one) => ('values' in one ? [one.values] : [])));
  }

  async finish(): Promise<void> {
    await this.values.finish();
    await this.ids.finish();
  }

  async discard(): Promise<void> {
    await Promise.all([this.values.discard(), this.ids.discard()]);
  }
}

/** `NAME.parquet`: a row an image, with features, or null and the reason. */
class ParquetOutput implements ShardOutput<Float32Array> {
  private readonly table: ParquetTable;

  constructor(file: (suffix: string) => string) {
    this.table = new ParquetTable(OP, file('.parquet'), { id: 'id', features: 'f32s', error: 'text' });
  }

  add(rows: readonly ShardRow<Float32Array>[]): Promise<void> {
    return this.table.add(
      rows.map((row) => ({
        id: row.id,
        features: 'why' in row ? null : row.values,
        error: 'why' in row ? row.why : null,
      })),
    );
  }

  finish(): Promise<void> {
    return this.table.finish();
  }

  discard(): Promise<void> {
    return this.table.discard();
  }
}
