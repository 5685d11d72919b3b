/** The run that a person means: its folder, the folder above it, a part of its name, or "latest". */
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { walkFolders } from '@mudpt/clip/files';
import { InputError } from '@mudpt/tensor';
import { command, pathFromHere } from '../command.ts';
import { someOf } from '../data/dataset.ts';
import { exists } from '../data/files.ts';

const CONFIG = 'config.yaml';

/** Folders of runs at and below a path. */
export async function runsBelow(path: string): Promise<string[]> {
  const found: string[] = [];
  for await (const { at, others } of walkFolders(path)) if (others.includes(CONFIG)) found.push(join(path, at));
  return found;
}

/**
 * The folder of the run that `given` means: that folder itself, the only run below it, the latest of all (`latest`), or the only run whose path below
 * `root` contains these words.
 * @throws InputError when there is none, or more than one, which are named
 */
export async function findRun(given: string, root = 'runs'): Promise<string> {
  if (await exists(join(given, CONFIG))) return given;
  const isFolder = await stat(given).then(
    (entry) => entry.isDirectory(),
    () => false,
  );
  if (isFolder) return only(await runsBelow(given), given, 'below', 'name one of them');
  const all = (await exists(root)) ? await runsBelow(root) : [];
  if (given === 'latest') return latest(all, root);
  const words = given
    .toLowerCase()
    .split(/[\\/\s]+/)
    .filter(Boolean);
  const named = all.filter((path) => words.every((word) => path.slice(root.length).toLowerCase().includes(word)));
  return only(named, given, `of ${pathFromHere(root)} called`, 'add more of its name');
}

function only(found: readonly string[], given: string, how: string, fix: string): string {
  const [first] = found;
  if (first !== undefined && found.length === 1) return first;
  if (first === undefined)
    throw new InputError(
      'run',
      `there is no run ${how} ${given}`,
      `give the folder of a run that \`${command('train')}\` made, a part of its name, or "latest"`,
    );
  throw new InputError('run', `there are ${found.length} runs ${how} ${given}: ${someOf(found.map(pathFromHere), 8)}`, fix);
}

async function latest(all: readonly string[], root: string): Promise<string> {
  const timed = await Promise.all(all.map(async (path) => ({ path, time: await changedAt(path) })));
  const [newest] = timed.sort((a, b) => b.time - a.time);
  if (newest) return newest.path;
  throw new InputError('run', `there is no run in ${pathFromHere(root)}`, `begin one with \`${command('train')}\``);
}

async function changedAt(path: string): Promise<number> {
  const times = await Promise.all(
    ['summary.json', CONFIG].map((name) =>
      stat(join(path, name)).then(
        ({ mtimeMs }) => mtimeMs,
        () => 0,
      ),
    ),
  );
  return Math.max(...times);
}
