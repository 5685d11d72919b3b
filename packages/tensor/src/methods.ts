/**
 * Operations as methods: `x.mul(2).sum(-1)` is `sum(mul(x, 2), -1)`. Names, parameters and documentation are those of the functions in
 * chainable.ts; a method calls its function, so tapes and captures record it as usual.
 */
import type { Op } from './definition/op.ts';
import { Profiler } from './engine/profiler.ts';
import { profiling } from './engine/profiling.ts';
import { tracing } from './engine/tracing.ts';
import * as chainable from './chainable.ts';
import { countCorrect } from './ops/count-correct.ts';
import { einsum } from './ops/einsum.ts';
import { cat, stack } from './ops/join.ts';
import {
  randBeta,
  randDirichlet,
  randExponential,
  randGamma,
  randGumbel,
  randLaplace,
  randPoisson,
  truncatedNormal,
} from './ops/distributions.ts';
import { bernoulli, rand, randint, randn, randomWords } from './ops/random.ts';
import { randperm } from './ops/sort.ts';
import { traceFinite } from './kernels/finite-check.ts';
import { checkArguments } from './signatures.ts';
import { Tensor } from './tensor.ts';

/** The function without its first parameter; `never` for one that does not begin with a tensor. */
type Method<F> = F extends (x: infer First, ...rest: infer Rest) => infer Result
  ? Tensor extends First
    ? (...rest: Rest) => Result
    : never
  : never;

/**
 * The modules of the functions: a type derived from these modules keeps each function's documentation, one made from re-exports loses it.
 */
type Sources = typeof import('./ops/attention.ts') &
  typeof import('./ops/attention-qkv.ts') &
  typeof import('./ops/bincount.ts') &
  typeof import('./ops/cdist.ts') &
  typeof import('./ops/conv2d.ts') &
  typeof import('./ops/conv-axes.ts') &
  typeof import('./ops/conv-transpose.ts') &
  typeof import('./ops/pool.ts') &
  typeof import('./ops/pool-axes.ts') &
  typeof import('./ops/unfold.ts') &
  typeof import('./ops/resize.ts') &
  typeof import('./ops/grid-sample.ts') &
  typeof import('./ops/shuffle.ts') &
  typeof import('./ops/channel-norm.ts') &
  typeof import('./ops/class-losses.ts') &
  typeof import('./ops/coordinates.ts') &
  typeof import('./ops/copy.ts') &
  typeof import('./ops/cross-entropy.ts') &
  typeof import('./ops/distributions.ts') &
  typeof import('./ops/gates.ts') &
  typeof import('./ops/gather.ts') &
  typeof import('./ops/join.ts') &
  typeof import('./ops/linalg/lu.ts') &
  typeof import('./ops/linalg/orthogonal.ts') &
  typeof import('./ops/linalg/triangular.ts') &
  typeof import('./ops/linear.ts') &
  typeof import('./ops/losses.ts') &
  typeof import('./ops/masks.ts') &
  typeof import('./ops/matmul.ts') &
  typeof import('./ops/matrices.ts') &
  typeof import('./ops/norm.ts') &
  typeof import('./ops/pad.ts') &
  typeof import('./ops/normalize.ts') &
  typeof import('./ops/pointwise-losses.ts') &
  typeof import('./pointwise/ops.ts') &
  typeof import('./ops/reduce.ts') &
  typeof import('./ops/rope.ts') &
  typeof import('./ops/scan.ts') &
  typeof import('./ops/scatter.ts') &
  typeof import('./ops/search.ts') &
  typeof import('./ops/slices.ts') &
  typeof import('./ops/softmax.ts') &
  typeof import('./ops/sort.ts') &
  typeof import('./ops/statistics.ts') &
  typeof import('./ops/views.ts');
type Functions = Pick<Sources, keyof typeof chainable>;

/** Every operation of chainable.ts as a method. */
export type TensorMethods = { [Name in keyof Functions]: Method<Functions[Name]> };

declare module './tensor.ts' {
  interface Tensor extends TensorMethods {}
}

for (const [name, op] of Object.entries(chainable)) {
  const call = op as unknown as (x: Tensor, ...rest: readonly unknown[]) => unknown;
  Object.defineProperty(Tensor.prototype, name, {
    value: function method(this: Tensor, ...rest: readonly unknown[]): unknown {
      return call(this, ...rest);
    },
    writable: true,
    configurable: true,
  });
}

checkArguments([
  ...Object.values(chainable),
  ...[bernoulli, cat, countCorrect, einsum, rand, randint, randn, randomWords, randperm, stack],
  ...[randBeta, randDirichlet, randExponential, randGamma, randGumbel, randLaplace, randPoisson, truncatedNormal],
] as unknown as Op[]);

tracing.trace = traceFinite;
profiling.start = (gpu, wait) => new Profiler(gpu, wait);
