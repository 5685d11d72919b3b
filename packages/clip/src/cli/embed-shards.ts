/** The command `clip embed-shards`. */
import type { Device } from '@mudpt/tensor';
import { runShardFlags, type ShardFlags, type ShardsAround, shardsOfFlags } from '../shards/flags.ts';
import type { ShardTally } from '../shards/run.ts';
import { findShards } from '../shards/shard.ts';
import type { WeightDType } from '../weight-shapes.ts';
import { loadClip } from '../weights/index.ts';
import { type EmbeddingFormat, embeddingWork } from './embedding.ts';

export interface EmbedShardsFlags extends ShardFlags {
  readonly out: string;
  readonly batch: number;
  readonly exif: 'ignore' | 'apply';
  readonly format: EmbeddingFormat;
  readonly dtype?: WeightDType;
  readonly normalize?: boolean;
}

/** @returns images read, and images that could not be */
export async function embedShards(
  model: string,
  paths: readonly string[],
  flags: EmbedShardsFlags,
  { open, ...around }: ShardsAround & { readonly open: () => Promise<Device> },
): Promise<ShardTally> {
  const { batch, exif, format, dtype, normalize = false } = flags;
  const shards = shardsOfFlags(await findShards(paths, flags.out), flags);
  const { signal } = around;
  using clip = await loadClip(model, { device: await open(), towers: ['image'], signal, ...(dtype && { dtype }) });
  return await runShardFlags(shards, embeddingWork(clip, { batch, exif, normalize, format }), flags, around);
}
