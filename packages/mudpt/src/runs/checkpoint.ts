/**
 * Where training stands, in one safetensors file that is replaced as a whole, so that a run killed at any instant finds the state before
 * or the state after, never a mixture. The generation before stays beside it.
 *
 * Tensors: `learnt.<name>`, `method.<name>` (what else the method carries on), `optimizer.<state>.<name>`, `curve.sums` (of the loss since it
 * was last read), and with early stopping `best.<name>`. Order and augmentation of images follow from seed, epoch and step, so those numbers
 * are all there is to save of them.
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
import { expectFinite } from '../train/finite.ts';
import { differences, marksSchema, type RunMarks } from './identity.ts';

const FORMAT = 2;
const MOST = { epochs: 1e6, steps: 1e9, microBatches: 1024, bytes: 2 ** 40 };

const microBatches = z.int().nonnegative().max(MOST.microBatches);
const tower = z.strictObject({ recompute: z.boolean(), microBatches });
const towers = z.strictObject({ text: tower, image: tower });
/** What checkpoints of earlier versions call the same. */
const OLDER = 'economy';
const olderTower = z
  .strictObject({ recompute: z.boolean(), parts: microBatches })
  .transform(({ recompute, parts }) => ({ recompute, microBatches: parts }));
const olderTowers = z.strictObject({ text: olderTower, image: olderTower });
const epoch = z.int().nonnegative().max(MOST.epochs);
const steps = z.int().nonnegative().max(MOST.steps);
const sums = z.strictObject({ batches: steps, loss: z.number(), accuracy: z.number() });

const written = z.strictObject({
  format: z.literal(FORMAT),
  /** Of configuration, data and model. */
  marks: marksSchema,
  /** The next step to do: `step` of `epoch`, both from 0. */
  epoch,
  step: steps,
  /** Seconds of training so far. */
  seconds: z.number().nonnegative(),
  /** Length of metrics.jsonl. */
  metricsBytes: z.int().nonnegative().max(MOST.bytes),
  /** What the curve goes on from: the step of the epoch after which the loss was last read, what `curve.sums` counts, and the epoch's readings. */
  curve: z.strictObject({ read: steps, batches: steps, images: steps, epoch: sums }),
  /** How steps run: it decides the order of sums, so a resumed run keeps it. Absent: everything is kept. */
  rematerialization: towers.optional(),
  /** Early stopping: the best validation accuracy and its epoch. */
  best: z.strictObject({ accuracy: z.number().min(0).max(100), epoch }).optional(),
  /** Epoch that early stopping ended after. */
  stoppedAfter: epoch.optional(),
});

/** What a checkpoint says beside its tensors. */
export type Position = z.infer<typeof written>;

const schema = written
  .extend({ [OLDER]: olderTowers.optional() })
  .transform(({ [OLDER]: older, ...position }): Position => (older ? { ...position, rematerialization: older } : position));

/** The curve at the beginning of an epoch. */
export const NO_CURVE: Position['curve'] = { read: 0, batches: 0, images: 0, epoch: { batches: 0, loss: 0, accuracy: 0 } };

/** Where training ends: a position beyond it is none of this run. */
export interface Extent {
  readonly epochs: number;
  readonly updates: number;
}

/** The tensors of a run that training changes. */
export interface Learning {
  readonly method: PromptMethod;
  readonly optimizer: Pick<Optimizer<never>, 'stateDict' | 'loadStateDict'>;
  /** Sums of the loss since it was last read. */
  readonly sums: Tensor;
  /** Copies of what was learnt at the best epoch, by name; empty without early stopping. */
  readonly best: ReadonlyMap<string, Tensor>;
}

/**
 * Writes the state of `learning` if all of it is finite.
 * @throws NotFiniteError, and then nothing is written; FormatError when the disk refuses
 */
export async function writeCheckpoint(
  path: string,
  learning: Learning,
  position: Position,
  options: Pick<WriteFileOptions, 'disk' | 'previous'> = {},
): Promise<void> {
  const states = learning.optimizer.stateDict();
  try {
    const tensors = Object.entries({ ...named(learning), ...prefixed('optimizer', Object.entries(states)) });
    await expectFinite('checkpoint', 'the state of training', tensors, learning.sums.device, 'use a smaller learning rate');
    await writeSafetensors(path, new Map(tensors.map(([name, tensor]) => [name, tensorToWrite(tensor)])), {
      ...options,
      checksum: true,
      metadata: { position: JSON.stringify(position) },
    });
  } finally {
    for (const state of Object.values(states)) state.dispose();
  }
}

/** @throws FormatError when the file is no checkpoint, damaged, of another version, or its position lies beyond `extent` */
export async function readPosition(path: string, extent?: Extent): Promise<Position> {
  await using file = await openSafetensors(path, { checksum: true });
  return positionOf(file.metadata, path, extent);
}

/** @throws FormatError when a checkpoint at `path` belongs to another configuration, other data or another model */
export function expectSameRun(path: string, { marks }: Pick<Position, 'marks'>, expected: RunMarks): void {
  const [first] = differences(marks, expected);
  if (first) throw new FormatError('resume', `${path} was made with ${first.what}`, first.fix);
}

/**
 * Copies a checkpoint's values into `learning`, all or none.
 * @throws FormatError when it belongs to another run or is no checkpoint; NotFiniteError when its numbers are not finite
 */
export async function loadCheckpoint(path: string, learning: Learning, expected: RunMarks, extent?: Extent): Promise<Position> {
  await using file = await openSafetensors(path, { checksum: true });
  const position = positionOf(file.metadata, path, extent);
  expectSameRun(path, position, expected);
  const states = learning.optimizer.stateDict();
  const targets = { ...named(learning), ...prefixed('optimizer', Object.entries(states)) };
  const saved = new Map<string, Tensor>();
  try {
    const differ = [...new Set([...Object.keys(targets), ...file.tensors.keys()])].filter(
      (name) => targets[name]?.shape.join() !== file.tensors.get(name)?.shape.join() || !(name in targets),
    );
    if (differ.length > 0)
      throw new FormatError(
        'resume',
        `${path} was made with other tensors (${differ.slice(0, 4).join(', ')})`,
        'start a new run',
      );
    for (const [name, { size, device, dtype }] of Object.entries(targets))
      if (size > 0) saved.set(name, await loadTensor(file, name, { device, dtype }));
    const { device } = learning.sums;
    await expectFinite(
      'resume',
      path,
      saved,
      device,
      'remove it: the run goes on from the generation before, or start a new run',
    );
    for (const [name, tensor] of saved) copyInto(targets[name] as Tensor, tensor);
  } finally {
    for (const tensor of [...Object.values(states), ...saved.values()]) tensor.dispose();
  }
  return position;
}

function positionOf(metadata: Readonly<Record<string, string>>, path: string, extent?: Extent): Position {
  const fail = (problem: string, fix = 'start a new run', cause?: unknown) =>
    new FormatError('resume', `${path} ${problem}`, fix, { cause });
  let value: unknown;
  try {
    value = JSON.parse(metadata['position'] ?? '');
  } catch (cause) {
    throw fail('is no checkpoint of this program', undefined, cause);
  }
  const { format } = (value ?? {}) as { format?: unknown };
  if (typeof format === 'number' && format !== FORMAT)
    throw fail(
      `is a checkpoint of format ${format}, and this version reads ${FORMAT}`,
      'go on with the version that wrote it, or start a new run',
    );
  const { success, data, error } = schema.safeParse(value);
  if (!success) throw fail(`is no checkpoint of this program (${error.issues[0]?.path.join('.')}: ${error.issues[0]?.message})`);
  if (
    extent &&
    (data.epoch > extent.epochs || data.step >= Math.max(1, extent.updates) || (data.epoch === extent.epochs && data.step > 0))
  )
    throw fail(
      `stands at step ${data.step} of epoch ${data.epoch}, and the run has ${extent.epochs} epochs of ${extent.updates} steps`,
    );
  return data;
}

function named({ method, sums: counted, best }: Learning): Record<string, Tensor> {
  const curve = [['sums', counted]] as const;
  return {
    ...prefixed('learnt', method.learnable),
    ...prefixed('method', method.state),
    ...prefixed('curve', curve),
    ...prefixed('best', best),
  };
}

function prefixed(prefix: string, tensors: Iterable<readonly [string, Tensor]>): Record<string, Tensor> {
  return Object.fromEntries([...tensors].map(([name, tensor]) => [`${prefix}.${name}`, tensor]));
}
