/** The prompt files of a run, two small files to use with the base model: `prompts.safetensors` and `prompts.json`. */
import { readFile } from 'node:fs/promises';
import { type Device, InputError, openSafetensors, writeFileAtomic, writeSafetensors } from '@mudpt/tensor';
import { command } from '../../command.ts';
import type { Method } from '../../methods/index.ts';
import { checkPromptFacts, PROMPT_FORMAT, type PromptDescription, type PromptFacts } from '../../prompt-files/facts.ts';
import { learntToWrite, restoreLearnt, shapesToWrite } from '../../prompt-files/learnt.ts';
import { openSealedJson, sealJson } from './sealed.ts';

export type { PromptFacts } from '../../prompt-files/facts.ts';

/** Paths of the two files. */
export interface PromptPaths {
  readonly tensors: string;
  readonly facts: string;
}

/** Writes both files, the tensors first. */
export async function writePrompts(paths: PromptPaths, method: Method, facts: PromptDescription): Promise<void> {
  const metadata = { method: facts.method, base_model: facts.model.hash };
  await writeSafetensors(paths.tensors, await learntToWrite(method), { checksum: true, metadata });
  await using written = await openSafetensors(paths.tensors);
  const tensorsHash = written.metadata['sha256'] ?? '';
  const complete = { ...facts, format: PROMPT_FORMAT, tensors: shapesToWrite(method), tensorsHash };
  await writeFileAtomic('prompts', paths.facts, sealJson(complete));
}

/** @throws InputError when the file is missing; FormatError when it is damaged, of another version, or something else */
export async function readPromptFacts({ facts }: PromptPaths): Promise<PromptFacts> {
  const bytes = await readFile(facts).catch((cause: unknown) => {
    throw new InputError('prompts', `${facts} cannot be read`, 'give the folder of a run that has finished training', { cause });
  });
  return checkPromptFacts(
    openSealedJson('prompts', facts, bytes, PROMPT_FORMAT),
    facts,
    `give the folder of a run that \`${command('train')}\` made`,
  );
}

/** @throws InputError when the prompts were learnt on another base model */
export function expectModel({ facts }: PromptPaths, { model }: PromptFacts, hash: string, name: string): void {
  if (model.hash === hash) return;
  throw new InputError(
    'prompts',
    `${facts} was learnt on ${model.name} (${model.hash.slice(0, 12)}), and ${name} is another model (${hash.slice(0, 12)})`,
    `give its own base model with --model ${model.name}, or train on this one`,
  );
}

/**
 * Copies learnt values into a method of the same settings.
 * @throws FormatError or MethodError when names or shapes differ; NotFiniteError for values that are not finite
 */
export async function loadPrompts(paths: PromptPaths, facts: PromptFacts, method: Method, device: Device): Promise<void> {
  await restoreLearnt(paths.tensors, paths, facts, method, device);
}
