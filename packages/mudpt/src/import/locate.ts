/** Checkpoints as Dassl lays them out: `<run>/<registered model>/model.pth.tar-<epoch>` and a text file `checkpoint` naming the newest. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readdir, readFile, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { InputError } from '@mudpt/tensor';
import { someOf } from '../data/dataset.ts';
import type { Imported } from './record.ts';

const CHECKPOINT = /^model(?:-best)?\.pth\.tar(?:-(\d+))?$/;

/**
 * The checkpoint that a path means: the file itself, or the one in a folder of Dassl's. Of several epochs it is the one that the text file
 * `checkpoint` names, else the last.
 * @param epoch another one of a folder
 * @throws InputError where there is none, or more than one model, which are named
 */
export async function locateCheckpoint(path: string, epoch?: number): Promise<string> {
  const entry = await stat(path).catch((cause: unknown) => {
    throw new InputError('import', `there is no file or folder ${path}`, 'check the path', { cause });
  });
  if (!entry.isDirectory()) {
    if (epoch === undefined) return resolve(path);
    throw new InputError('--epoch', `${path} is one file`, 'give the folder it lies in, or leave --epoch out');
  }
  const folders: string[] = [];
  for (const folder of [path, ...(await subfolders(path))]) if ((await checkpointsIn(folder)).length > 0) folders.push(folder);
  const [folder] = folders;
  if (folder === undefined)
    throw new InputError(
      'import',
      `neither ${path} nor a folder in it holds a model.pth.tar-N`,
      'give the file itself, or the folder that Dassl wrote for one seed',
    );
  if (folders.length > 1)
    throw new InputError(
      'import',
      `${path} holds checkpoints of several models: ${someOf(folders)}`,
      'give one of these folders',
    );
  return resolve(join(folder, await chooseFile(folder, epoch)));
}

async function subfolders(path: string): Promise<string[]> {
  const entries = await readdir(path, { withFileTypes: true });
  const names = entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
  return names.sort().map((name) => join(path, name));
}

async function checkpointsIn(folder: string): Promise<string[]> {
  return (await readdir(folder)).filter((name) => CHECKPOINT.test(name)).sort();
}

async function chooseFile(folder: string, epoch: number | undefined): Promise<string> {
  const names = await checkpointsIn(folder);
  const epochOf = (name: string): number => Number(CHECKPOINT.exec(name)?.[1] ?? -1);
  if (epoch !== undefined) {
    const found = names.find((name) => epochOf(name) === epoch);
    if (found !== undefined) return found;
    throw new InputError('--epoch', `${folder} has no epoch ${epoch}, it has ${someOf(names, 20)}`, 'name one of these');
  }
  const isNamed = (await readdir(folder)).includes('checkpoint');
  const named = isNamed ? (await readFile(join(folder, 'checkpoint'), 'utf8')).trim() : '';
  if (names.includes(named)) return named;
  return [...names].sort((a, b) => epochOf(b) - epochOf(a))[0] as string;
}

/** A checkpoint with the SHA-256 of its bytes. */
export async function identifyCheckpoint(file: string): Promise<Imported> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(file), hash);
  return { file: resolve(file), sha256: hash.digest('hex') };
}
