/** What lies in a file: told by its place, name and metadata. A folder is walked whole, and every file gets an answer. */
import { readdir, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { openSafetensors } from '@mudpt/tensor';

export type Contents =
  | { readonly kind: 'op' }
  /** Texts and their token ids. */
  | { readonly kind: 'texts' }
  /** What a method computes on a small CLIP. */
  | { readonly kind: 'method'; readonly method: string }
  /** Numbers of the training protocol. */
  | { readonly kind: 'protocol' }
  /** A checkpoint of the small CLIP, alone or in its folder. */
  | { readonly kind: 'weights' }
  /** What preprocessing makes of the pictures beside the file. */
  | { readonly kind: 'pictures' }
  /** A golden this runner cannot run yet. */
  | { readonly kind: 'unsupported'; readonly why: string }
  /** Not a golden: an input of one, or text. Not counted when met in a folder. */
  | { readonly kind: 'companion'; readonly of: string };

/** All files below the given files and folders, each once, in a stable order. `named` tells that the user asked for this very file. */
export async function listFiles(paths: readonly string[]): Promise<{ path: string; named: boolean }[]> {
  const found = new Map<string, boolean>();
  for (const path of paths) {
    const isFolder = (await stat(path)).isDirectory();
    if (!isFolder) found.set(path, true);
    else for (const file of await walk(path)) found.set(file, found.get(file) ?? false);
  }
  return [...found].map(([path, named]) => ({ path, named }));
}

async function walk(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true });
  entries.sort((a, b) => (a.name < b.name ? -1 : 1));
  const files: string[] = [];
  for (const entry of entries) {
    const path = join(folder, entry.name);
    // stat follows links, so a linked folder is walked too.
    if ((await stat(path)).isDirectory()) files.push(...(await walk(path)));
    else files.push(path);
  }
  return files;
}

/** Learning rates, aggregation weights, few-shot selections. */
const PROTOCOL = /^(schedule|sampling|promptsrc_gpa_weights).*\.json$/;

/** Tells what a file holds. Reads at most a safetensors header. */
export async function classify(path: string): Promise<Contents> {
  const name = basename(path);
  const folder = basename(dirname(resolve(path)));
  const above = basename(dirname(dirname(resolve(path))));
  if (/\.(png|jpe?g|webp|gif)$/i.test(name)) return { kind: 'companion', of: 'the preprocessing golden beside it' };
  if (/\.(md|txt)$/i.test(name)) return { kind: 'companion', of: 'nothing: it is text' };
  if (folder === 'weights' || above === 'weights') return weights(name);
  if (/^tokenizer.*\.json$/.test(name)) return { kind: 'texts' };
  if (PROTOCOL.test(name)) return { kind: 'protocol' };
  if (name.endsWith('.safetensors')) return safetensors(path);
  return notYet(`a file named ${name}`);
}

function notYet(subject: string): Contents {
  return { kind: 'unsupported', why: `${subject}: not supported yet` };
}

/** Checkpoints in the formats people have; shards and settings come with their index or model. */
function weights(name: string): Contents {
  if (/-\d+-of-\d+\.safetensors$/.test(name)) return { kind: 'companion', of: 'the shard index beside it' };
  if (name.endsWith('config.json')) return { kind: 'companion', of: 'the model beside it' };
  return { kind: 'weights' };
}

async function safetensors(path: string): Promise<Contents> {
  await using file = await openSafetensors(path);
  const { metadata, tensors } = file;
  if (metadata['op'] !== undefined && metadata['cases'] !== undefined) return { kind: 'op' };
  if (metadata['method'] !== undefined) return { kind: 'method', method: metadata['method'] };
  if (metadata['sizes'] !== undefined) return { kind: 'pictures' };
  if ([...tensors.keys()].some((tensor) => tensor.startsWith('clip.')))
    return { kind: 'companion', of: 'the method goldens: it holds their CLIP weights' };
  return notYet('safetensors without "op" and "cases", "method" or "sizes" in their metadata');
}
