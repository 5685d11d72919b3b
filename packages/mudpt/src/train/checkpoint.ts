/**
 * Where training stands, in one safetensors file that is replaced as a whole, so that a run killed at any instant finds the state before
 * or the state after, never a mixture.
 *
 * Tensors: `learnt.<name>`, `method.<name>` (what else the method carries on), `optimizer.<state>.<name>`, and with early stopping
 * `best.<name>`. Order and augmentation of pictures follow from seed, epoch and step, so those numbers are all there is to save of them.
 */
import type { Optimizer } from '@mudpt/autograd';
import {
  copyInto,
  FormatError,
  loadTensor,
  openSafetensors,
  type Tensor,
  tensorToWrite,
  type WriteFileOptions,
  writeSafetensors,
} from '@mudpt/tensor';
import * as z from 'zod';
import type { PromptMethod } from '../methods/index.ts';

const tower = z.strictObject({ recompute: z.boolean(), parts: z.int().nonnegative() });

const schema = z.strictObject({
  format: z.literal(1),
  /** `identity` of the configuration. */
  identity: z.string(),
  /** `fingerprint` of the training pictures. */
  pictures: z.string(),
  /** SHA-256 of the base model. */
  model: z.string(),
  /** The next step to do: `step` of `epoch`, both from 0. */
  epoch: z.int().nonnegative(),
  step: z.int().nonnegative(),
  /** Seconds of training so far. */
  seconds: z.number(),
  /** Length of metrics.jsonl. */
  metricsBytes: z.int().nonnegative(),
  /** How steps run: it decides the order of sums, so a resumed run keeps it. Absent: everything is kept. */
  economy: z.strictObject({ text: tower, image: tower }).optional(),
  /** Early stopping: the best validation accuracy and its epoch. */
  best: z.strictObject({ accuracy: z.number(), epoch: z.int() }).optional(),
  /** Epoch that early stopping ended after. */
  stoppedAfter: z.int().optional(),
});

/** What a checkpoint says beside its tensors. */
export type Position = z.infer<typeof schema>;

/** The tensors of a run that training changes. */
export interface Learning {
  readonly method: PromptMethod;
  readonly optimizer: Pick<Optimizer<never>, 'stateDict' | 'loadStateDict'>;
  /** Copies of what was learnt at the best epoch, by name; empty without early stopping. */
  readonly best: ReadonlyMap<string, Tensor>;
}

export async function writeCheckpoint(
  path: string,
  learning: Learning,
  position: Position,
  options: WriteFileOptions = {},
): Promise<void> {
  const states = learning.optimizer.stateDict();
  try {
    const tensors = Object.entries({ ...named(learning), ...prefixed('optimizer', Object.entries(states)) });
    await writeSafetensors(path, new Map(tensors.map(([name, tensor]) => [name, tensorToWrite(tensor)])), {
      ...options,
      metadata: { position: JSON.stringify(position) },
    });
  } finally {
    for (const state of Object.values(states)) state.dispose();
  }
}

/** @throws FormatError when the file is no checkpoint */
export async function readPosition(path: string): Promise<Position> {
  await using file = await openSafetensors(path);
  return positionOf(file.metadata, path);
}

/**
 * Copies a checkpoint's values into `learning`.
 * @throws FormatError when it belongs to another configuration, model or other pictures, or is no checkpoint
 */
export async function loadCheckpoint(
  path: string,
  learning: Learning,
  expected: Pick<Position, 'identity' | 'pictures' | 'model'>,
): Promise<Position> {
  await using file = await openSafetensors(path);
  const position = positionOf(file.metadata, path);
  const fail = (what: string, fix: string): FormatError => new FormatError('resume', `${path} was made with ${what}`, fix);
  if (position.identity !== expected.identity)
    throw fail('another configuration', 'resume with the flags the run was started with, or none');
  if (position.model !== expected.model) throw fail('another base model', 'put the model back, or start a new run');
  if (position.pictures !== expected.pictures) throw fail('other training pictures', 'put the pictures back, or start a new run');
  const states = learning.optimizer.stateDict();
  const targets = { ...named(learning), ...prefixed('optimizer', Object.entries(states)) };
  try {
    const differ = [...new Set([...Object.keys(targets), ...file.tensors.keys()])].filter(
      (name) => !(name in targets) || !file.tensors.has(name),
    );
    if (differ.length > 0) throw fail(`other tensors (${differ.slice(0, 4).join(', ')})`, 'start a new run');
    for (const [name, target] of Object.entries(targets)) {
      if (target.size === 0) continue;
      using saved = await loadTensor(file, name, { device: target.device, dtype: target.dtype });
      copyInto(target, saved);
    }
  } finally {
    for (const state of Object.values(states)) state.dispose();
  }
  return position;
}

function positionOf(metadata: Readonly<Record<string, string>>, path: string): Position {
  try {
    return schema.parse(JSON.parse(metadata['position'] ?? ''));
  } catch (cause) {
    throw new FormatError('resume', `${path} is no checkpoint of this program`, 'start a new run', { cause });
  }
}

function named({ method, best }: Learning): Record<string, Tensor> {
  return { ...prefixed('learnt', method.learnable), ...prefixed('method', method.state), ...prefixed('best', best) };
}

function prefixed(prefix: string, tensors: Iterable<readonly [string, Tensor]>): Record<string, Tensor> {
  return Object.fromEntries([...tensors].map(([name, tensor]) => [`${prefix}.${name}`, tensor]));
}
