/**
 * Random numbers of other distributions, from the generator of random.ts and with its options: element i depends on key, stream and i alone. Parameters are
 * numbers, or tensors that broadcast to the shape. No gradient flows to the parameters of gamma, beta, Dirichlet and Poisson numbers.
 */
import { rejectionWgsl } from '@mudpt/shaders';
import { type DType, expectDType, wgslType } from '../../dtype.ts';
import { LimitError, ShapeError } from '../../errors.ts';
import { defineOp } from '../../definition/op.ts';
import { empty } from '../../definition/views.ts';
import { grid1d, kernel } from '../../kernels/kernel.ts';
import {
  abs,
  add,
  clamp,
  div,
  erf,
  erfinv,
  lerp,
  log,
  log1p,
  lt,
  mul,
  neg,
  sigmoid,
  sign,
  sub,
  where,
} from '../../pointwise/ops.ts';
import type { Operand } from '../../pointwise/evaluate.ts';
import { scope } from '../../scope.ts';
import type { Shape } from '../../shape.ts';
import type { Tensor } from '../../tensor.ts';
import { cast, contiguous } from '../views/copy.ts';
import { full } from '../create/create.ts';
import { floatOf, openUniform, type RandomOptions, settleKey } from '../create/random.ts';
import { softmax } from '../norms/softmax.ts';
import { sum } from '../reduce/reduce.ts';
import { broadcastTo } from '../views/views.ts';

const rejectionKernel = kernel({ name: 'rejection', source: rejectionWgsl });

/** Separates the several draws that one result needs; a part of the generator's counter. */
type Salt = 1 | 2;

function expectPositive(op: string, name: string, value: Operand): void {
  if (typeof value === 'number' && !(value > 0)) throw new LimitError(op, `${name} is ${value}`, 'give a number above 0');
}

/** Draws by rejection, one parameter each. */
function rejection(
  op: string,
  kind: 'gamma' | 'log_gamma' | 'poisson',
  shape: Shape,
  parameter: Operand,
  dtype: DType,
  options: RandomOptions,
  salt: Salt = 1,
): Tensor {
  const { device, buffers, keyed, params } = settleKey(op, options);
  return scope(() => {
    const isNumber = typeof parameter === 'number';
    const values = isNumber ? full([1], parameter, { device }) : contiguous(broadcastTo(cast(parameter, 'f32'), shape));
    const out = empty(device, shape, dtype);
    rejectionKernel.dispatch(device, {
      buffers: { parameter: values, result: out, ...buffers },
      params: { ...params, count: out.size, salt, parameter_offset: values.offset, parameter_step: isNumber ? 0 : 1 },
      grid: grid1d(out.size, 64),
      defines: { KIND: kind, TR: wgslType(dtype), KEYED: keyed },
      flops: 200 * out.size,
      bytes: 8 * out.size,
    });
    return out;
  });
}

/** Exponential numbers of the given rate (mean 1 / rate, default 1); f32 (default) or f16. @throws LimitError for a rate that is not positive */
export const randExponential = defineOp(
  'randExponential',
  (shape: Shape, options: RandomOptions & { readonly rate?: Operand }): Tensor => {
    const { rate = 1 } = options;
    expectPositive('randExponential', 'rate', rate);
    const dtype = floatOf('randExponential', options.dtype);
    return scope(() => cast(div(neg(log(openUniform('randExponential', shape, options))), rate), dtype));
  },
);

/** Numbers of the Laplace distribution (default mean 0, scale 1: density exp(-|x|) / 2); f32 (default) or f16. @throws LimitError for a scale that is not positive */
export const randLaplace = defineOp(
  'randLaplace',
  (shape: Shape, options: RandomOptions & { readonly mean?: Operand; readonly scale?: Operand }): Tensor => {
    const { mean = 0, scale = 1 } = options;
    expectPositive('randLaplace', 'scale', scale);
    const dtype = floatOf('randLaplace', options.dtype);
    return scope(() => {
      const v = sub(mul(openUniform('randLaplace', shape, options), 2), 1);
      return cast(sub(mean, mul(scale, mul(sign(v), log1p(neg(abs(v)))))), dtype);
    });
  },
);

/** Numbers of the standard Gumbel distribution, -log(-log(u)): the largest of logits plus these is a draw by their softmax. f32 (default) or f16. */
export const randGumbel = defineOp('randGumbel', (shape: Shape, options: RandomOptions): Tensor => {
  const dtype = floatOf('randGumbel', options.dtype);
  return scope(() => cast(gumbel('randGumbel', shape, options), dtype));
});

/** -log(-log(u)), in the name of `op`. */
export const gumbel = (op: string, shape: Shape, options: RandomOptions): Tensor =>
  neg(log(neg(log(openUniform(op, shape, options)))));

/** Options of {@link truncatedNormal}. */
export type TruncatedNormalOptions = RandomOptions & {
  readonly mean?: number;
  readonly std?: number;
  /** Bounds of the result. Default: 2 standard deviations from the mean. */
  readonly low?: number;
  readonly high?: number;
};

/**
 * Normal numbers (default mean 0, std 1) between two bounds, by the inverse of the distribution function; f32 (default) or f16. With bounds beyond
 * about 5 standard deviations on one side few distinct numbers are left.
 * @throws LimitError for bounds or a std out of order
 */
export const truncatedNormal = defineOp('truncatedNormal', (shape: Shape, options: TruncatedNormalOptions): Tensor => {
  const { mean = 0, std = 1 } = options;
  const { low = mean - 2 * std, high = mean + 2 * std } = options;
  expectPositive('truncatedNormal', 'std', std);
  if (!(low < high)) throw new LimitError('truncatedNormal', `the bounds are ${low} and ${high}`, 'give the smaller one as low');
  const dtype = floatOf('truncatedNormal', options.dtype);
  return scope(() => {
    const u = openUniform('truncatedNormal', shape, options);
    const edge = (bound: number): Tensor => erf(full([], (bound - mean) / std / Math.SQRT2, { device: u.device }));
    return cast(clamp(add(mul(erfinv(lerp(edge(low), edge(high), u)), Math.SQRT2 * std), mean), low, high), dtype);
  });
});

/**
 * Gamma numbers of shape parameter `concentration`, over `rate` (default 1): mean concentration / rate. f32 (default) or f16. NaN where a tensor's
 * concentration is not positive; below about 0.02 many underflow to 0.
 * @throws LimitError for a number that is not positive, ShapeError where tensors do not broadcast to the shape
 */
export const randGamma = defineOp(
  'randGamma',
  (shape: Shape, concentration: Operand, options: RandomOptions & { readonly rate?: Operand }): Tensor => {
    const { rate = 1 } = options;
    expectPositive('randGamma', 'concentration', concentration);
    expectPositive('randGamma', 'rate', rate);
    const dtype = floatOf('randGamma', options.dtype);
    return scope(() => cast(div(rejection('randGamma', 'gamma', shape, concentration, 'f32', options), rate), dtype));
  },
);

/** From here on gamma numbers cannot underflow: the least uniform number is 2^-24. */
const LARGE = 0.2;

/** `part` over `total` of gamma numbers; of concentrations so small that all of them may underflow, from their logarithms. */
function shares(part: Tensor, total: Tensor, concentrations: readonly Operand[], fromLogs: () => Tensor): Tensor {
  const ratio = div(part, total);
  if (concentrations.every((value) => typeof value === 'number' && value >= LARGE)) return ratio;
  return where(lt(total, 1e-30), fromLogs(), ratio);
}

/** Beta numbers, X / (X + Y) of gamma numbers X and Y with concentrations a and b; f32 (default) or f16. @throws as randGamma */
export const randBeta = defineOp('randBeta', (shape: Shape, a: Operand, b: Operand, options: RandomOptions): Tensor => {
  expectPositive('randBeta', 'a', a);
  expectPositive('randBeta', 'b', b);
  const dtype = floatOf('randBeta', options.dtype);
  return scope(() => {
    const x = rejection('randBeta', 'gamma', shape, a, 'f32', options);
    const total = add(x, rejection('randBeta', 'gamma', shape, b, 'f32', options, 2));
    const logit = (): Tensor =>
      sub(
        rejection('randBeta', 'log_gamma', shape, a, 'f32', options),
        rejection('randBeta', 'log_gamma', shape, b, 'f32', options, 2),
      );
    return cast(
      shares(x, total, [a, b], () => sigmoid(logit())),
      dtype,
    );
  });
});

/** Shares of a Dirichlet distribution: along the last axis of `shape` gamma numbers of the given concentrations over their sum. f32 (default) or f16. @throws as randGamma */
export const randDirichlet = defineOp('randDirichlet', (shape: Shape, concentration: Operand, options: RandomOptions): Tensor => {
  expectPositive('randDirichlet', 'concentration', concentration);
  if (shape.length === 0) throw new ShapeError('randDirichlet', 'the shape has no axis', 'give [..., k] for k shares');
  const dtype = floatOf('randDirichlet', options.dtype);
  return scope(() => {
    const x = rejection('randDirichlet', 'gamma', shape, concentration, 'f32', options);
    const logs = (): Tensor => rejection('randDirichlet', 'log_gamma', shape, concentration, 'f32', options);
    return cast(
      shares(x, sum(x, -1, { keepdim: true }), [concentration], () => softmax(logs())),
      dtype,
    );
  });
});

/**
 * Poisson numbers: counts of mean and variance `rate`. i32 (default), u32 or f32; rates up to 2^23. 0 (f32: NaN) where a tensor's rate is below 0.
 * @throws LimitError for a number below 0, ShapeError where a tensor does not broadcast to the shape
 */
export const randPoisson = defineOp('randPoisson', (shape: Shape, rate: Operand, options: RandomOptions): Tensor => {
  if (typeof rate === 'number' && !(rate >= 0 && rate <= 2 ** 23))
    throw new LimitError('randPoisson', `rate is ${rate}`, 'give a number from 0 to 2^23');
  const { dtype = 'i32' } = options;
  expectDType('randPoisson', 'options', dtype, ['i32', 'u32', 'f32']);
  return rejection('randPoisson', 'poisson', shape, rate, dtype, options);
});
