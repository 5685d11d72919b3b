/** Learnt tensors in files: written, and read back into a method. */
import {
  type ByteSourceInput,
  copyInto,
  type Device,
  FormatError,
  loadTensor,
  openSafetensors,
  type SafetensorsReader,
  type Tensor,
  tensorToWrite,
  type TensorToWrite,
} from '@mudpt/tensor';
import { expectFinite } from '../evaluation/finite.ts';
import type { Method } from '../methods/index.ts';
import type { PromptFacts } from './facts.ts';

/** The learnt tensors of a method to write. @throws NotFiniteError for numbers that are not finite */
export async function learntToWrite(method: Method): Promise<Map<string, TensorToWrite>> {
  const learnt = [...method.learnable];
  const [device] = learnt.map(([, tensor]) => tensor.device);
  if (device) await expectFinite('prompts', 'what was learnt', learnt, device, 'train again with a smaller learning rate');
  return new Map(learnt.map(([name, tensor]) => [name, tensorToWrite(tensor)]));
}

/** Shapes by name, as `prompts.json` lists them. */
export function shapesToWrite({ learnable }: Method): PromptFacts['tensors'] {
  return Object.fromEntries([...learnable].map(([name, { shape }]) => [name, [...shape]]));
}

/**
 * Copies learnt values into a method of the same settings.
 * @param names what errors call the two files
 * @throws FormatError or MethodError when names or shapes differ; NotFiniteError for values that are not finite
 */
export async function restoreLearnt(
  input: ByteSourceInput,
  names: { readonly tensors: string; readonly facts: string },
  { tensorsHash }: PromptFacts,
  method: Method,
  device: Device,
): Promise<void> {
  await using file = await openSafetensors(input, { checksum: true });
  if (file.metadata['sha256'] !== tensorsHash)
    throw new FormatError(
      'prompts',
      `${names.tensors} and ${names.facts} are not of one run`,
      'keep the two files of a run together',
      { code: 'prompts.mixed', values: { tensors: names.tensors, facts: names.facts } },
    );
  await loadLearnt(names.tensors, file, method, device);
}

/**
 * Copies the tensors of an open file into a method that has learnt tensors of these names.
 * @throws FormatError or MethodError when names or shapes differ; NotFiniteError for values that are not finite
 */
export async function loadLearnt(path: string, file: SafetensorsReader, method: Method, device: Device): Promise<void> {
  const learnt = new Map<string, Tensor>();
  try {
    for (const name of file.tensors.keys()) learnt.set(name, await loadTensor(file, name, { device, dtype: 'f32' }));
    await expectFinite('prompts', path, learnt, device, 'the file is damaged: train again, or fetch it again');
    if (method.kind === 'features') await method.restore(learnt);
    else copyLearnt(path, method, learnt);
  } finally {
    for (const tensor of learnt.values()) tensor.dispose();
  }
}

function copyLearnt(path: string, { learnable }: Method, learnt: ReadonlyMap<string, Tensor>): void {
  for (const [name, target] of learnable) {
    const saved = learnt.get(name);
    if (saved?.shape.join() !== target.shape.join())
      throw new FormatError(
        'prompts',
        `${path} has ${saved ? `${name} of shape [${saved.shape.join(', ')}]` : `no ${name}`}, the method wants [${target.shape.join(', ')}]`,
        'leave prompts.json as the run wrote it',
        { code: 'prompts.shape', values: { path, name } },
      );
    if (saved && target.size > 0) copyInto(target, saved);
  }
}
