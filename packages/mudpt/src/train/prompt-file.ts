/** What a run learnt, in two small files that go where the base model already is: `prompts.safetensors` and `prompts.json`. */
import { readFile } from 'node:fs/promises';
import {
  copyInto,
  type Device,
  type Tensor,
  FormatError,
  loadTensor,
  openSafetensors,
  tensorToWrite,
  writeFileAtomic,
  writeSafetensors,
} from '@mudpt/tensor';
import * as z from 'zod';
import { command } from '../command.ts';
import type { Method } from '../methods/index.ts';

const schema = z.object({
  format: z.literal(1),
  method: z.string(),
  /** Of the method, complete. */
  settings: z.record(z.string(), z.unknown()),
  /** The base model; the prompts mean nothing to another. */
  model: z.object({ name: z.string(), hash: z.string(), embed: z.int() }),
  data: z.string(),
  template: z.string(),
  /** By label: what it was trained on. */
  classNames: z.array(z.string()),
  shots: z.union([z.literal('all'), z.int()]),
  seed: z.int(),
  /** Shape by name, as in prompts.safetensors. */
  tensors: z.record(z.string(), z.array(z.int())),
  /** Hyper-parameters that fitting chose. */
  chosen: z.record(z.string(), z.number()).optional(),
  /** What logits are divided by before they become probabilities, fitted on validation pictures; absent where there were none. */
  temperature: z.number().positive().optional(),
  /** Accuracies on the test pictures, in percent. */
  accuracy: z.object({ zeroShot: z.number(), tuned: z.number() }).optional(),
});

export type PromptFacts = z.infer<typeof schema>;

/** Paths of the two files. */
export interface PromptPaths {
  readonly tensors: string;
  readonly facts: string;
}

/** Writes both files, the tensors first. */
export async function writePrompts(
  paths: PromptPaths,
  method: Method,
  facts: Omit<PromptFacts, 'format' | 'tensors'>,
): Promise<void> {
  const learnt = [...method.learnable];
  const metadata = { method: facts.method, base_model: facts.model.hash };
  await writeSafetensors(paths.tensors, new Map(learnt.map(([name, tensor]) => [name, tensorToWrite(tensor)])), { metadata });
  const tensors = Object.fromEntries(learnt.map(([name, { shape }]) => [name, [...shape]]));
  const whole: PromptFacts = { format: 1, ...facts, tensors };
  await writeFileAtomic('prompts', paths.facts, `${JSON.stringify(whole, undefined, 2)}\n`);
}

/** @throws FormatError when the file is missing or is something else */
export async function readPromptFacts({ facts }: PromptPaths): Promise<PromptFacts> {
  const text = await readFile(facts, 'utf8').catch((cause: unknown) => {
    throw new FormatError('prompts', `${facts} cannot be read`, 'give the folder of a run that has finished training', { cause });
  });
  try {
    return schema.parse(JSON.parse(text));
  } catch (cause) {
    throw new FormatError(
      'prompts',
      `${facts} is no prompt file of this program`,
      `give the folder of a run that \`${command('train')}\` made`,
      { cause },
    );
  }
}

/** @throws FormatError when the prompts were learnt on another base model */
export function expectModel({ facts }: PromptPaths, { model }: PromptFacts, hash: string, name: string): void {
  if (model.hash === hash) return;
  throw new FormatError(
    'prompts',
    `${facts} was learnt on ${model.name} (${model.hash.slice(0, 12)}), and ${name} is another model (${hash.slice(0, 12)})`,
    `give its own base model with --model ${model.name}, or train on this one`,
  );
}

/** Copies learnt values into a method of the same settings. @throws FormatError or MethodError when names or shapes differ */
export async function loadPrompts({ tensors: path }: PromptPaths, method: Method, device: Device): Promise<void> {
  await using file = await openSafetensors(path);
  const learnt = new Map<string, Tensor>();
  try {
    for (const name of file.tensors.keys()) learnt.set(name, await loadTensor(file, name, { device, dtype: 'f32' }));
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
      );
    if (saved && target.size > 0) copyInto(target, saved);
  }
}
