import type { Tensor } from '@mudpt/tensor';
import { Unsupported } from './options.ts';

/** The inputs of a case on the device, by argument name; `unread` tells those the operation did not ask for. */
export class Inputs {
  private readonly asked = new Set<string>();
  constructor(private readonly tensors: ReadonlyMap<string, Tensor>) {}

  get(name: string): Tensor {
    this.asked.add(name);
    const tensor = this.tensors.get(name);
    if (tensor === undefined) throw new Unsupported(`the case has no input ${name}`);
    return tensor;
  }

  /** All inputs in alphabetical order of their names, which is the order of concatenation. */
  all(): Tensor[] {
    return [...this.tensors.keys()].sort().map((name) => this.get(name));
  }

  unread(): string[] {
    return [...this.tensors.keys()].filter((name) => !this.asked.has(name));
  }
}
