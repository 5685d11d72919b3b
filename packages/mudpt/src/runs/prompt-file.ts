/** What a run learnt, in two small files that go where the base model already is: `prompts.safetensors` and `prompts.json`. */
import { readFile } from 'node:fs/promises';
import {
  copyInto,
  type Device,
  FormatError,
  InputError,
  loadTensor,
  openSafetensors,
  type SafetensorsReader,
  type Tensor,
  tensorToWrite,
  writeFileAtomic,
  writeSafetensors,
} from '@mudpt/tensor';
import * as z from 'zod';
import { command } from '../command.ts';
import type { Method } from '../methods/index.ts';
import { expectFinite } from '../evaluation/finite.ts';
import { openSealedJson, sealJson } from './sealed.ts';

const FORMAT = 2;
/** More classes, and longer names, than any data set has. */
const MOST = { classes: 100_000, text: 10_000 };
const text = z.string().max(MOST.text);
const extent = z.int().nonnegative().max(1e9);

const schema = z.object({
  format: z.literal(FORMAT),
  method: text,
  /** Of the method, complete. */
  settings: z.record(z.string(), z.unknown()),
  /** The base model; the prompts mean nothing to another. */
  model: z.object({ name: text, hash: z.string(), embed: extent }),
  data: text,
  template: text,
  /** By label: what it was trained on. */
  classNames: z.array(text).min(1).max(MOST.classes),
  /** Sentences about each class, by label, where frozen texts were made of them. */
  descriptions: z.array(z.array(text).min(1)).optional(),
  shots: z.union([z.literal('all'), z.int().positive().max(1e9)]),
  seed: z.int().nonnegative(),
  /** Shape by name, as in prompts.safetensors, and that file's SHA-256 of itself. */
  tensors: z.record(z.string(), z.array(extent)),
  tensorsHash: z.string(),
  /** Hyper-parameters that fitting chose. */
  chosen: z.record(z.string(), z.number()).optional(),
  /** What logits are divided by before they become probabilities, fitted on validation images; absent where there were none. */
  temperature: z.number().positive().optional(),
  /** Accuracies on the test images, in percent. */
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
  facts: Omit<PromptFacts, 'format' | 'tensors' | 'tensorsHash'>,
): Promise<void> {
  const learnt = [...method.learnable];
  const metadata = { method: facts.method, base_model: facts.model.hash };
  const [device] = learnt.map(([, tensor]) => tensor.device);
  if (device) await expectFinite('prompts', 'what was learnt', learnt, device, 'train again with a smaller learning rate');
  await writeSafetensors(paths.tensors, new Map(learnt.map(([name, tensor]) => [name, tensorToWrite(tensor)])), {
    checksum: true,
    metadata,
  });
  const tensors = Object.fromEntries(learnt.map(([name, { shape }]) => [name, [...shape]]));
  await using written = await openSafetensors(paths.tensors);
  const tensorsHash = written.metadata['sha256'] ?? '';
  await writeFileAtomic('prompts', paths.facts, sealJson({ ...facts, format: FORMAT, tensors, tensorsHash }));
}

/** @throws InputError when the file is missing; FormatError when it is damaged, of another version, or something else */
export async function readPromptFacts({ facts }: PromptPaths): Promise<PromptFacts> {
  const bytes = await readFile(facts).catch((cause: unknown) => {
    throw new InputError('prompts', `${facts} cannot be read`, 'give the folder of a run that has finished training', { cause });
  });
  const { success, data, error } = schema.safeParse(openSealedJson('prompts', facts, bytes, FORMAT));
  if (success) return data;
  const [issue] = error.issues;
  throw new FormatError(
    'prompts',
    `${facts} is no prompt file of this program (${issue?.path.join('.')}: ${issue?.message})`,
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
export async function loadPrompts(
  { tensors: path, facts: factsPath }: PromptPaths,
  { tensorsHash }: PromptFacts,
  method: Method,
  device: Device,
): Promise<void> {
  await using file = await openSafetensors(path, { checksum: true });
  if (file.metadata['sha256'] !== tensorsHash)
    throw new FormatError('prompts', `${path} and ${factsPath} are not of one run`, 'keep the two files of a run together');
  await loadLearnt(path, file, method, device);
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
      );
    if (saved && target.size > 0) copyInto(target, saved);
  }
}
