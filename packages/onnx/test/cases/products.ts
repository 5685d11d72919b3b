/** Products, losses and quantized tensors. */
import { build, get, map, type Ref, ref, reshape, transpose } from '@mudpt/testing/reference/array';
import { einsum, matmul } from '@mudpt/testing/reference/matmul';
import { linear, logSoftmax } from '@mudpt/testing/reference/nn';
import * as R from '@mudpt/testing/reference/reduce';
import { type Case, constant, float, floats, normal, typed, whole } from './case.ts';
import { both } from './elementwise.ts';

const add = (a: Ref, b: Ref): Ref => both(a, b, (x, y) => x + y);
const [left, right] = [normal([2, 3, 4], 41), normal([2, 4, 5], 42)];
const [a, b, bias] = [normal([3, 4], 43), normal([4, 5], 44), normal([5], 45)];

const products: Case[] = [
  floats('test_matmul_2d', 'MatMul', [a, b], matmul(a, b)),
  floats('test_matmul_3d', 'MatMul', [left, right], matmul(left, right)),
  {
    name: 'test_matmul_int32',
    op: 'MatMul',
    inputs: [typed('int32', whole(-9, 9, [3, 4], 1)), typed('int32', whole(-9, 9, [4, 5], 2))],
    expected: [typed('int32', matmul(whole(-9, 9, [3, 4], 1), whole(-9, 9, [4, 5], 2)))],
  },
  floats(
    'test_gemm_all_attributes',
    'Gemm',
    [transpose(a), transpose(b), bias],
    add(
      map(matmul(a, b), (v) => 0.25 * v),
      map(bias, (v) => 0.35 * v),
    ),
    { alpha: { float: 0.25 }, beta: { float: 0.35 }, transA: 1, transB: 1 },
  ),
  floats('test_gemm_default_vector_bias', 'Gemm', [a, b, bias], add(matmul(a, b), bias)),
  floats('test_gemm_linear_layer', 'Gemm', [a, transpose(b), bias], linear(a, transpose(b), { bias }).out, { transB: 1 }),
  floats('test_gemm_default_no_bias', 'Gemm', [a, b], matmul(a, b)),
  floats('test_einsum_batch_matmul', 'Einsum', [left, right], matmul(left, right), { equation: 'bij, bjk -> bik' }),
  floats('test_einsum_inner_prod', 'Einsum', [bias, bias], einsum('i,i', bias, bias), { equation: 'i,i' }),
  floats('test_einsum_three_operands', 'Einsum', [a, b, bias], reshape(matmul(matmul(a, b), reshape(bias, [5, 1])), [3]), {
    equation: 'ij,jk,k->i',
  }),
  floats('test_einsum_sum', 'Einsum', [a], R.sum(a, { axes: [1] }), { equation: 'ij->i' }),
  {
    name: 'test_matmulinteger',
    op: 'MatMulInteger',
    inputs: [
      typed('uint8', whole(0, 256, [3, 4], 3)),
      typed('uint8', whole(0, 256, [4, 5], 4)),
      typed('uint8', ref([1], [12])),
      typed('uint8', ref([1], [3])),
    ],
    expected: [
      typed(
        'int32',
        matmul(
          map(whole(0, 256, [3, 4], 3), (v) => v - 12),
          map(whole(0, 256, [4, 5], 4), (v) => v - 3),
        ),
      ),
    ],
  },
];

const nll = normal([3, 5], 91);
const labels = whole(0, 5, [3], 92);
const picked = (logs: Ref): Ref => build([3], ([i = 0]) => -get(logs, [i, labels.data[i]!]));
const losses: Case[] = [
  {
    name: 'test_nllloss_NC',
    op: 'NegativeLogLikelihoodLoss',
    attributes: { reduction: 'none' },
    inputs: [float(nll), typed('int64', labels)],
    expected: [float(picked(nll))],
  },
  {
    name: 'test_sce_mean_log_prob',
    op: 'SoftmaxCrossEntropyLoss',
    inputs: [float(nll), typed('int64', labels)],
    expected: [float(R.mean(picked(logSoftmax(nll, 1)))), float(logSoftmax(nll, 1))],
  },
];

const bytes = whole(0, 256, [6], 95);
const fourBits = whole(-8, 8, [4, 3], 97);
const quantization: Case[] = [
  {
    name: 'test_quantizelinear',
    op: 'QuantizeLinear',
    inputs: [float(ref([6], [0, 2, 3, 1000, -254, -1000])), float(ref([], [2])), typed('uint8', ref([], [128]))],
    expected: [typed('uint8', ref([6], [128, 129, 130, 255, 1, 0]))],
  },
  {
    name: 'test_dequantizelinear',
    op: 'DequantizeLinear',
    inputs: [typed('uint8', bytes), float(ref([], [2])), typed('uint8', ref([], [128]))],
    expected: [float(map(bytes, (x) => 2 * (x - 128)))],
  },
  {
    // Weights of four bits, a scale for each block of two rows.
    name: 'test_dequantizelinear_blocked_int4',
    op: 'DequantizeLinear',
    attributes: { axis: 0, block_size: 2 },
    inputs: [constant(typed('int4', fourBits)), float(ref([2, 3], [1, 2, 3, 4, 5, 6]))],
    expected: [float(build([4, 3], ([i = 0, j = 0]) => get(fourBits, [i, j]) * (1 + j + 3 * Math.floor(i / 2))))],
  },
  {
    name: 'test_quantizelinear_uint4',
    op: 'QuantizeLinear',
    inputs: [float(ref([5], [0, 2.6, -7, 40, 9])), float(ref([], [2])), constant(typed('uint4', ref([], [3])))],
    expected: [typed('uint4', ref([5], [3, 4, 0, 15, 7]))],
  },
  {
    name: 'test_cast_FLOAT_to_INT4',
    op: 'Cast',
    attributes: { to: 22 },
    inputs: [float(ref([5], [-8, 7.9, 9, -1.5, 0]))],
    expected: [typed('int4', ref([5], [-8, 7, -7, -1, 0]))],
  },
  {
    name: 'test_cast_FLOAT_to_UINT4',
    op: 'Cast',
    attributes: { to: 21 },
    inputs: [float(ref([5], [-9, 15.9, 17, -1, 0]))],
    expected: [typed('uint4', ref([5], [7, 15, 1, 15, 0]))],
  },
  {
    name: 'test_bitcast_float32_to_int32',
    op: 'BitCast',
    opset: 26,
    attributes: { to: 6 },
    inputs: [float(ref([3], [1, -2, 0.5]))],
    expected: [typed('int32', ref([3], [0x3f800000, -0x40000000, 0x3f000000]))],
  },
  {
    name: 'test_bitcast_uint32_to_float32',
    op: 'BitCast',
    opset: 26,
    attributes: { to: 1 },
    inputs: [typed('uint32', ref([3], [0x3f800000, 0xc0000000, 0x3f000000]))],
    expected: [float(ref([3], [1, -2, 0.5]))],
  },
  {
    name: 'test_bitcast_uint16_to_int16',
    op: 'BitCast',
    opset: 26,
    attributes: { to: 5 },
    inputs: [typed('uint16', ref([3], [65535, 32768, 7]))],
    expected: [typed('int16', ref([3], [-1, -32768, 7]))],
  },
  {
    name: 'test_dynamicquantizelinear',
    op: 'DynamicQuantizeLinear',
    inputs: [float(ref([6], [0, 2, -3, -2.5, 1.34, 0.5]))],
    expected: [typed('uint8', ref([6], [153, 255, 0, 26, 221, 179])), float(ref([], [5 / 255])), typed('uint8', ref([], [153]))],
  },
];

export const productCases: readonly Case[] = [...products, ...losses, ...quantization];
