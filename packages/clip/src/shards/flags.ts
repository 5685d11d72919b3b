/** The flags that commands on shards share: `clip embed-shards`, and `predict` of the package mudpt. */
import { InputError } from '@mudpt/tensor';
import { type Command, Option } from 'commander';
import { runQueuedShards } from './queued.ts';
import { runShards, type RunShardsOptions, type ShardTally } from './run.ts';
import { type Shard, shardsOfTask } from './shard.ts';
import type { ShardWork } from './work.ts';

/** Flags of the commands that work on shards. */
export interface ShardFlags {
  readonly out?: string;
  readonly index?: string;
  readonly chunk?: string;
  readonly column?: string;
  readonly idColumn?: string;
  readonly images?: string;
  readonly allowOutside?: boolean;
  readonly redis?: string;
  readonly attempts?: string;
  readonly silence?: string;
}

/** Adds the flags, except the folder of outputs. */
export function addShardFlags(command: Command): Command {
  return command
    .option(
      '--index <n>',
      'one task, counted from 0; default: SLURM_ARRAY_TASK_ID or JOB_COMPLETION_INDEX where it is set, else all shards',
    )
    .option('--chunk <n>', 'shards a task (default 1)')
    .option(
      '--column <name>',
      'of a Parquet list: paths of files, or image bytes, such as image.bytes; default: found by type and name',
    )
    .option('--id-column <name>', 'of a Parquet list: what its images are called; default: the path, else the row')
    .option('--images <folder>', 'what paths in a Parquet list are relative to (default: the folder of the list)')
    .option('--allow-outside', 'let a Parquet list name files outside of that folder')
    .addOption(
      new Option(
        '--redis <url>',
        'share shards by a BullMQ queue at redis://HOST:PORT: the same command on every machine puts them there once and takes from it until none is left',
      ).conflicts(['index', 'chunk']),
    )
    .option('--attempts <n>', 'with --redis: tries of a shard that fails (default 3)')
    .option('--silence <seconds>', 'with --redis: after which the shard of a silent worker goes to another one (default 60)');
}

/** What a command passes to the work on shards: how to stop it, and where lines are printed. */
export interface ShardsAround {
  readonly signal: AbortSignal;
  readonly tell: (line: string) => void;
  readonly show: (line: string) => void;
}

/** Runs the work over shards as the flags say. @throws as `runShards` and `runQueuedShards` */
export async function runShardFlags<Values>(
  shards: readonly Shard[],
  work: ShardWork<Values>,
  flags: ShardFlags & { readonly out: string },
  around: ShardsAround,
): Promise<ShardTally> {
  const { out, redis, column, idColumn, images, allowOutside } = flags;
  const list = {
    ...(column !== undefined && { column }),
    ...(idColumn !== undefined && { idColumn }),
    ...(images !== undefined && { images }),
    ...(allowOutside && { allowOutside }),
  };
  const options: RunShardsOptions = { out, list, ...around };
  if (redis === undefined) return runShards(shards, work, options);
  const [attempts, silence] = [countOf('--attempts', flags.attempts, 3), countOf('--silence', flags.silence, 60)];
  return runQueuedShards(shards, work, { ...options, redis, attempts, silence });
}

/** The shards that are this process's. @throws InputError for a task that is not there */
export function shardsOfFlags(shards: readonly Shard[], { index, chunk, redis }: ShardFlags): readonly Shard[] {
  return redis === undefined ? shardsOfTask(shards, index, countOf('--chunk', chunk, 1)) : shards;
}

function countOf(flag: string, text: string | undefined, fallback: number): number {
  if (text === undefined) return fallback;
  const number = Number(text);
  if (Number.isSafeInteger(number) && number >= 1) return number;
  throw new InputError(flag, `is ${text}`, 'give a whole number of at least 1');
}
