/** Gradient rules of matrix products and linear layers: only the products of needed gradients are computed. */
import {
  add,
  cast,
  contiguous,
  gelu,
  geluTanh,
  linear,
  type LinearOptions,
  matmul,
  quickGelu,
  relu,
  reshape,
  scope,
  silu,
  type Tensor,
} from '@mudpt/tensor/functions';
import {
  activationBackward,
  linearBackwardBias,
  linearBackwardInput,
  linearBackwardWeight,
  linearForward,
  linearResult,
} from '@mudpt/tensor/internal';
import { compositionFor, ruleFor } from '../rule.ts';

export const matmulRule = ruleFor(matmul, (context, a, b, options = {}) => {
  const { transposeA = false, transposeB = false, alpha = 1 } = options;
  const output = matmul(a, b, options);
  const savedA = context.needs(b) ? context.save(a) : undefined;
  const savedB = context.needs(a) ? context.save(b) : undefined;
  const [columnB, rowA] = [b.rank === 1, a.rank === 1];
  return {
    output,
    takesF32: true,
    backward: (flat) => {
      // A 1-D operand is a row or a column whose axis the result lacks: put it back.
      const shape = [...flat.shape];
      if (columnB) shape.push(1);
      if (rowA) shape.splice(shape.length - 1, 0, 1);
      const grad = reshape(flat, shape);
      const left = savedA && (rowA ? reshape(savedA, [1, savedA.size]) : savedA);
      const right = savedB && (columnB ? reshape(savedB, [savedB.size, 1]) : savedB);
      const dA =
        right &&
        (transposeA
          ? matmul(right, grad, { transposeA: transposeB, transposeB: true, alpha })
          : matmul(grad, right, { transposeB: !transposeB, alpha }));
      const dB =
        left &&
        (transposeB
          ? matmul(grad, left, { transposeA: true, transposeB: transposeA, alpha })
          : matmul(left, grad, { transposeA: !transposeA, alpha }));
      // [..., 1, K] and [..., K, 1] lose the axis that was put in.
      const drop = (x: typeof dA, axis: number): typeof dA =>
        x &&
        reshape(
          x,
          x.shape.filter((_, at) => at !== x.rank + axis),
        );
      return [rowA ? drop(dA, -2) : dA, columnB ? drop(dB, -1) : dB];
    },
  };
});

const activations = { relu, gelu, geluTanh, quickGelu, silu } as const;

function linearComposed(x: Tensor, weight: Tensor, bias?: Tensor, options: LinearOptions = {}): Tensor {
  const { dtype } = linearResult(x, weight, bias, options);
  const { activation = 'none', residual } = options;
  return scope(() => {
    const product = matmul(cast(x, 'f32'), weight, { transposeB: true });
    const shifted = bias ? add(product, bias) : product;
    const active = activation === 'none' ? shifted : activations[activation](shifted);
    const whole = residual ? add(active, residual) : active;
    return cast(whole, dtype);
  });
}

export const linearRule = ruleFor(linear, (context, x, weight, bias, options = {}) => {
  const { activation = 'none', residual } = options;
  const [needsX, needsWeight, needsBias] = [context.needs(x), context.needs(weight), context.needs(bias)];
  const inner = needsX || needsWeight || needsBias;
  const isSaving = inner && activation !== 'none';
  const { output, pre } = isSaving
    ? linearForward(x, weight, bias, options)
    : { output: linear(x, weight, bias, options), pre: undefined };
  const [savedPre, savedX, savedWeight] = [
    context.save(pre),
    needsWeight ? context.save(x) : undefined,
    needsX ? context.save(weight) : undefined,
  ];
  pre?.dispose();
  return {
    output,
    takesF32: true,
    inputs: [x, weight, bias, residual],
    backward: (grad) => {
      const given = savedPre ? activationBackward(grad, savedPre, activation) : grad;
      // Both gradients of parameters read rows: parts of a tensor are copied once.
      const dY = savedX && needsBias && given.rank > 2 ? contiguous(given) : given;
      return [
        savedWeight && linearBackwardInput(dY, savedWeight),
        savedX && linearBackwardWeight(dY, savedX),
        needsBias ? linearBackwardBias(dY) : undefined,
        residual && grad,
      ];
    },
  };
});

export const linearComposition = compositionFor(linear, linearComposed);
