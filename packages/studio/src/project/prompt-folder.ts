/** Prompts as the zip of a run's folder, which `mudpt predict` reads once it is unpacked, and back. */
import type { PromptFiles } from '../worker/protocol.ts';
import { StudioError } from '../worker/rpc.ts';
import { readZip, writeZip } from './zip.ts';

const NAMES = { tensors: 'prompts.safetensors', facts: 'prompts.json', config: 'config.yaml' } as const;

export function promptFolder({ tensors, facts, config }: PromptFiles, folder: string): Promise<Blob> {
  return writeZip([
    [`${folder}/${NAMES.tensors}`, new Blob([tensors])],
    [`${folder}/${NAMES.facts}`, facts],
    [`${folder}/${NAMES.config}`, config],
  ]);
}

/** @throws StudioError for a zip or files without the two that hold prompts */
export async function readPromptFiles(files: readonly File[]): Promise<{ readonly tensors: Blob; readonly facts: string }> {
  const entries = new Map<string, Blob>();
  for (const file of files) {
    if (!/\.zip$/i.test(file.name)) entries.set(file.name, file);
    else for (const { path, blob } of await readZip(file)) entries.set(path.split('/').at(-1) ?? path, blob);
  }
  const [tensors, facts] = [entries.get(NAMES.tensors), entries.get(NAMES.facts)];
  if (tensors && facts) return { tensors, facts: await facts.text() };
  throw new StudioError({
    name: 'InputError',
    problem: `there is no ${tensors ? NAMES.facts : NAMES.tensors} among ${files.map(({ name }) => name).join(', ') || 'no files'}`,
    fix: 'give the zip that this page wrote, or prompts.safetensors and prompts.json of a run',
  });
}
