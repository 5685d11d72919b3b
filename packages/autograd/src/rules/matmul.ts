/** Matrix products and linear layers: only the products that a needed gradient asks for are computed. */
import {
  activationBackward,
  cast,
  einsum,
  expand,
  linear,
  linearBackwardBias,
  linearBackwardInput,
  linearBackwardWeight,
  linearForward,
  matmul,
  reshape,
  type Tensor,
  TensorError,
} from '@mudpt/tensor';
import { defineRule } from '../rule.ts';

defineRule(matmul, (context, a, b, options = {}) => {
  const { transposeA = false, transposeB = false, alpha = 1 } = options;
  const output = matmul(a, b, options);
  const savedA = context.needs(b) ? context.save(a) : undefined;
  const savedB = context.needs(a) ? context.save(b) : undefined;
  const [columnB, rowA] = [b.rank === 1, a.rank === 1];
  return {
    output,
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

defineRule(linear, (context, x, weight, bias, options = {}) => {
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
    inputs: [x, weight, bias, residual],
    backward: (grad) => {
      const dY = savedPre ? activationBackward(grad, savedPre, activation) : grad;
      return [
        savedWeight && linearBackwardInput(dY, savedWeight),
        savedX && cast(linearBackwardWeight(dY, savedX), weight.dtype),
        needsBias && bias ? cast(linearBackwardBias(dY), bias.dtype) : undefined,
        residual && grad,
      ];
    },
  };
});

/** Every operand's gradient is an einsum of the gradient and the other operand; labels only the operand has were summed, so it repeats. */
defineRule(einsum, (context, equation, a, b) => {
  const [inputs = '', out = impliedResult(equation)] = equation.replaceAll(' ', '').split('->');
  const [labelsA = '', labelsB = ''] = inputs.split(',');
  const output = einsum(equation, a, b);
  const isPlain = !equation.includes('.') && new Set(labelsA).size === labelsA.length && new Set(labelsB).size === labelsB.length;
  if (!isPlain)
    throw new TensorError(
      'einsum',
      `"${equation}" has no gradient: it has "..." or repeats a label in one operand`,
      'name every axis once',
    );
  const saved = [context.needs(b) ? context.save(a) : undefined, context.needs(a) ? context.save(b) : undefined] as const;
  const shapes = [a.shape, b.shape] as const;
  const gradientOf = (own: string, shape: readonly number[], grad: Tensor, other: Tensor, otherLabels: string): Tensor => {
    const known = [...own].filter((label) => out.includes(label) || otherLabels.includes(label)).join('');
    const part = einsum(`${out},${otherLabels}->${known}`, grad, other);
    const sizes = shape.map((size, axis) =>
      known.includes(own[axis] ?? '') ? (part.shape[known.indexOf(own[axis] ?? '')] ?? size) : 1,
    );
    return expand(
      reshape(part, sizes),
      shape.map((size, axis) => Math.max(size, sizes[axis] ?? 1)),
    );
  };
  return {
    output,
    backward: (grad) => [
      saved[1] && gradientOf(labelsA, shapes[0], grad, saved[1], labelsB),
      saved[0] && gradientOf(labelsB, shapes[1], grad, saved[0], labelsA),
    ],
  };
});

/** Labels that occur once, in alphabetical order: NumPy's rule for an equation without arrow. */
function impliedResult(equation: string): string {
  const labels = [...equation.replaceAll(/[^A-Za-z]/g, '')];
  return labels
    .filter((label) => labels.indexOf(label) === labels.lastIndexOf(label))
    .sort()
    .join('');
}
