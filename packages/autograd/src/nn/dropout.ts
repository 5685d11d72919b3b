import { wgsl } from '@mudpt/shaders';
import { contiguous, DTypeError, empty, LimitError, mul, ones, scope, type Tensor } from '@mudpt/tensor';
import { defineOp, grid1d, kernel, workPerThread } from '@mudpt/tensor/kernels';
import { nextStream } from '../random.ts';
import { defineRule } from '../rule.ts';
import { Module } from './module.ts';

const dropoutKernel = kernel({ name: 'dropout', source: wgsl['dropout.wgsl'], strided: true });

/** Options of {@link dropout}. */
export type DropoutOptions = {
  /** Probability that an element becomes 0; the others are divided by 1 - p. */
  readonly p: number;
  /** A number, or a u32 tensor of one element that a captured step can change. */
  readonly seed: number | Tensor;
  /** Calls with one seed and different streams are independent. */
  readonly stream: number;
};

/** Sets elements to 0 by a counter-based random stream: the same seed, stream and position give the same choice on every adapter. */
export const dropout = defineOp('dropout', (x: Tensor, options: DropoutOptions): Tensor => run(x, options));

defineRule(dropout, (context, x, options) => {
  const seed = typeof options.seed === 'number' ? options.seed : context.save(options.seed);
  // The choice is made again instead of being kept.
  return { output: dropout(x, options), inputs: [x], backward: (grad) => [dropout(grad, { ...options, seed })] };
});

function run(x: Tensor, { p, seed, stream }: DropoutOptions): Tensor {
  if (!(p >= 0 && p < 1)) throw new LimitError('dropout', `p is ${p}`, 'give a probability from 0 up to, but not, 1');
  if (x.dtype !== 'f32') throw new DTypeError('dropout', `x has dtype ${x.dtype}`, "use f32, for instance x.cast('f32')");
  using flat = contiguous(x);
  const y = empty(x.device, x.shape);
  const { group, vectors } = workPerThread(x.device, 'dropout', 'flat');
  dropoutKernel.dispatch(x.device, {
    buffers: { x: flat, y, ...(typeof seed === 'object' && { seed }) },
    params: {
      count: x.size,
      x_offset: flat.offset,
      seed_value: typeof seed === 'number' ? seed >>> 0 : seed.offset,
      stream_number: stream,
      threshold: Math.round(p * 2 ** 24),
      scale: 1 / (1 - p),
    },
    grid: grid1d(Math.ceil(x.size / 4), group * vectors),
    defines: { SEEDED: typeof seed === 'object' ? 1 : 0, V: flat.offset % 4 === 0 ? 4 : 1, WG: group, PER: vectors },
    bytes: 8 * x.size,
  });
  return y;
}

/** Dropout of whole channels of x [N, C, ...] while training: all cells of one are kept or become 0. f32. */
export class Dropout2d extends Module {
  constructor(readonly p = 0.5) {
    super();
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
  }

  forward(x: Tensor): Tensor {
    return this.training && this.p > 0 ? dropout(x, { p: this.p, ...nextStream('Dropout') }) : contiguous(x);
  }
}
