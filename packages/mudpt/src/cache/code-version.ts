/** One digest of everything that decides how a number comes out: a file of another version of the engine or the decoder is never read. */
import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join, sep } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Packages whose code computes, each found from the one that needs it. */
const CODE = [['@mudpt/clip'], ['@mudpt/autograd'], ['@mudpt/tensor'], ['@mudpt/tensor', '@mudpt/shaders']] as const;
/** Packages of others that decode or compute; known by their version. */
const VERSIONS = [
  ['@mudpt/clip', 'sharp'],
  ['@mudpt/tensor', 'webgpu'],
] as const;

let known: Promise<string> | undefined;

/** SHA-256 of the code of the engine, the towers and the loader, and the versions of decoder and driver. Computed once in a process. */
export function codeVersion(): Promise<string> {
  known ??= computed();
  return known;
}

async function computed(): Promise<string> {
  const hash = createHash('sha256');
  // This package's code too: it makes batches, prompts and ensembles.
  for (const folder of [fileURLToPath(new URL('..', import.meta.url)), ...CODE.map((chain) => dirname(entryOf(chain)))])
    for (const path of await codeFiles(folder)) hash.update(`${path.slice(folder.length)}\n`).update(await readFile(path));
  for (const chain of VERSIONS) hash.update(`${chain.join()} ${await versionOf(chain)}\n`);
  return hash.digest('hex');
}

function entryOf(chain: readonly string[]): string {
  return chain.reduce((from, name) => createRequire(from).resolve(name), import.meta.url);
}

async function codeFiles(folder: string): Promise<string[]> {
  const names = await readdir(folder, { recursive: true });
  const isCode = (name: string): boolean => /\.(?:[cm]?js|ts|wgsl)$/.test(name) && !/\.(?:test|d)\.ts$/.test(name);
  return names
    .filter((name) => isCode(name) && !name.split(sep).includes('node_modules'))
    .sort()
    .map((name) => join(folder, name));
}

/** The version of an installed package; `none` where it is not installed. */
async function versionOf(chain: readonly string[]): Promise<string> {
  let entry: string;
  try {
    entry = entryOf(chain);
  } catch {
    // The package is optional: without it another decoder or driver is used.
    return 'none';
  }
  const name = chain.at(-1);
  for (let folder = dirname(entry); folder !== dirname(folder); folder = dirname(folder)) {
    const text = await readFile(join(folder, 'package.json'), 'utf8').catch(() => '{}');
    const found = JSON.parse(text) as { name?: string; version?: string };
    if (found.name === name) return found.version ?? 'none';
  }
  return 'none';
}
