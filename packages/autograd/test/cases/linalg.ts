/** Matrix decompositions and systems, at matrices whose pivots, eigenvalues and singular values are apart; of vectors what does not depend on their sign. */
import * as ops from '@mudpt/tensor';
import { scope, type Tensor } from '@mudpt/tensor';
import * as array from '@mudpt/testing/reference/array';
import * as linalg from '@mudpt/testing/reference/linalg';
import { matmul } from '@mudpt/testing/reference/matmul';
import { constant, type RuleCase } from '../rule-check.ts';

type Ref = array.Ref;

const half = 'matrices are f32';
/** What is added to inputs, so that they are well apart. */
const apart = {
  square: array.ref([3, 3], [0, 3, 0, 4, 0, 0, 0, 0, 5]),
  diagonal: array.ref([3, 3], [2, 0, 0, 0, 5, 0, 0, 0, 9]),
  tall: array.ref([3, 2], [4, 0, 0, 2, 0, 0]),
  wide: array.ref([2, 3], [4, 0, 0, 0, 2, 0]),
} as const;
const plus = (x: Ref, y: Ref): Ref => array.map(x, (value, i) => value + y.data[i]!);
const moved = (x: Tensor, by: Ref): Tensor => ops.add(x, constant(x, by.data, by.shape, 'f32'));
const flat = (...parts: readonly Ref[]): Ref => {
  const values = parts.flatMap(({ data }) => Array.from(data));
  return array.ref([values.length], values);
};
const together = (...parts: readonly Tensor[]): Tensor =>
  ops.cat(
    parts.map((part) => ops.reshape(part, [part.size])),
    0,
  );
const stacked = (...parts: readonly Ref[]): Ref => array.reshape(flat(...parts), [parts.length, parts[0]!.data.length]);
const squares = (x: Ref): Ref => array.map(x, (value) => value * value);
const list = (values: readonly number[]): Ref => array.ref([values.length], values);
const swap = (x: Ref): Ref => array.transpose(x);

/** q and r with the signs of the diagonal of r multiplied out. */
function qrCase(name: string, by: Ref): RuleCase {
  return {
    name,
    shapes: [by.shape],
    half,
    run: (x) =>
      scope(() => {
        const { q, r } = ops.qr(moved(x, by));
        const signs = ops.diagonal(r);
        return together(ops.mul(q, signs), ops.mul(r, ops.unsqueeze(signs, -1)));
      }),
    reference: (x) => {
      const { q, r } = linalg.qr(plus(x, by));
      const signs = (i: number): number => array.get(r, [i, i]);
      return flat(
        array.build(q.shape, ([i = 0, j = 0]) => array.get(q, [i, j]) * signs(j)),
        array.build(r.shape, ([i = 0, j = 0]) => array.get(r, [i, j]) * signs(i)),
      );
    },
  };
}

function svdCase(name: string, by: Ref): RuleCase {
  const isWide = by.shape[0]! < by.shape[1]!;
  return {
    name,
    shapes: [by.shape],
    half,
    run: (x) =>
      scope(() => {
        const { u, s, v } = ops.svd(moved(x, by));
        return together(ops.square(u), s, ops.square(v));
      }),
    reference: (x) => {
      const whole = plus(x, by);
      const { u, s, v } = linalg.svd(isWide ? swap(whole) : whole);
      return isWide ? flat(squares(v), list(s), squares(u)) : flat(squares(u), list(s), squares(v));
    },
  };
}

export const linalgCases: readonly RuleCase[] = [
  {
    name: 'cholesky',
    shapes: [[3, 3]],
    half,
    run: (x) => scope(() => ops.cholesky(moved(x, apart.diagonal))),
    reference: (x) => linalg.cholesky(plus(x, apart.diagonal)),
  },
  ...(
    [
      [false, false, false],
      [true, true, false],
      [false, true, true],
    ] as const
  ).map(
    ([upper, transpose, unit]): RuleCase => ({
      name: `solveTriangular ${upper} ${transpose} ${unit}`,
      shapes: [
        [3, 3],
        [3, 2],
      ],
      half,
      run: (a, b) => scope(() => ops.solveTriangular(moved(a, apart.diagonal), b, { upper, transpose, unit })),
      reference: (a, b) => {
        const whole = plus(a, apart.diagonal);
        const factor = array.build([3, 3], ([i = 0, j = 0]) =>
          i === j && unit ? 1 : i === j || i < j === upper ? array.get(whole, [i, j]) : 0,
        );
        return linalg.solve(transpose ? swap(factor) : factor, b);
      },
    }),
  ),
  {
    name: 'solve',
    shapes: [
      [3, 3],
      [3, 2],
    ],
    half,
    run: (a, b) => scope(() => ops.solve(moved(a, apart.square), b)),
    reference: (a, b) => linalg.solve(plus(a, apart.square), b),
  },
  {
    name: 'solve of a vector for several matrices',
    shapes: [[2, 2, 2], [2]],
    half,
    domain: [
      [0.1, 0.5],
      [-1, 1],
    ],
    run: (a, b) => scope(() => ops.solve(ops.add(a, ops.eye(2, 2, { device: a.device })), b)),
    reference: (a, b) =>
      stacked(
        ...[0, 1].map((z) =>
          linalg.solve(
            array.build([2, 2], ([i = 0, j = 0]) => array.get(a, [z, i, j]) + Number(i === j)),
            array.reshape(b, [2, 1]),
          ),
        ),
      ),
  },
  {
    name: 'inverse, powers',
    shapes: [[3, 3]],
    half,
    run: (x) => scope(() => ops.matrixPower(moved(x, apart.square), -2)),
    reference: (x) => {
      const y = linalg.inverse(plus(x, apart.square));
      return matmul(y, y);
    },
  },
  {
    name: 'det',
    shapes: [[3, 3]],
    half,
    run: (x) => scope(() => ops.det(moved(x, apart.square))),
    reference: (x) => array.ref([], [linalg.det(plus(x, apart.square))]),
  },
  {
    name: 'slogdet',
    shapes: [[3, 3]],
    half,
    run: (x) => scope(() => ops.slogdet(moved(x, apart.square)).logabs),
    reference: (x) => array.ref([], [Math.log(Math.abs(linalg.det(plus(x, apart.square))))]),
  },
  {
    name: 'lu',
    shapes: [[3, 3]],
    half,
    run: (x) =>
      scope(() => {
        const { lower, upper } = ops.lu(moved(x, apart.square));
        return ops.add(ops.tril(lower, -1), upper);
      }),
    reference: (x) => linalg.lu(plus(x, apart.square), [1, 0, 2]),
  },
  qrCase('qr of a tall matrix', apart.tall),
  qrCase('qr of a wide matrix', apart.wide),
  {
    name: 'eigh',
    shapes: [[3, 3]],
    half,
    run: (x) =>
      scope(() => {
        const { values, vectors } = ops.eigh(moved(x, apart.diagonal));
        return together(values, ops.square(vectors));
      }),
    reference: (x) => {
      const { values, vectors } = linalg.eigh(plus(x, apart.diagonal));
      return flat(list(values), squares(vectors));
    },
  },
  svdCase('svd of a tall matrix', apart.tall),
  svdCase('svd of a wide matrix', apart.wide),
  {
    name: 'lstsq',
    shapes: [
      [3, 2],
      [3, 1],
    ],
    half,
    run: (a, b) => scope(() => ops.lstsq(moved(a, apart.tall), b)),
    reference: (a, b) => {
      const whole = plus(a, apart.tall);
      return linalg.solve(matmul(whole, whole, { transposeA: true }), matmul(whole, b, { transposeA: true }));
    },
  },
  {
    name: 'pinv',
    shapes: [[3, 2]],
    half,
    run: (x) => scope(() => ops.pinv(moved(x, apart.tall))),
    reference: (x) => {
      const whole = plus(x, apart.tall);
      return linalg.solve(matmul(whole, whole, { transposeA: true }), swap(whole));
    },
  },
];
