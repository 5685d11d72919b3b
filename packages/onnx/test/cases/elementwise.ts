/** Elementwise operators: arithmetic, comparison, logic, activations, casts. */
import { broadcastIndex, broadcastShapes, build, get, map, type Ref, ref } from '@mudpt/testing/reference/array';
import { erf } from '@mudpt/testing/reference/special';
import type { ElementType } from '../../src/format/types.ts';
import { between, bool, type Case, constant, float, floats, normal, SHAPE, typed, whole } from './case.ts';

const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));
const softplus = (x: number): number => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));
const even = (x: number): number => (Math.abs(x % 1) === 0.5 ? 2 * Math.round(x / 2) : Math.round(x));

/** The function of both operands, broadcast. */
export function both(a: Ref, b: Ref, compute: (x: number, y: number) => number): Ref {
  return build(broadcastShapes(a.shape, b.shape), (index) =>
    compute(get(a, broadcastIndex(index, a.shape)), get(b, broadcastIndex(index, b.shape))),
  );
}

type Row = readonly [op: string, compute: (x: number) => number, x?: Ref, attributes?: Case['attributes'], suffix?: string];
const ones = between(-0.99, 0.99);
const positive = between(0.1, 4);
const x = normal(SHAPE, 7);
const unary: readonly Row[] = [
  ['Abs', Math.abs],
  ['Acos', Math.acos, ones],
  ['Acosh', Math.acosh, between(1.01, 6)],
  ['Asin', Math.asin, ones],
  ['Asinh', Math.asinh],
  ['Atan', Math.atan],
  ['Atanh', Math.atanh, ones],
  ['Ceil', Math.ceil],
  ['Celu', (v) => Math.max(0, v) + Math.min(0, 2 * Math.expm1(v / 2)), x, { alpha: { float: 2 } }],
  ['Cos', Math.cos],
  ['Cosh', Math.cosh],
  ['Elu', (v) => (v > 0 ? v : 2 * Math.expm1(v)), x, { alpha: { float: 2 } }],
  ['Elu', (v) => (v > 0 ? v : Math.expm1(v)), x, {}, '_default'],
  ['Erf', erf],
  ['Exp', Math.exp],
  ['Floor', Math.floor],
  ['Gelu', (v) => 0.5 * v * (1 + erf(v / Math.SQRT2)), x, {}, '_default_1'],
  [
    'Gelu',
    (v) => 0.5 * v * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (v + 0.044715 * v ** 3))),
    x,
    { approximate: 'tanh' },
    '_tanh_1',
  ],
  ['HardSigmoid', (v) => Math.min(1, Math.max(0, 0.5 * v + 0.6)), x, { alpha: { float: 0.5 }, beta: { float: 0.6 } }],
  ['HardSigmoid', (v) => Math.min(1, Math.max(0, 0.2 * v + 0.5)), x, {}, '_default'],
  ['HardSwish', (v) => v * Math.min(1, Math.max(0, v / 6 + 0.5))],
  ['LeakyRelu', (v) => (v < 0 ? 0.1 * v : v), x, { alpha: { float: 0.1 } }],
  ['LeakyRelu', (v) => (v < 0 ? 0.01 * v : v), x, {}, '_default'],
  ['Log', Math.log, positive],
  ['Mish', (v) => v * Math.tanh(softplus(v))],
  ['Neg', (v) => -v],
  ['Reciprocal', (v) => 1 / v, positive],
  ['Relu', (v) => Math.max(0, v)],
  ['Round', even, ref([8], [0.1, 0.5, 0.9, 1.5, 2.5, -1.5, -2.5, -4.5])],
  ['Selu', (v) => 3 * (v > 0 ? v : 2 * Math.expm1(v)), x, { alpha: { float: 2 }, gamma: { float: 3 } }],
  ['Shrink', (v) => (v < -1.5 ? v + 1.5 : v > 1.5 ? v - 1.5 : 0), x, { lambd: { float: 1.5 }, bias: { float: 1.5 } }, '_soft'],
  ['Sigmoid', sigmoid],
  ['Sign', Math.sign],
  ['Sin', Math.sin],
  ['Sinh', Math.sinh],
  ['Softplus', softplus],
  ['Softsign', (v) => v / (1 + Math.abs(v))],
  ['Sqrt', Math.sqrt, positive],
  ['Swish', (v) => v * sigmoid(2 * v), x, { alpha: { float: 2 } }],
  ['Tan', Math.tan, ones],
  ['Tanh', Math.tanh],
  ['ThresholdedRelu', (v) => (v > 0.5 ? v : 0), x, { alpha: { float: 0.5 } }],
];

const unaryCases = unary.map(
  ([op, compute, input = x, attributes, suffix = '']): Case => ({
    ...floats(`test_${op.toLowerCase()}${suffix}`, op, [input], map(input, compute), attributes),
    opset: op === 'Swish' ? 24 : 22,
  }),
);

type Binary = readonly [op: string, compute: (x: number, y: number) => number];
const arithmetic: readonly Binary[] = [
  ['Add', (a, b) => a + b],
  ['Div', (a, b) => a / b],
  ['Max', Math.max],
  ['Min', Math.min],
  ['Mul', (a, b) => a * b],
  ['Sub', (a, b) => a - b],
  ['Sum', (a, b) => a + b],
  ['Mean', (a, b) => (a + b) / 2],
  ['PRelu', (a, b) => (a < 0 ? a * b : a)],
];
const arithmeticCases = arithmetic.flatMap(([op, compute]): Case[] => {
  const name = `test_${op.toLowerCase()}`;
  const [other, row] = [between(0.5, 2, SHAPE, 3), between(0.5, 2, [5], 4)];
  return [
    floats(name, op, [x, other], both(x, other, compute)),
    floats(`${name}_bcast`, op, [x, row], both(x, row, compute)),
    {
      name: `${name}_scalar_constant`,
      op,
      inputs: [float(x), constant(float(ref([], [2.5])))],
      expected: [float(both(x, ref([], [2.5]), compute))],
    },
  ];
});

const integerTypes: readonly ElementType[] = ['int8', 'int16', 'int32', 'int64', 'uint8', 'uint16', 'uint32', 'uint64'];
const integers = (
  op: string,
  compute: (a: number, b: number) => number,
  types: readonly ElementType[],
  attributes: Case['attributes'] = {},
  suffix = '',
): Case[] =>
  types.map((type) => {
    const isSigned = type.startsWith('i');
    const [a, b] = [whole(isSigned ? -20 : 12, 24, SHAPE, 5), whole(1, 12, SHAPE, 6)];
    return {
      name: `test_${op.toLowerCase()}${suffix}_${type}`,
      op,
      attributes,
      inputs: [typed(type, a), typed(type, b)],
      expected: [typed(type, both(a, b, compute))],
    };
  });

const integerCases = [
  ...integers('Add', (a, b) => a + b, integerTypes),
  ...integers('Sub', (a, b) => a - b, ['int8', 'uint8', 'int64']),
  ...integers('Mul', (a, b) => a * b, ['int32', 'uint32']),
  ...integers('Div', (a, b) => Math.trunc(a / b), ['int32', 'uint8', 'int64']),
  ...integers('Mod', (a, b) => a - b * Math.floor(a / b), ['int32', 'uint8', 'int64']),
  ...integers('Mod', (a, b) => a % b, ['int32', 'int64'], { fmod: 1 }, '_int64_fmod'),
  ...integers('Max', Math.max, ['int32', 'uint32']),
];

const bits: Case[] = [
  ...integers('BitwiseAnd', (a, b) => a & b, ['int32', 'uint8']),
  ...integers('BitwiseOr', (a, b) => a | b, ['int32']),
  ...integers('BitwiseXor', (a, b) => a ^ b, ['int32']),
  ...integers('BitShift', (a, b) => a >>> b, ['uint32'], { direction: 'RIGHT' }, '_right'),
  ...integers('BitShift', (a, b) => (a << b) & 255, ['uint8'], { direction: 'LEFT' }, '_left'),
  {
    name: 'test_bitwise_not_3d',
    op: 'BitwiseNot',
    inputs: [typed('int32', whole(-9, 9))],
    expected: [
      typed(
        'int32',
        map(whole(-9, 9), (v) => ~v),
      ),
    ],
  },
];

/** What 8 bits cannot hold wraps around. */
const wrapping: Case[] = [
  {
    name: 'test_add_uint8_wraps',
    op: 'Add',
    inputs: [typed('uint8', ref([3], [200, 255, 7])), typed('uint8', ref([3], [100, 1, 1]))],
    expected: [typed('uint8', ref([3], [44, 0, 8]))],
  },
  {
    name: 'test_mul_int8_wraps',
    op: 'Mul',
    inputs: [typed('int8', ref([3], [100, -128, 5])), typed('int8', ref([3], [2, -1, 5]))],
    expected: [typed('int8', ref([3], [-56, -128, 25]))],
  },
];

const comparison: readonly Binary[] = [
  ['Equal', (a, b) => Number(a === b)],
  ['Greater', (a, b) => Number(a > b)],
  ['GreaterOrEqual', (a, b) => Number(a >= b)],
  ['Less', (a, b) => Number(a < b)],
  ['LessOrEqual', (a, b) => Number(a <= b)],
];
const comparisonCases = comparison.flatMap(([op, compute]): Case[] => {
  const [a, b, row] = [whole(0, 3, SHAPE, 8), whole(0, 3, SHAPE, 9), whole(0, 3, [5], 10)];
  const name = `test_${op.toLowerCase()}`;
  return [
    { name, op, inputs: [float(a), float(b)], expected: [bool(both(a, b, compute))] },
    { name: `${name}_bcast`, op, inputs: [float(a), float(row)], expected: [bool(both(a, row, compute))] },
    { name: `${name}_int64`, op, inputs: [typed('int64', a), typed('int64', b)], expected: [bool(both(a, b, compute))] },
  ];
});

const truth = (seed: number, shape: readonly number[] = SHAPE): Ref => whole(0, 2, shape, seed);
const logic: readonly Binary[] = [
  ['And', (a, b) => a & b],
  ['Or', (a, b) => a | b],
  ['Xor', (a, b) => a ^ b],
];
const logicCases = logic.flatMap(([op, compute]): Case[] => {
  const [a, b, row] = [truth(1), truth(2), truth(3, [5])];
  const name = `test_${op.toLowerCase()}`;
  return [
    { name: `${name}3d`, op, inputs: [bool(a), bool(b)], expected: [bool(both(a, b, compute))] },
    { name: `${name}_bcast3v1d`, op, inputs: [bool(a), bool(row)], expected: [bool(both(a, row, compute))] },
  ];
});

const [cond, other] = [truth(4), normal(SHAPE, 11)];
const odd = ref([6], [-1.2, Number.NaN, Number.POSITIVE_INFINITY, 2.8, Number.NEGATIVE_INFINITY, 0]);
const cast = (from: ElementType, to: ElementType, code: number, input: Ref, expected: Ref): Case => ({
  name: `test_cast_${from}_to_${to}`,
  op: 'Cast',
  attributes: { to: code },
  inputs: [typed(from, input)],
  expected: [typed(to, expected)],
});

export const elementwiseCases: readonly Case[] = [
  ...unaryCases,
  ...arithmeticCases,
  ...integerCases,
  ...bits,
  ...wrapping,
  ...comparisonCases,
  ...logicCases,
  { name: 'test_not_3d', op: 'Not', inputs: [bool(cond)], expected: [bool(map(cond, (v) => 1 - v))] },
  {
    name: 'test_where_example',
    op: 'Where',
    inputs: [bool(cond), float(x), float(other)],
    expected: [float(build(SHAPE, (index) => (get(cond, index) ? get(x, index) : get(other, index))))],
  },
  { name: 'test_isnan', op: 'IsNaN', inputs: [float(odd)], expected: [bool(map(odd, (v) => Number(Number.isNaN(v))))] },
  { name: 'test_isinf', op: 'IsInf', inputs: [float(odd)], expected: [bool(ref([6], [0, 0, 1, 0, 1, 0]))] },
  {
    name: 'test_isinf_positive',
    op: 'IsInf',
    attributes: { detect_negative: 0 },
    inputs: [float(odd)],
    expected: [bool(ref([6], [0, 0, 1, 0, 0, 0]))],
  },
  floats(
    'test_pow',
    'Pow',
    [between(0.5, 2), other],
    both(between(0.5, 2), other, (a, b) => a ** b),
  ),
  {
    name: 'test_pow_types_int32_float32',
    op: 'Pow',
    inputs: [typed('int32', ref([3], [1, 2, 3])), float(ref([3], [4, 5, 6]))],
    expected: [typed('int32', ref([3], [1, 32, 729]))],
  },
  {
    name: 'test_pow_types_int32_int32',
    op: 'Pow',
    inputs: [typed('int32', ref([4], [5001, -3, 7, 2])), typed('int32', ref([4], [2, 3, 9, -1]))],
    expected: [typed('int32', ref([4], [25010001, -27, 40353607, 0]))],
  },
  {
    name: 'test_pow_types_int64_float32_inexact',
    op: 'Pow',
    inputs: [typed('int64', ref([4], [5001, 3, 3, 10])), float(ref([4], [2, 0.5, 1.5, -1]))],
    expected: [typed('int64', ref([4], [25010001, 1, 5, 0]))],
  },
  {
    name: 'test_div_int32_least',
    op: 'Div',
    inputs: [typed('int32', ref([3], [-2147483648, -7, 7])), typed('int32', ref([3], [2, 2, -2]))],
    expected: [typed('int32', ref([3], [-1073741824, -3, -3]))],
  },
  {
    name: 'test_clip',
    op: 'Clip',
    inputs: [float(x), float(ref([], [-0.5])), float(ref([], [0.5]))],
    expected: [float(map(x, (v) => Math.min(0.5, Math.max(-0.5, v))))],
  },
  {
    name: 'test_clip_default_min',
    op: 'Clip',
    inputs: [float(x), constant(float(ref([], [-0.5])))],
    expected: [float(map(x, (v) => Math.max(-0.5, v)))],
  },
  {
    name: 'test_clip_opset6',
    op: 'Clip',
    opset: 10,
    attributes: { min: { float: -0.5 }, max: { float: 0.5 } },
    inputs: [float(x)],
    expected: [float(map(x, (v) => Math.min(0.5, Math.max(-0.5, v))))],
  },
  cast('float', 'int64', 7, ref([4], [1.7, -1.7, 0.2, 300]), ref([4], [1, -1, 0, 300])),
  cast('float', 'bool', 9, ref([4], [0, -1.7, 0.2, 0]), ref([4], [0, 1, 1, 0])),
  cast('int64', 'float', 1, whole(-9, 9), whole(-9, 9)),
  cast('int32', 'uint8', 2, ref([4], [0, 255, 256, 300]), ref([4], [0, 255, 0, 44])),
  cast('bool', 'float', 1, cond, cond),
  {
    name: 'test_castlike_float_to_int32',
    op: 'CastLike',
    inputs: [float(ref([3], [1.5, 2.5, -3.5])), typed('int32', ref([1], [0]))],
    expected: [typed('int32', ref([3], [1, 2, -3]))],
  },
  { name: 'test_identity', op: 'Identity', inputs: [float(x)], expected: [float(x)] },
  { name: 'test_size', op: 'Size', inputs: [float(x)], expected: [typed('int64', ref([], [60]))] },
];
