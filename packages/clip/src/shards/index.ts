/** Work on images in shards: webdataset archives and Parquet lists (Node). */
export { addShardFlags, runShardFlags, type ShardFlags, type ShardsAround, shardsOfFlags } from './flags.ts';
export { type ListOptions, parquetImages } from './parquet-list.ts';
export { type Columns, ParquetTable, type TableRow } from './parquet-table.ts';
export { type QueuedShardsOptions, runQueuedShards } from './queued.ts';
export { type Facts, type ShardRecord } from './record.ts';
export { runShards, type RunShardsOptions, type ShardTally } from './run.ts';
export { findShards, isShardName, type Shard, shardsOfTask } from './shard.ts';
export { StreamedFile } from '../files/streamed-file.ts';
export type { ShardBatch, ShardOutput, ShardRow, ShardWork } from './work.ts';
