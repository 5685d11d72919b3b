/** Every row of the pointwise table that has a gradient, from the table itself. */
import * as ops from '@mudpt/tensor';
import { type Operand, scope, type Tensor } from '@mudpt/tensor';
import { type PointwiseName, pointwiseTable } from '@mudpt/tensor/internal';
import * as array from '@mudpt/testing/reference/array';
import { binaryFunctions, unaryFunctions } from '@mudpt/testing/reference/pointwise';
import { constant, type RuleCase } from '../rule-check.ts';

type Ref = array.Ref;
type Numeric = (...operands: number[]) => number;

const table = ops as unknown as Record<string, (...operands: Operand[]) => Tensor>;
const references: Readonly<Record<string, Numeric | undefined>> = {
  ...(unaryFunctions as unknown as Record<string, Numeric>),
  ...(binaryFunctions as unknown as Record<string, Numeric>),
  maximum: Math.max,
  minimum: Math.min,
  clamp: (x = 0, low = 0, high = 0) => Math.min(high, Math.max(low, x)),
  lerp: (x = 0, y = 0, z = 0) => x + z * (y - x),
  addcmul: (x = 0, y = 0, z = 0, w = 0) => x + w * y * z,
  nanToNum: (x = 0) => x,
};

/** Steps and sawtooths, whose derivative jumps (or is none) at multiples of a half or of the second operand. */
const steps: readonly string[] = ['floor', 'ceil', 'round', 'trunc', 'floorDiv', 'mod', 'truncDiv', 'fmod', 'heaviside'];
const elsewhere = 'the same kernel as other rows of the table';

/** Shapes that broadcast where operands are many. */
const SHAPES = [
  [[3, 5]],
  [
    [3, 1, 2],
    [4, 1],
  ],
  [[2, 3], [3], [2, 1]],
  [[2, 3], [3], [2, 1], [1]],
] as const;

/** Differences must not step over a kink. */
function away(x: number, kinks: readonly number[]): number {
  return kinks.some((kink) => Math.abs(x - kink) < 0.1) ? x + 0.2 : x;
}

function caseOf(name: PointwiseName, reference: Numeric): RuleCase {
  const { operands, domain, kinks = [] } = pointwiseTable[name];
  const shapes = SHAPES[operands.length - 1] ?? [];
  const limit = operands.length === 1 ? 3 : 2;
  const isStep = steps.includes(name);
  const whole = array.broadcastShapes(...shapes);
  return {
    name,
    shapes,
    run: table[name] as never,
    reference: (...inputs: Ref[]) =>
      array.build(whole, (index) => reference(...inputs.map((x) => array.get(x, array.broadcastIndex(index, x.shape))))),
    domain:
      isStep && operands.length === 2
        ? [
            [-4, 4],
            [1, 1.01],
          ]
        : domain.map(([low, high]) => [Math.max(low, -limit), Math.min(high, limit)]),
    adjust: (x) => (isStep ? Math.floor(x) + 0.1 + 0.3 * (x - Math.floor(x)) : away(x, kinks)),
    ...(!['gelu', 'add', 'clamp'].includes(name) && { half: elsewhere }),
  };
}

const rows = (Object.keys(pointwiseTable) as PointwiseName[]).flatMap((name): RuleCase[] => {
  const reference = references[name];
  const { isBool, isInteger } = pointwiseTable[name];
  return isBool || isInteger || !table[name] || !reference ? [] : [caseOf(name, reference)];
});

export const pointwiseCases: readonly RuleCase[] = [
  ...rows,
  {
    name: 'maximum of distinct numbers',
    shapes: [[7], [7]],
    run: (x, y) => ops.maximum(x, y),
    reference: (x, y) => array.map(x, (v, i) => Math.max(v, y.data[i]!)),
    domain: [
      [1, 2],
      [-2, -1],
    ],
    half: elsewhere,
  },
  {
    name: 'clamp to numbers',
    shapes: [[9]],
    run: (x) => ops.clamp(x, -0.5, 0.5),
    reference: (x) => array.map(x, (v) => Math.min(0.5, Math.max(-0.5, v))),
    adjust: (x) => away(x, [-0.5, 0.5]),
    half: elsewhere,
  },
  {
    name: 'where',
    shapes: [[3], [3]],
    run: (x, y) => scope(() => ops.where(constant(x, [1, 0, 1], [3], 'bool'), x, y)),
    reference: (x, y) => array.map(x, (v, i) => (i === 1 ? y.data[i]! : v)),
  },
];
