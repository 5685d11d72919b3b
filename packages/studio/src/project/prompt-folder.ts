/** Prompts as the zip of a run's folder, which `mudpt predict` reads once it is unpacked, and back. */
import type { PromptFiles } from '../worker/protocol.ts';
import { pageError } from '../worker/rpc.ts';
import { readZip, writeZip } from './zip.ts';

export const PROMPTS = { tensors: 'prompts.safetensors', facts: 'prompts.json', config: 'config.yaml' } as const;

/** Prompts that a person gives: those of a run of Node have its configuration too. */
export interface GivenPrompts {
  readonly tensors: Blob;
  readonly facts: string;
  readonly config: string | undefined;
}

export function promptFolder({ tensors, facts, config }: PromptFiles, folder: string): Promise<Blob> {
  return writeZip([
    [`${folder}/${PROMPTS.tensors}`, new Blob([tensors])],
    [`${folder}/${PROMPTS.facts}`, facts],
    [`${folder}/${PROMPTS.config}`, config],
  ]);
}

/** Undefined where the two files that hold prompts are not there. @param files by name, without folders */
export async function promptsAmong(files: ReadonlyMap<string, Blob>): Promise<GivenPrompts | undefined> {
  const [tensors, facts] = [files.get(PROMPTS.tensors), files.get(PROMPTS.facts)];
  if (!tensors || !facts) return undefined;
  return { tensors, facts: await facts.text(), config: await files.get(PROMPTS.config)?.text() };
}

/** @throws StudioError for a zip or files without the two that hold prompts, or with those of several runs */
export async function readPromptFiles(files: readonly File[]): Promise<GivenPrompts> {
  const entries = new Map<string, Blob>();
  const given = files.map(({ name }) => name).join(', ') || 'no files';
  const add = (path: string, blob: Blob): void => {
    const name = path.split('/').at(-1) ?? path;
    if (name === PROMPTS.tensors && entries.has(name)) throw pageError('severalRuns', given);
    entries.set(name, blob);
  };
  for (const file of files) {
    if (!/\.zip$/i.test(file.name)) add(file.name, file);
    else for (const { path, blob } of await readZip(file)) add(path, blob);
  }
  const found = await promptsAmong(entries);
  if (found) return found;
  throw pageError('noPrompts', entries.has(PROMPTS.tensors) ? PROMPTS.facts : PROMPTS.tensors, given);
}
