import { contiguous, mul, ones, scope, type Tensor } from '@mudpt/tensor/functions';
import { expectShare } from '../checks.ts';
import { dropout } from '../ops.ts';
import { nextStream } from '../random.ts';
import { Module } from './module.ts';

export { dropout };
export type { DropoutOptions } from '@mudpt/tensor/functions';

/** Dropout of whole channels of x [N, C, ...] while training: all cells of one are kept or become 0. f32. */
export class Dropout2d extends Module {
  constructor(readonly p = 0.5) {
    super();
    expectShare('Dropout2d', 'p', p);
  }

  forward(x: Tensor): Tensor {
    if (!this.training || this.p === 0) return contiguous(x);
    return scope(() => {
      const shape = x.shape.map((size, axis) => (axis < 2 ? size : 1));
      return mul(x, dropout(ones(shape, { device: x.device }), { p: this.p, ...nextStream('Dropout2d') }));
    });
  }
}

/** Dropout while training; draws from the source set by `withSeed`. In evaluation x passes unchanged. */
export class Dropout extends Module {
  constructor(readonly p = 0.5) {
    super();
    expectShare('Dropout', 'p', p);
  }

  forward(x: Tensor): Tensor {
    return this.training && this.p > 0 ? dropout(x, { p: this.p, ...nextStream('Dropout') }) : contiguous(x);
  }
}
