/**
 * Checkpoints: the state of training in one safetensors file that is replaced as a whole, so that a run killed at any instant finds the state before
 * or the state after, never a mixture. The previous checkpoint is kept beside it.
 *
 * Tensors: `learnt.<name>`, `method.<name>` (what else the method carries on), `optimizer.<state>.<name>`, `curve.sums` (of the loss since it
 * was last read), and where validation decides `best.<name>`. Order and augmentation of images follow from seed, epoch and step, so those numbers
 * are all there is to save of them.
 */
import {
  copyInto,
  FormatError,
  InputError,
  loadTensor,
  openSafetensors,
  type Tensor,
  tensorToWrite,
  type WriteFileOptions,
  writeSafetensors,
} from '@mudpt/tensor';
import { isEqual } from '@mudpt/tensor/internal';
import * as z from 'zod';
import { expectFinite } from '../../evaluation/finite.ts';
import type { Extent, TrainingState } from '../../train/state.ts';
import { differences, marksSchema, type RunMarks } from '../settings/identity.ts';

export const CHECKPOINT_FORMAT = 2;
const MOST = { epochs: 1e6, steps: 1e9, microBatches: 1024, bytes: 2 ** 40 };

const microBatches = z.int().nonnegative().max(MOST.microBatches);
const tower = z.strictObject({ recompute: z.union([z.boolean(), z.literal('selective')]), microBatches });
const towers = z.strictObject({ text: tower, image: tower });
/** Names of the same things in checkpoints of earlier versions. */
const OLDER = 'economy';
const olderTower = z
  .strictObject({ recompute: z.boolean(), parts: microBatches })
  .transform(({ recompute, parts }) => ({ recompute, microBatches: parts }));
const olderTowers = z.strictObject({ text: olderTower, image: olderTower });
const epoch = z.int().nonnegative().max(MOST.epochs);
const steps = z.int().nonnegative().max(MOST.steps);
const sums = z.strictObject({ batches: steps, loss: z.number(), accuracy: z.number() });

const written = z.strictObject({
  format: z.literal(CHECKPOINT_FORMAT),
  /** Hashes of configuration, data and model. */
  marks: marksSchema,
  /** The next step to do: `step` of `epoch`, both from 0. */
  epoch,
  step: steps,
  /** Seconds of training so far. */
  seconds: z.number().nonnegative(),
  /** Length of metrics.jsonl. */
  metricsBytes: z.int().nonnegative().max(MOST.bytes),
  /** State of the loss curve: the step of the epoch after which the loss was last read, the count in `curve.sums`, and the epoch's readings. */
  curve: z.strictObject({ read: steps, batches: steps, images: steps, epoch: sums }),
  /** How steps run: it decides the order of sums, so a resumed run keeps it. Absent: everything is kept. */
  rematerialization: towers.optional(),
  /** The best validation accuracy and its epoch, where validation decides. */
  best: z.strictObject({ accuracy: z.number().min(0).max(100), epoch }).optional(),
  /** Epoch that early stopping ended after. */
  stoppedAfter: epoch.optional(),
});

/** The metadata of a checkpoint, besides its tensors. */
export type Position = TrainingState & {
  readonly format: typeof CHECKPOINT_FORMAT;
  readonly marks: RunMarks;
  /** Length of metrics.jsonl. */
  readonly metricsBytes: number;
};

const schema = written
  .extend({ [OLDER]: olderTowers.optional() })
  .transform(({ [OLDER]: older, ...position }): Position => (older ? { ...position, rematerialization: older } : position));

/**
 * Writes tensors, which are finite, and where training stands.
 * @throws FormatError when the disk refuses
 */
export async function writeCheckpoint(
  path: string,
  tensors: ReadonlyMap<string, Tensor>,
  position: Position,
  options: Pick<WriteFileOptions, 'disk' | 'previous'> = {},
): Promise<void> {
  await writeSafetensors(path, new Map([...tensors].map(([name, tensor]) => [name, tensorToWrite(tensor)])), {
    ...options,
    checksum: true,
    metadata: { position: JSON.stringify(position) },
  });
}

/** @throws FormatError when the file is no checkpoint, damaged, of another version, or its position lies beyond `extent` */
export async function readPosition(path: string, extent?: Extent): Promise<Position> {
  await using file = await openSafetensors(path, { checksum: true });
  return positionOf(file.metadata, path, extent);
}

/** @throws InputError when a checkpoint at `path` belongs to another configuration, other data or another model */
export function expectSameRun(path: string, { marks }: Pick<Position, 'marks'>, expected: RunMarks): void {
  const [first] = differences(marks, expected);
  if (first) throw new InputError('resume', `${path} was made with ${first.what}`, first.fix);
}

/**
 * Copies a checkpoint's values into tensors of the same names, all or none.
 * @throws InputError when it belongs to another run; FormatError when it is no checkpoint; NotFiniteError when its numbers are not finite
 */
export async function loadCheckpoint(
  path: string,
  targets: ReadonlyMap<string, Tensor>,
  expected: RunMarks,
  extent?: Extent,
): Promise<Position> {
  await using file = await openSafetensors(path, { checksum: true });
  const position = positionOf(file.metadata, path, extent);
  expectSameRun(path, position, expected);
  const differ = [...new Set([...targets.keys(), ...file.tensors.keys()])].filter(
    (name) => !hasShape(targets.get(name), file.tensors.get(name)),
  );
  if (differ.length > 0)
    throw new FormatError('resume', `${path} was made with other tensors (${differ.slice(0, 4).join(', ')})`, 'start a new run');
  const saved = new Map<string, Tensor>();
  try {
    for (const [name, { size, device, dtype }] of targets)
      if (size > 0) saved.set(name, await loadTensor(file, name, { device, dtype }));
    const fix = 'remove it: the run goes on from the generation before, or start a new run';
    const [device] = [...saved.values()].map((tensor) => tensor.device);
    if (device) await expectFinite('resume', path, saved, device, fix);
    for (const [name, tensor] of saved) copyInto(targets.get(name) as Tensor, tensor);
  } finally {
    for (const tensor of saved.values()) tensor.dispose();
  }
  return position;
}

function hasShape(target: Pick<Tensor, 'shape'> | undefined, saved: Pick<Tensor, 'shape'> | undefined): boolean {
  return target !== undefined && saved !== undefined && isEqual(target.shape, saved.shape);
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
  if (typeof format === 'number' && format !== CHECKPOINT_FORMAT)
    throw fail(
      `is a checkpoint of format ${format}, and this version reads ${CHECKPOINT_FORMAT}`,
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
