/** What is computed of the images of shards, and where it is written: embedding and prediction are two of them. */
import type { Normalization, Resizing } from '../preprocess/index.ts';
import type { Facts } from './record.ts';

/** An image of a shard: its values, or why there are none. */
export type ShardRow<Values> = { readonly id: string } & ({ readonly values: Values } | { readonly why: string });

/** The files of one shard's results. They have their names once `finish` is through. */
export interface ShardOutput<Values> {
  add(rows: readonly ShardRow<Values>[]): Promise<void>;
  finish(): Promise<void>;
  /** Removes what was written, unless it is finished. */
  discard(): Promise<void>;
}

/** Images that were read; one at least. */
export interface ShardBatch {
  readonly ids: readonly string[];
  /** Normalised, [ids, 3, size, size]. */
  readonly pixels: Float32Array;
}

/** What is computed of every image of a shard, and how it is written. */
export interface ShardWork<Values> {
  /** What results depend on, beside the shard: the model, options, the form. Others in the same folder are refused. */
  readonly facts: Facts;
  /** Side of the squares in pixels. */
  readonly size: number;
  readonly normalization: Normalization | undefined;
  readonly resizing?: Resizing | undefined;
  readonly exif: 'ignore' | 'apply';
  /** Images that go through the model at once. */
  readonly batch: number;
  /** The values of images, in their order. */
  compute(images: ShardBatch, signal: AbortSignal): Promise<readonly Values[]>;
  /** @param file path of an output by its suffix, such as `.npy` */
  open(file: (suffix: string) => string): ShardOutput<Values>;
}
