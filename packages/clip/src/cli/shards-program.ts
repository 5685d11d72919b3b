/** The command `clip embed-shards`: one task of an array is one shard. */
import { InputError } from '@mudpt/tensor';
import type { Clip } from '../clip.ts';
import { embedShard, nameOfShard, type ShardOptions } from './shards.ts';

/** What schedulers call the number of a task. */
const TASK_VARIABLES = ['SLURM_ARRAY_TASK_ID', 'JOB_COMPLETION_INDEX'] as const;

/** The shards of this task: the one of `index` or of a scheduler's variable, else all. @throws InputError for a task that is not there */
export function shardsOfTask(shards: readonly string[], index: string | undefined): readonly string[] {
  const names = shards.map(nameOfShard);
  const twice = names.find((name, place) => names.indexOf(name) !== place);
  if (twice !== undefined)
    throw new InputError('clip embed-shards', `two shards are called ${twice}`, 'outputs are named by shards: rename one');
  const variable = TASK_VARIABLES.find((name) => process.env[name] !== undefined);
  const text = index ?? (variable && process.env[variable]);
  if (text === undefined) return shards;
  const shard = /^\d+$/.test(text) ? shards[Number(text)] : undefined;
  if (shard !== undefined) return [shard];
  throw new InputError(
    index === undefined ? String(variable) : '--index',
    `there is no shard ${text} of ${shards.length}`,
    `give a number from 0 to ${shards.length - 1}`,
  );
}

/** Embeds shards one after the other, and tells a line of each. @returns images read, and images that could not be */
export async function embedShards(
  clip: Clip,
  shards: readonly string[],
  options: ShardOptions,
  tell: (line: string) => void,
): Promise<{ rows: number; unreadable: number }> {
  const total = { rows: 0, unreadable: 0 };
  for (const path of shards) {
    const began = performance.now();
    const { record, isOld } = await embedShard(clip, path, options);
    const seconds = (performance.now() - began) / 1000;
    const count = record.rows + record.unreadable;
    tell(
      `${nameOfShard(path)}: ${count} images, ${record.unreadable} not read, ${isOld ? 'finished before' : `${(count / seconds).toFixed(1)} images/s`}\n`,
    );
    total.rows += record.rows;
    total.unreadable += record.unreadable;
  }
  return total;
}
