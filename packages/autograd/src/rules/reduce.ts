/** Gradient rules of reductions: the gradient of a result spreads over the elements it came from. */
import {
  abs,
  add,
  cast,
  cat,
  div,
  eq,
  exp,
  expand,
  logsumexp,
  max,
  mean,
  min,
  mul,
  narrow,
  norm,
  permute,
  pow,
  prod,
  reshape,
  scope,
  sign,
  std,
  sub,
  sum,
  type Tensor,
  variance,
  where,
} from '@mudpt/tensor/functions';
import { listeningTape, nth } from '@mudpt/tensor/internal';
import { isFloat, normalizeAxes } from '@mudpt/tensor/kernels';
import { compositionFor, type OpRule, ruleFor } from '../rule.ts';
import { centred } from './centred.ts';

type Axes = number | readonly number[] | undefined;

/** The shape of a reduction of `shape` with its axes kept as 1, and how many elements each result came from. */
function keptShape(
  shape: readonly number[],
  axes: Axes,
): { readonly shape: number[]; readonly count: number; readonly axes: number[] } {
  const list = normalizeAxes('reduction', axes, shape);
  const count = list.reduce((product, axis) => product * nth(shape, axis), 1);
  return { shape: shape.map((size, axis) => (list.includes(axis) ? 1 : size)), count, axes: list };
}

export const sumRule = ruleFor(sum, (_, x, axes, options) => {
  const [shape, wide] = [x.shape, keptShape(x.shape, axes).shape];
  return { output: sum(x, axes, options), backward: (grad) => [expand(reshape(grad, wide), shape)] };
});

export const meanRule = ruleFor(mean, (_, x, axes, options) => {
  const [shape, { shape: wide, count }] = [x.shape, keptShape(x.shape, axes)];
  return { output: mean(x, axes, options), backward: (grad) => [expand(reshape(div(grad, count), wide), shape)] };
});

/** The product as a tree of pairwise products. Unlike the quotient in the rule below, its derivatives of every order are right at zeros. */
function prodComposed(
  x: Tensor,
  axes?: number | readonly number[],
  { keepdim = false }: { readonly keepdim?: boolean } = {},
): Tensor {
  const { shape: wide, count, axes: list } = keptShape(x.shape, axes);
  const others = x.shape.flatMap((_, axis) => (list.includes(axis) ? [] : [axis]));
  const rest = others.map((axis) => nth(x.shape, axis));
  return scope(() => {
    let factors = reshape(permute(cast(x, isFloat(x.dtype) ? 'f32' : x.dtype), [...others, ...list]), [...rest, count]);
    for (let width = count; width > 1; width = nth(factors.shape, rest.length)) {
      const half = Math.floor(width / 2);
      const product = mul(narrow(factors, -1, 0, half), narrow(factors, -1, half, half));
      factors = width % 2 === 0 ? product : cat([product, narrow(factors, -1, 2 * half, 1)], -1);
    }
    const product = count === 0 ? add(sum(factors, -1), 1) : factors;
    return cast(reshape(product, keepdim ? wide : rest), x.dtype);
  });
}

// One zero among the factors leaves only its own derivative, the product of the others; two leave none.
export const prodRule = ruleFor(prod, (context, x, axes, options) => {
  const { shape: wide, axes: list } = keptShape(x.shape, axes);
  const saved = context.save(x);
  return {
    output: prod(x, axes, options),
    backward: (grad) => {
      const isZero = eq(saved, 0);
      const zeros = sum(cast(isZero, 'f32'), list, { keepdim: true });
      const filled = where(isZero, 1, saved);
      const others = mul(reshape(grad, wide), prod(filled, list, { keepdim: true }));
      const atZero = where(eq(zeros, 1), others, 0);
      const elsewhere = where(eq(zeros, 0), others, 0);
      return [where(isZero, atZero, div(elsewhere, filled))];
    },
  };
});

export const prodComposition = compositionFor(prod, prodComposed);

/** `grad` shared evenly by the elements where `isChosen` holds. */
function share(grad: Tensor, isChosen: Tensor, axes: readonly number[]): Tensor {
  const chosen = cast(isChosen, grad.dtype);
  return mul(chosen, div(grad, sum(chosen, axes, { keepdim: true })));
}

/** Equal largest elements share the gradient, as PyTorch's amax does. */
/* @__NO_SIDE_EFFECTS__ */
function extremeRule(extreme: typeof max): OpRule {
  return ruleFor(extreme, (context, x, axes, options) => {
    const { shape: wide, axes: list } = keptShape(x.shape, axes);
    const output = extreme(x, axes, options);
    const [saved, result] = [context.save(x), context.save(output)];
    return { output, backward: (grad) => [share(reshape(grad, wide), eq(saved, reshape(result, wide)), list)] };
  });
}

export const maxRule = extremeRule(max);
export const minRule = extremeRule(min);

/** x / y, and 0 where y is 0. If its own derivative is needed, the unused quotient must be finite too. */
function quotient(x: Tensor, y: Tensor): Tensor {
  const isZero = eq(y, 0);
  return where(isZero, 0, div(x, listeningTape() ? where(isZero, 1, y) : y));
}

export const varianceRule = ruleFor(variance, (context, x, axes, options = {}) => {
  const { shape: wide, count, axes: list } = keptShape(x.shape, axes);
  const saved = context.save(x);
  const factor = 2 / Math.max(0, count - (options.correction ?? 1));
  return {
    output: variance(x, axes, options),
    backward: (grad) => [mul(mul(reshape(grad, wide), factor), centred(saved, list))],
  };
});

export const stdRule = ruleFor(std, (context, x, axes, options = {}) => {
  const { shape: wide, count, axes: list } = keptShape(x.shape, axes);
  const output = std(x, axes, options);
  const [saved, result] = [context.save(x), context.save(output)];
  const factor = 1 / Math.max(0, count - (options.correction ?? 1));
  return {
    output,
    backward: (grad) => {
      // Where all elements are equal the gradient is 0, as in PyTorch.
      const deviation = reshape(result, wide);
      const scale = mul(quotient(reshape(grad, wide), deviation), factor);
      return [mul(scale, centred(saved, list))];
    },
  };
});

export const logsumexpRule = ruleFor(logsumexp, (context, x, axes, options) => {
  const { shape: wide } = keptShape(x.shape, axes);
  const output = logsumexp(x, axes, options);
  const [saved, result] = [context.save(x), context.save(output)];
  return { output, backward: (grad) => [mul(reshape(grad, wide), exp(sub(saved, reshape(result, wide))))] };
});

export const normRule = ruleFor(norm, (context, x, axes, options = {}) => {
  const { p = 2 } = options;
  const { shape: wide, axes: list } = keptShape(x.shape, axes);
  // f32 also for f16: ratios and powers of rounded lengths would be off by much more than the gradient's own rounding.
  const dtype = isFloat(x.dtype) ? x.dtype : 'f32';
  const widened = cast(x, dtype === 'f16' ? 'f32' : x.dtype);
  const exact = norm(widened, axes, options);
  const output = cast(exact, dtype);
  const [source, result] = [context.save(x), context.save(exact)];
  widened.dispose();
  exact.dispose();
  return {
    output,
    backward: (flat) => {
      const saved = cast(source, 'f32');
      const [grad, length] = [reshape(cast(flat, 'f32'), wide), reshape(result, wide)];
      if (p === 1) return [mul(grad, sign(saved))];
      if (p === Number.POSITIVE_INFINITY) return [mul(share(grad, eq(abs(saved), length), list), sign(saved))];
      // At the origin the gradient is 0.
      const ratio = quotient(saved, length);
      if (p === 2) return [mul(grad, ratio)];
      // At a zero beside other values the slope is 0, also for p < 1, where the formula gives infinity.
      const isZero = eq(saved, 0);
      const slopes = where(isZero, 0, mul(sign(saved), pow(abs(listeningTape() ? where(isZero, 1, ratio) : ratio), p - 1)));
      return [mul(grad, slopes)];
    },
  };
});
