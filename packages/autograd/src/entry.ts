/** One recorded op and how its gradients flow back. */
import { add, alias, cast, type DType, keep, scope, type Tensor, TensorError } from '@mudpt/tensor';
import { sumTo } from '@mudpt/tensor/internal';
import type { InputGradients } from './rule.ts';

/** Stands for a tensor whose gradient is wanted. */
export type Slot = {
  readonly shape: readonly number[];
  readonly dtype: DType;
  /** The handle its gradient is reported for; undefined for intermediates, whose gradients are released once used. */
  watched: Tensor | undefined;
};

/** Gradients so far, while a backward runs. */
export type Pending = Map<Slot, Tensor>;

export type Entry = {
  readonly op: string;
  readonly inputs: readonly (Slot | undefined)[];
  readonly outputs: readonly Slot[];
  readonly saved: readonly Tensor[];
  /** What the memory of each saved tensor counted when it was saved. */
  readonly versions: readonly number[];
  /** What else lives until the backward has run. */
  readonly held: readonly Disposable[];
  /** May also add to `pending` itself (checkpoints do, to keep the order of additions). */
  backward(grads: readonly (Tensor | undefined)[], pending: Pending): InputGradients;
};

/** Runs one entry backward: takes the gradients of its outputs out of `pending`, adds those of its inputs, releases what it saved. */
export function stepBack(entry: Entry, pending: Pending): void {
  const grads = entry.outputs.map((slot) => pending.get(slot));
  try {
    if (!grads.some((grad) => grad)) return;
    expectUnchanged(entry);
    const arrived = scope(() =>
      entry.backward(grads, pending).map((gradient, index) => {
        const slot = entry.inputs[index];
        // Broadcasting and promotion of the forward are undone here, for all rules.
        if (!gradient || !slot) return undefined;
        const summed = sumTo(gradient, slot.shape);
        return summed.dtype === slot.dtype ? alias(summed) : cast(summed, slot.dtype);
      }),
    );
    entry.outputs.forEach((slot) => slot.watched || drop(slot, pending));
    arrived.forEach((gradient, index) => {
      const slot = entry.inputs[index];
      if (gradient && slot) accumulate(slot, gradient, pending);
    });
  } finally {
    release(entry);
  }
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

/** Releases what an entry keeps alive. */
export function release({ saved, held }: Pick<Entry, 'saved' | 'held'>): void {
  for (const tensor of saved) tensor.dispose();
  for (const other of held) other[Symbol.dispose]();
}

/** Adds a gradient, which it takes over. What is pending belongs to no scope: a checkpoint's backward adds to it from within its own. */
function accumulate(slot: Slot, gradient: Tensor, pending: Pending): void {
  const before = pending.get(slot);
  pending.set(slot, keep(before ? add(before, gradient) : gradient));
  if (before) {
    before.dispose();
    gradient.dispose();
  }
}

function drop(slot: Slot, pending: Pending): void {
  pending.get(slot)?.dispose();
  pending.delete(slot);
}
