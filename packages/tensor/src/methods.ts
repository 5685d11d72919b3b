/**
 * Operations as methods: `x.mul(2).sum(-1)` is `sum(mul(x, 2), -1)`. Names, parameters and documentation are those of the functions in
 * chainable.ts; a method calls its function, so tapes and captures record it as usual.
 */
import type { Op } from './definition/op.ts';
import { Profiler } from './engine/profiler.ts';
import { profiling } from './engine/profiling.ts';
import { tracing } from './engine/tracing.ts';
import { tunedTableOf } from './engine/tuned-adapters.ts';
import * as chainable from './chainable.ts';
import { firstUse } from './device.ts';
import { countCorrect } from './ops/losses/count-correct.ts';
import { einsum } from './ops/products/einsum.ts';
import { cat, stack } from './ops/views/join.ts';
import {
  randBeta,
  randDirichlet,
  randExponential,
  randGamma,
  randGumbel,
  randLaplace,
  randPoisson,
  truncatedNormal,
} from './ops/generate/distributions.ts';
import { bernoulli, rand, randint, randn, randomWords } from './ops/create/random.ts';
import { randperm } from './ops/order/sort.ts';
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
type Sources = typeof import('./ops/attention/attention.ts') &
  typeof import('./ops/attention/attention-qkv.ts') &
  typeof import('./ops/order/bincount.ts') &
  typeof import('./ops/products/cdist.ts') &
  typeof import('./ops/images/conv2d.ts') &
  typeof import('./ops/images/conv-axes.ts') &
  typeof import('./ops/images/conv-transpose.ts') &
  typeof import('./ops/images/pool.ts') &
  typeof import('./ops/images/pool-axes.ts') &
  typeof import('./ops/images/unfold.ts') &
  typeof import('./ops/images/resize.ts') &
  typeof import('./ops/images/grid-sample.ts') &
  typeof import('./ops/views/shuffle.ts') &
  typeof import('./ops/norms/channel-norm.ts') &
  typeof import('./ops/losses/class-losses.ts') &
  typeof import('./ops/indexing/coordinates.ts') &
  typeof import('./ops/views/copy.ts') &
  typeof import('./ops/losses/cross-entropy.ts') &
  typeof import('./ops/generate/distributions.ts') &
  typeof import('./ops/generate/draws.ts') &
  typeof import('./ops/norms/gates.ts') &
  typeof import('./ops/indexing/gather.ts') &
  typeof import('./ops/views/join.ts') &
  typeof import('./ops/linalg/lu.ts') &
  typeof import('./ops/linalg/orthogonal.ts') &
  typeof import('./ops/linalg/triangular.ts') &
  typeof import('./ops/products/linear.ts') &
  typeof import('./ops/losses/losses.ts') &
  typeof import('./ops/indexing/masks.ts') &
  typeof import('./ops/products/matmul.ts') &
  typeof import('./ops/products/matrices.ts') &
  typeof import('./ops/norms/norm.ts') &
  typeof import('./ops/views/pad.ts') &
  typeof import('./ops/norms/normalize.ts') &
  typeof import('./ops/losses/pointwise-losses.ts') &
  typeof import('./pointwise/ops.ts') &
  typeof import('./ops/reduce/reduce.ts') &
  typeof import('./ops/attention/rope.ts') &
  typeof import('./ops/reduce/scan.ts') &
  typeof import('./ops/indexing/scatter.ts') &
  typeof import('./ops/order/search.ts') &
  typeof import('./ops/views/slices.ts') &
  typeof import('./ops/norms/softmax.ts') &
  typeof import('./ops/order/sort.ts') &
  typeof import('./ops/order/statistics.ts') &
  typeof import('./ops/views/views.ts');
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
firstUse.tableOf = tunedTableOf;
firstUse.measure = async (device) => {
  // A dynamic import, so that a bundler keeps measuring in a separate file.
  const { measureFirst } = await import('./first-use.ts');
  await measureFirst(device);
};
firstUse.prove = async (device) => {
  const { proveChosen } = await import('./kernels/gemm/check.ts');
  await proveChosen(device);
};
