/** Tape entries: one recorded op and its backward. */
import { add, alias, cast, type DType, scope, type Tensor, TensorError } from '@mudpt/tensor/functions';
import { type Listener, traced, unowned, withListener } from '@mudpt/tensor/internal';
import { sameShape } from '@mudpt/tensor/kernels';
import type { InputGradients } from '../rule.ts';
import { sumTo } from '../rules/adjoints.ts';
import { differentiatedTwice } from './twice.ts';

/** The slot of a tensor whose gradient is needed. */
export type Slot = {
  readonly shape: readonly number[];
  readonly dtype: DType;
  /** The handle its gradient is reported for; undefined for intermediates, whose gradients are released once used. */
  watched: Tensor | undefined;
  /** Whether the op that it came from has run backward: gradients that arrive later would go no further. */
  isSpent: boolean;
};

/** Gradients of the loss with respect to the tensors that the backward has reached so far; no scope owns them. */
export type Cotangents = Map<Slot, Tensor>;

export type Entry = {
  readonly op: string;
  readonly inputs: readonly (Slot | undefined)[];
  readonly outputs: readonly Slot[];
  readonly saved: readonly Tensor[];
  /** The write count of each saved tensor's memory when it was saved. */
  readonly versions: readonly number[];
  /** Saved objects other than tensors that hold memory until the backward has run. */
  readonly savedResources: readonly Disposable[];
  /** Whether `backward` takes gradients in f32 of outputs in f16. */
  readonly takesF32: boolean;
  /** May add to `cotangents` itself: checkpoints do, to keep the order of additions. */
  backward(grads: readonly (Tensor | undefined)[], cotangents: Cotangents): InputGradients;
};

/**
 * Runs one entry backward: takes the cotangents of its outputs, adds those of its inputs.
 * @param tape the one that records this backward, if any
 */
export function stepBack(entry: Entry, cotangents: Cotangents, tape: Listener | undefined): void {
  const grads = entry.outputs.map((slot) => cotangents.get(slot));
  if (!grads.some((grad) => grad)) return;
  expectUnchanged(entry);
  for (const slot of entry.inputs) if (slot) expectUnspent(slot);
  const backward = (): readonly (Tensor | undefined)[] => scope(() => gradientsOf(entry, grads, cotangents));
  const arrived = tape ? withListener(differentiatedTwice(entry.op, tape), backward) : backward();
  entry.outputs.forEach((slot) => slot.watched || drop(slot, cotangents));
  arrived.forEach((gradient, index) => {
    const slot = entry.inputs[index];
    if (gradient && slot) accumulate(slot, gradient, cotangents);
  });
}

/**
 * The gradients of an entry's inputs, in the shapes and dtypes of these: broadcasting and promotion of the forward are undone here, for all rules. An f32
 * gradient of an f16 tensor stays f32 until it is reported.
 */
function gradientsOf(
  entry: Entry,
  grads: readonly (Tensor | undefined)[],
  cotangents: Cotangents,
): readonly (Tensor | undefined)[] {
  const taken = grads.map((grad, index) => {
    const dtype = entry.outputs[index]?.dtype;
    return grad && dtype && dtype !== grad.dtype && !entry.takesF32 ? cast(grad, dtype) : grad;
  });
  return entry.backward(taken, cotangents).map((gradient, index) => {
    const slot = entry.inputs[index];
    if (!gradient || !slot) return undefined;
    traced(`backward of ${entry.op}`, [grads, entry.saved], gradient);
    const summed = sameShape(gradient.shape, slot.shape) ? gradient : sumTo(gradient, slot.shape);
    const staysWide = slot.dtype === 'f16' && summed.dtype === 'f32' && !slot.watched;
    return staysWide ? alias(summed) : cast(summed, slot.dtype);
  });
}

/** A gradient from other values than the forward's would be wrong. */
function expectUnchanged({ op, saved, versions }: Entry): void {
  const changed = saved.find(({ storage }, index) => storage.version !== versions[index]);
  if (!changed) return;
  throw new TensorError(
    op,
    `a tensor of shape [${changed.shape.join(', ')}] that its gradient reads was written in place after the forward`,
    'write into it after the backward, or into a copy: contiguousCopy(x)',
  );
}

/** Throws where a gradient arrives at, or starts from, a tensor whose op an earlier backward has used up. */
export function expectUnspent(slot: Slot): void {
  if (!slot.isSpent) return;
  throw new TensorError(
    'backward',
    `the gradient of a tensor of shape [${slot.shape.join(', ')}] would go no further: an earlier backward has used up what was recorded of it`,
    'sum the losses and run one backward, or compute the tensor again',
  );
}

/** Releases the saved tensors of an entry. */
export function release({ saved, savedResources }: Pick<Entry, 'saved' | 'savedResources'>): void {
  for (const tensor of saved) tensor.dispose();
  for (const other of savedResources) other[Symbol.dispose]();
}

/** Adds a gradient, which it takes over. No scope owns cotangents: a checkpoint's backward adds to them from within its scope. */
function accumulate(slot: Slot, gradient: Tensor, cotangents: Cotangents): void {
  const before = cotangents.get(slot);
  cotangents.set(slot, unowned(before ? add(before, gradient) : gradient));
  if (before) {
    before.dispose();
    gradient.dispose();
  }
}

function drop(slot: Slot, cotangents: Cotangents): void {
  cotangents.get(slot)?.dispose();
  cotangents.delete(slot);
}
