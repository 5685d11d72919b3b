/** The tensors that need a gradient, each with its slot: handles may be disposed while their gradients are still to come. */
import type { Tensor } from '@mudpt/tensor/functions';
import { isTrainable } from '../parameter.ts';
import type { Slot } from './entry.ts';

export class Slots {
  private readonly slots = new WeakMap<Tensor, Slot>();

  /** @param hasParameters whether tensors marked with `parameter` need a gradient without being watched */
  constructor(readonly hasParameters: boolean) {}

  /** Whether a gradient is needed for `tensor`. */
  needs(tensor: Tensor): boolean {
    return this.slots.has(tensor) || this.isParameter(tensor);
  }

  isParameter(tensor: Tensor): boolean {
    return this.hasParameters && isTrainable(tensor);
  }

  /** The slot of a tensor that needs a gradient. */
  of(tensor: Tensor): Slot | undefined {
    const known = this.slots.get(tensor);
    return known || !this.isParameter(tensor) ? known : this.watch(tensor);
  }

  /** The slot of `tensor`, whose gradient is reported from now on. */
  watch(tensor: Tensor): Slot {
    const slot = this.slots.get(tensor) ?? this.add(tensor);
    slot.watched = tensor;
    return slot;
  }

  /** A new slot for a result. */
  add(tensor: Tensor): Slot {
    const slot: Slot = { shape: tensor.shape, dtype: tensor.dtype, watched: undefined, isSpent: false };
    this.slots.set(tensor, slot);
    return slot;
  }

  /** Maps `tensor` to a slot of another tape. */
  bind(tensor: Tensor, slot: Slot): void {
    this.slots.set(tensor, slot);
  }
}
