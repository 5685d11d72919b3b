/** The two prompt files as bytes, for downloads and uploads in a page. */
import { type Device, FormatError, openSafetensors, serializeSealedSafetensors } from '@mudpt/tensor';
import type { Method } from '../methods/index.ts';
import { checkPromptFacts, PROMPT_FORMAT, type PromptDescription, type PromptFacts } from './facts.ts';
import { learntToWrite, restoreLearnt, shapesToWrite } from './learnt.ts';
import { JSON_SEAL, jsonBody, sealed, unsealed } from './seal.ts';

/** `prompts.safetensors` and `prompts.json`. */
export interface PromptBytes {
  readonly tensors: Uint8Array<ArrayBuffer>;
  readonly facts: string;
}

/** The same bytes as a run of Node writes. @throws NotFiniteError for numbers that are not finite */
export async function promptBytes(method: Method, description: PromptDescription): Promise<PromptBytes> {
  const metadata = { method: description.method, base_model: description.model.hash };
  const entries = [...(await learntToWrite(method))].map(async ([name, { data, ...rest }]) => {
    return [name, { ...rest, data: typeof data === 'function' ? await data() : data }] as const;
  });
  const tensors = await serializeSealedSafetensors(new Map(await Promise.all(entries)), { metadata });
  await using written = await openSafetensors(tensors);
  const tensorsHash = written.metadata['sha256'] ?? '';
  const facts: PromptFacts = { ...description, format: PROMPT_FORMAT, tensors: shapesToWrite(method), tensorsHash };
  return { tensors, facts: await sealed(jsonBody(facts), JSON_SEAL) };
}

/** The contents of `prompts.json`. @throws FormatError when the text is damaged, of another version, or something else */
export async function openPromptFacts(text: string, name = 'prompts.json'): Promise<PromptFacts> {
  const body = await unsealed('prompts', name, text, JSON_SEAL);
  const value = JSON.parse(`${body}\n}`) as { readonly format?: unknown };
  const { format } = value;
  if (typeof format === 'number' && format !== PROMPT_FORMAT)
    throw new FormatError(
      'prompts',
      `${name} has format ${format}, and this version reads ${PROMPT_FORMAT}`,
      'use the version of the program that wrote it',
      { code: 'prompts.format', values: { name, format: String(format), reads: PROMPT_FORMAT } },
    );
  return checkPromptFacts(value, name, 'give prompts.json as a run wrote it');
}

/** Copies learnt values into a method of the same settings. @throws as {@link restoreLearnt} */
export function restorePromptBytes(
  tensors: Uint8Array | Blob,
  facts: PromptFacts,
  method: Method,
  device: Device,
): Promise<void> {
  return restoreLearnt(tensors, { tensors: 'prompts.safetensors', facts: 'prompts.json' }, facts, method, device);
}
