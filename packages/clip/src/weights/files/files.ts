/** The files of a model: a folder, an address, files picked in a browser, or one file alone. */
import { type ByteSourceInput, InputError } from '@mudpt/tensor';
import { localFiles } from '#files';
import type { Files, Located } from './located.ts';

/** Where weights come from: a path (Node), an http(s) address of a file or a folder, bytes, a Blob, or the files of a folder. */
export type ModelInput = string | URL | Uint8Array | ArrayBuffer | Blob | readonly File[] | Files;

/** @returns undefined for a string that is neither a path that exists nor an address */
export async function locate(input: ModelInput): Promise<Located | undefined> {
  const address = input instanceof URL ? input.href : input;
  if (typeof address === 'string') {
    if (/^https?:\/\//i.test(address)) return httpFiles(address);
    return localFiles(input instanceof URL ? input : address);
  }
  if (address instanceof Uint8Array || address instanceof ArrayBuffer) return singleFile('weights', address);
  if (address instanceof Blob) return singleFile(address instanceof File ? address.name : 'weights', address);
  if (isFileList(address)) return { files: pickedFiles(address) };
  return { files: address as Files };
}

function isFileList(input: object): input is readonly File[] {
  return Array.isArray(input);
}

function singleFile(name: string, content: ByteSourceInput): Located {
  return { files: { name, names: [name], open: async () => content }, chosen: name };
}

/** Files of one folder that the user picked; those of folders inside it are left out. */
function pickedFiles(picked: readonly File[]): Files {
  const depth = (file: File) => file.webkitRelativePath?.split('/').length ?? 0;
  const top = Math.min(...picked.map(depth));
  const byName = new Map(picked.filter((file) => depth(file) === top).map((file) => [file.name, file]));
  const open = async (name: string): Promise<File> => {
    const file = byName.get(name);
    if (!file)
      throw new InputError('openWeights', `${name} is not among the files picked`, 'pick the whole folder of the model', {
        code: 'model.notPicked',
        values: { name },
      });
    return file;
  };
  return { name: picked[0]?.webkitRelativePath?.split('/')[0] || 'the files picked', names: [...byName.keys()], open };
}

/** Usual names of files of weights. */
const WEIGHTS = ['model.safetensors', 'model.safetensors.index.json', 'open_clip_model.safetensors', 'pytorch_model.bin'];

/** Small files that a model may need beside its weights. */
const BESIDE = [
  'config.json',
  'open_clip_config.json',
  'preprocessor_config.json',
  'tokenizer.json',
  'tokenizer_config.json',
  'vocab.json',
  'merges.txt',
];

/** Files that are asked for on a web server, which does not list its files. */
const USUAL_NAMES = [...WEIGHTS, ...BESIDE];

/** A folder when the address ends in "/", else the folder of the file. Which of the usual files are there is asked by HEAD requests. */
async function httpFiles(address: string): Promise<Located> {
  const url = new URL(address);
  const chosen = decodeURIComponent(url.pathname.slice(url.pathname.lastIndexOf('/') + 1));
  const beside = (name: string) => {
    const other = new URL(encodeURIComponent(name), url);
    other.search = url.search;
    return other;
  };
  const isThere = async (name: string): Promise<boolean> => {
    const response = await fetch(beside(name), { method: 'HEAD' }).catch((cause: unknown) => {
      throw new InputError(
        'openWeights',
        `${url.origin} does not answer (${String(cause)})`,
        'check the address and the connection',
        {
          cause,
        },
      );
    });
    return response.ok;
  };
  const there = await Promise.all(USUAL_NAMES.map(isThere));
  const names = USUAL_NAMES.filter((name, index) => name === chosen || there[index]);
  if (chosen !== '' && !names.includes(chosen)) names.push(chosen);
  return { files: { name: address, names, open: async (name) => beside(name) }, chosen: chosen === '' ? undefined : chosen };
}

/** The file of weights in a model's folder. @throws InputError listing what is there when none or several could be meant */
export function chooseWeights(files: Pick<Files, 'name' | 'names'>): string {
  const usual = ['model.safetensors', 'model.safetensors.index.json', 'open_clip_model.safetensors', 'pytorch_model.bin'];
  const found = usual.find((name) => files.names.includes(name));
  if (found !== undefined) return found;
  const others = files.names.filter((name) => /\.(safetensors|pt|pth|bin)$/.test(name));
  const [only] = others;
  if (only !== undefined && others.length === 1) return only;
  const listed = files.names.slice(0, 10).join(', ');
  const told = others.length > 0 ? `several: ${others.join(', ')}` : listed === '' ? 'nothing' : `only ${listed}`;
  throw new InputError(
    'openWeights',
    `${files.name} should hold one file of weights (${usual.join(', ')}), it holds ${told}`,
    'give the path of the file itself',
    { code: 'model.weights', values: { name: files.name, usual: usual.join(', '), held: others.join(', ') || listed || '0' } },
  );
}

/** The files of a repository that loading needs, among those of other formats and frameworks; shards are added once their index is read. @throws InputError as `chooseWeights` does */
export function neededFiles<File extends { readonly path: string }>(name: string, files: readonly File[]): File[] {
  const weights = chooseWeights({ name, names: files.map(({ path }) => path) });
  return files.filter(({ path }) => path === weights || BESIDE.includes(path));
}
