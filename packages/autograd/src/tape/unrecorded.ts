/**
 * Marks of tensors that depend on a gradient whose computation a tape has not recorded: its own backward, or one of ops that ran before it listened.
 * A loss computed from them would have a wrong gradient.
 */
import { type Tensor, TensorError } from '@mudpt/tensor/functions';
import { type Listener, type OpHook, outerTape } from '@mudpt/tensor/internal';
import { carriesGradient } from '../rule.ts';
import type { Slots } from './slots.ts';

const marksOf = new WeakMap<OpHook, Unrecorded>();

export class Unrecorded {
  private readonly marked = new WeakSet<Tensor>();
  private hasMarks = false;

  constructor(private readonly slots: Slots) {}

  /** Makes these the marks of the tape that listens with `hook`. */
  belongTo(hook: OpHook): void {
    marksOf.set(hook, this);
  }

  /** Whether work must be followed at all. */
  get isFollowing(): boolean {
    return this.hasMarks;
  }

  mark(tensor: Tensor): void {
    if (!carriesGradient(tensor)) return;
    this.marked.add(tensor);
    this.hasMarks = true;
  }

  unmark(tensor: Tensor): void {
    this.marked.delete(tensor);
  }

  /** Marks `results` where one of `inputs` is marked. */
  follow(inputs: readonly Tensor[], results: readonly Tensor[]): void {
    if (!inputs.some((tensor) => this.marked.has(tensor) && !this.slots.isParameter(tensor))) return;
    for (const tensor of results) this.mark(tensor);
  }

  /** Throws when a gradient, which this tape has not recorded, went into `loss`. */
  expectRecorded(loss: Tensor): void {
    if (!this.marked.has(loss)) return;
    throw new TensorError(
      'backward',
      'the loss depends on a gradient whose computation this tape has not recorded: its own backward, or one of ops that ran before it listened',
      'compute that gradient, forward and backward, on a tape of its own inside of this one (grad does), or use detach(gradient) as a constant',
    );
  }
}

/** Marks `gradients` on `listener` and the tapes outside of it. */
export function markOn(listener: Listener | undefined, gradients: readonly Tensor[]): void {
  for (let tape = listener; tape; tape = outerTape(tape))
    for (const gradient of gradients) marksOf.get(tape.hook)?.mark(gradient);
}
