import { contiguous, type Tensor } from '@mudpt/tensor';
import { dropout } from '@mudpt/tensor/internal';
import { nextStream } from '../random.ts';
import { Module } from './module.ts';

export { dropout };
export type { DropoutOptions } from '@mudpt/tensor';

/** Dropout while training; draws from the source set by `withSeed`. In evaluation x passes unchanged. */
export class Dropout extends Module {
  constructor(readonly p = 0.5) {
    super();
  }

  forward(x: Tensor): Tensor {
    return this.training && this.p > 0 ? dropout(x, { p: this.p, ...nextStream('Dropout') }) : contiguous(x);
  }
}
