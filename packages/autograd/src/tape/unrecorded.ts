/**
 * Marks of tensors that depend on a gradient, or on ops that a nested tape recorded: a loss computed from them would have a wrong gradient, as long
 * as there are no second derivatives.
 */
import { type Tensor, TensorError } from '@mudpt/tensor';
import { carriesGradient } from '../rule.ts';
import type { Slots } from './slots.ts';

export class Unrecorded {
  private readonly marked = new WeakSet<Tensor>();
  private hasMarks = false;

  /** @param hidden the marks of the surrounding tape, whose ops this one records instead */
  constructor(
    private readonly slots: Slots,
    private readonly hidden: Unrecorded | undefined,
  ) {}

  /** Whether work must be followed at all. */
  get isFollowing(): boolean {
    return this.hasMarks || this.hidden !== undefined;
  }

  mark(tensor: Tensor): void {
    if (!carriesGradient(tensor)) return;
    this.marked.add(tensor);
    this.hasMarks = true;
  }

  unmark(tensor: Tensor): void {
    this.marked.delete(tensor);
  }

  /** Marks `results` on every tape for which one of `inputs` is marked. */
  follow(inputs: readonly Tensor[], results: readonly Tensor[]): void {
    if (this.hasMarks && inputs.some((tensor) => this.marked.has(tensor) && !this.slots.isParameter(tensor)))
      for (const tensor of results) this.mark(tensor);
    this.hide(inputs, results);
  }

  /** Marks the results of work that only this tape recorded in the surrounding tapes. */
  hide(inputs: readonly Tensor[], results: readonly Tensor[]): void {
    for (let outer = this.hidden; outer; outer = outer.hidden) {
      const { slots, marked } = outer;
      if (!inputs.some((tensor) => slots.needs(tensor) || marked.has(tensor))) continue;
      for (const tensor of results) if (!inputs.includes(tensor)) outer.mark(tensor);
    }
  }

  /** Throws when a gradient, which no tape has recorded, went into `loss`. */
  expectFirstOrder(loss: Tensor): void {
    if (!this.marked.has(loss)) return;
    throw new TensorError(
      'backward',
      'the loss depends on a gradient, or on what a tape inside this one recorded, and there are no second derivatives yet',
      'use detach(gradient) where it counts as a constant, or write the derivative out with ops',
    );
  }
}
