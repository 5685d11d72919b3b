/** Reductions over some axes, one axis kept, and all. */
import * as ops from '@mudpt/tensor';
import * as reductions from '@mudpt/testing/reference/reduce';
import type { RuleCase } from '../rule-check.ts';

const references = {
  sum: reductions.sum,
  mean: reductions.mean,
  prod: reductions.prod,
  max: reductions.max,
  min: reductions.min,
  variance: reductions.variances,
  std: reductions.std,
  logsumexp: reductions.logsumexp,
  norm: reductions.norm,
};

const each = Object.entries(references).flatMap(([name, reference]): RuleCase[] => {
  const op = (ops as unknown as Record<string, typeof ops.sum>)[name] as typeof ops.sum;
  return [
    {
      name: `${name} over two axes`,
      shapes: [[3, 4, 5]],
      run: (x) => op(x, [0, -1]),
      reference: (x) => reference(x, { axes: [0, 2] }),
      domain: [[0.5, 2]],
      ...(name === 'prod' && { half: 'products of fifteen numbers lose too many digits' }),
    },
    {
      name: `${name}, axis kept`,
      shapes: [[3, 4]],
      run: (x) => op(x, 1, { keepdim: true }),
      reference: (x) => reference(x, { axes: [1], keepdim: true }),
    },
    { name: `${name} of everything`, shapes: [[7]], run: (x) => op(x), reference: (x) => reference(x) },
  ];
});

export const reductionCases: readonly RuleCase[] = [
  ...each,
  ...[1, 3, Number.POSITIVE_INFINITY].map(
    (p): RuleCase => ({
      name: `norm of order ${p}`,
      shapes: [[3, 4]],
      run: (x) => ops.norm(x, 1, { p }),
      reference: (x) => reductions.norm(x, { axes: [1], p }),
    }),
  ),
];
