/** Products: matrices, linear layers, Einstein sums, distances, convolutions, attention. */
import * as ops from '@mudpt/tensor';
import { scope } from '@mudpt/tensor';
import { feedForward } from '@mudpt/autograd';
import * as array from '@mudpt/testing/reference/array';
import * as attentionOracle from '@mudpt/testing/reference/attention';
import * as conv from '@mudpt/testing/reference/conv';
import { dropoutFactors } from '@mudpt/testing/reference/dropout';
import * as distances from '@mudpt/testing/reference/distance';
import * as products from '@mudpt/testing/reference/matmul';
import * as masked from '@mudpt/testing/reference/masked-attention';
import * as nn from '@mudpt/testing/reference/nn';
import * as ropes from '@mudpt/testing/reference/rope';
import { constant, type RuleCase } from '../rule-check.ts';

const transposes = [
  [false, false],
  [true, false],
  [false, true],
  [true, true],
] as const;

const einsums: readonly (readonly [equation: string, a: readonly number[], b: readonly number[]])[] = [
  ['bij,jik->bk', [2, 3, 4], [4, 3, 5]],
  ['bqhd,bkhd->bhqk', [2, 3, 2, 4], [2, 5, 2, 4]],
  ['i,j', [3], [4]],
  ['...ij,...jk->...ik', [2, 1, 3, 4], [3, 4, 2]],
  ['i...,...j->...', [3, 2], [2, 4]],
  ['ii,ij->j', [3, 3], [3, 4]],
  ['iij,k->ik', [3, 3, 2], [4]],
  ['ab,b->a', [3, 1], [4]],
];

const chance = { p: 0.3, seed: 5, stream: 2 };

/** Every f16 kernel takes seconds to compile on a CPU adapter. */
const elsewhere = 'another case of its kind runs in f16';

const dotOf = (x: array.Ref, y: array.Ref): number => x.data.reduce((sum, v, i) => sum + v * y.data[i]!, 0);

/** [1, 2 * 2 * 2, 3 * 4] windows added up in an image [1, 2, 4, 5]. */
function foldOf(columns: array.Ref): array.Ref {
  const image = array.zeros([1, 2, 4, 5]);
  array.forEachIndex(columns.shape, ([, tap = 0, place = 0], flat) => {
    const [channel, dy, dx] = [Math.floor(tap / 4), Math.floor(tap / 2) % 2, tap % 2];
    array.accumulate(image, [0, channel, Math.floor(place / 4) + dy, (place % 4) + dx], columns.data[flat]!);
  });
  return image;
}

/** Numbers that f16 holds. */
const steps = (count: number): Float32Array => Float32Array.from({ length: count }, (_, i) => ((i * 7) % 11) / 8 - 0.5);

const matrices: readonly RuleCase[] = [
  ...transposes.map(
    ([transposeA, transposeB]): RuleCase => ({
      name: `matmul${transposeA ? ' Aᵀ' : ''}${transposeB ? ' Bᵀ' : ''}, batch broadcast`,
      shapes: [transposeA ? [2, 1, 5, 3] : [2, 1, 3, 5], transposeB ? [3, 4, 5] : [3, 5, 4]],
      run: (a, b) => ops.matmul(a, b, { transposeA, transposeB }),
      reference: (a, b) => products.matmul(a, b, { transposeA, transposeB }),
      ...((transposeA || !transposeB) && { half: elsewhere }),
    }),
  ),
  {
    name: 'matmul of two vectors',
    shapes: [[5], [5]],
    run: (a, b) => ops.matmul(a, b),
    reference: (a, b) => array.ref([], [dotOf(a, b)]),
  },
  {
    name: 'matmul with a column, scaled',
    half: elsewhere,
    shapes: [[2, 3, 5], [5]],
    run: (a, b) => ops.matmul(a, b, { alpha: 2 }),
    reference: (a, b) =>
      array.build([2, 3], ([z = 0, i = 0]) => 2 * b.data.reduce((sum, v, k) => sum + v * array.get(a, [z, i, k]), 0)),
  },
  {
    name: 'matmul with a row',
    half: elsewhere,
    shapes: [[5], [2, 5, 3]],
    run: (a, b) => ops.matmul(a, b),
    reference: (a, b) =>
      array.build([2, 3], ([z = 0, j = 0]) => a.data.reduce((sum, v, k) => sum + v * array.get(b, [z, k, j]), 0)),
  },
  {
    name: 'linear with bias, activation and residual',
    shapes: [[2, 3, 5], [4, 5], [4], [2, 3, 4]],
    run: (x, w, b, residual) => ops.linear(x, w, b, { activation: 'gelu', residual }),
    reference: (x, w, bias, residual) => nn.linear(x, w, { bias, activation: 'gelu', residual } as never).out,
  },
  {
    name: 'linear with a weight of another precision',
    shapes: [[6, 8], [4, 8], [4]],
    run: (x, w, b) => ops.linear(x, w, b, { activation: 'quickGelu' }),
    reference: (x, w, bias) => nn.linear(x, w, { bias, activation: 'quickGelu' } as never).out,
    half: ['f32', 'f16', 'f16'],
  },
  {
    // Biases and residuals: the f64 reference of the transformer's test. Each kernel takes ten seconds to compile in one of the variants.
    name: 'feedForward',
    shapes: [
      [6, 4],
      [8, 4],
      [4, 8],
    ],
    run: (x, U, D) => feedForward(x, { weight: U }, { weight: D }, { activation: 'quickGelu' }),
    reference: (x, U, D) => nn.linear(nn.linear(x, U, { activation: 'quickGelu' }).out, D).out,
  },
  {
    name: 'feedForward, first bias and second weight only',
    shapes: [[8], [4, 8]],
    run: (a, D) =>
      scope(() =>
        feedForward(
          constant(a, steps(24), [6, 4], a.dtype),
          { weight: constant(a, steps(32), [8, 4], a.dtype), bias: a },
          { weight: D },
        ),
      ),
    reference: (bias, D) => nn.linear(nn.linear(array.ref([6, 4], steps(24)), array.ref([8, 4], steps(32)), { bias }).out, D).out,
    half: elsewhere,
  },
  ...einsums.map(
    ([equation, a, b], index): RuleCase => ({
      ...(index > 0 && { half: elsewhere }),
      name: `einsum ${equation}`,
      shapes: [a, b],
      run: (x, y) => ops.einsum(equation, x, y),
      reference: (x, y) => products.einsum(equation, x, y),
    }),
  ),
];

const distance: RuleCase = {
  name: 'cdist, batch broadcast',
  shapes: [
    [2, 3, 4],
    [5, 4],
  ],
  run: (a, b) => ops.cdist(a, b),
  reference: distances.cdist,
};

const convolutions: readonly RuleCase[] = [
  {
    name: 'conv2d with stride, padding, groups, bias',
    shapes: [[2, 4, 5, 6], [6, 2, 3, 3], [6]],
    run: (x, w, b) => ops.conv2d(x, w, b, { stride: 2, padding: 1, groups: 2 }),
    reference: (x, w, bias) => conv.conv2d(x, w, { stride: 2, padding: 1, groups: 2, bias }),
  },
  {
    name: 'conv2d, one group',
    shapes: [[2, 3, 4, 4], [4, 3, 2, 2], [4]],
    run: (x, w, b) => ops.conv2d(x, w, b, { stride: 2 }),
    reference: (x, w, bias) => conv.conv2d(x, w, { stride: 2, bias }),
  },
  {
    name: 'maxPool2d with overlap and padding',
    shapes: [[2, 3, 7, 6]],
    domain: [[-40, 40]], // far apart: a step must not change which is largest
    run: (x) => ops.maxPool2d(x, 3, { stride: 2, padding: 1 }),
    reference: (x) => conv.maxPool2d(x, 3, { stride: 2, padding: 1 }).out,
  },
  {
    name: 'avgPool2d with overlap and padding left out',
    shapes: [[2, 3, 7, 6]],
    run: (x) => ops.avgPool2d(x, [3, 2], { stride: [2, 1], padding: [1, 0], countsPadding: false }),
    reference: (x) => conv.avgPool2d(x, [3, 2], { stride: [2, 1], padding: [1, 0], countsPadding: false }).out,
  },
  {
    name: 'unfold',
    shapes: [[1, 2, 4, 5]],
    run: (x) => ops.unfold(x, 2, { stride: 1 }),
    reference: (x) => conv.unfold(x, 2, { stride: 1 }),
  },
  {
    name: 'fold',
    shapes: [[1, 8, 12]],
    run: (x) => ops.fold(x, [4, 5], 2, { stride: 1 }),
    reference: foldOf,
  },
];

const attentions: readonly RuleCase[] = [
  ...[false, true].flatMap((causal): RuleCase[] => [
    {
      name: `attention${causal ? ', causal' : ''}`,
      shapes: [
        [2, 5, 2, 8],
        [2, 5, 2, 8],
        [2, 5, 2, 8],
      ],
      run: (q, k, v) => ops.attention(q, k, v, { causal }),
      reference: (q, k, v) => attentionOracle.attention(q, k, v, { causal }).out,
      half: elsewhere,
    },
    {
      name: `attentionQkv${causal ? ', causal' : ''}`,
      shapes: [[2, 5, 3, 2, 8]],
      run: (qkv) => ops.attentionQkv(qkv, { causal }),
      reference: (qkv) => {
        const part = (i: number): array.Ref =>
          array.reshape(array.slice(qkv, [null, null, { start: i, stop: i + 1 }]), [2, 5, 2, 8]);
        return attentionOracle.attention(part(0), part(1), part(2), { causal }).out;
      },
      ...(!causal && { half: elsewhere }),
    },
  ]),
  {
    name: 'attention with a shared prefix',
    half: elsewhere,
    shapes: [
      [2, 3, 1, 8],
      [2, 3, 1, 8],
      [2, 3, 1, 8],
      [2, 1, 8],
      [2, 1, 8],
    ],
    run: (q, k, v, pk, pv) => ops.attention(q, k, v, { causal: true, prefix: { k: pk, v: pv } }),
    reference: (q, k, v, prefixK, prefixV) => attentionOracle.attention(q, k, v, { causal: true, prefixK, prefixV }).out,
  },
  {
    name: 'packed attention with a shared prefix',
    shapes: [
      [6, 1, 8],
      [6, 1, 8],
      [6, 1, 8],
      [2, 1, 8],
      [2, 1, 8],
    ],
    run: (q, k, v, pk, pv) => ops.attention(q, k, v, { causal: true, cuSeqlens: [0, 2, 2, 6], prefix: { k: pk, v: pv } }),
    reference: (q, k, v, prefixK, prefixV) =>
      attentionOracle.raggedAttention(q, k, v, { causal: true, cumulative: [0, 2, 2, 6], prefixK, prefixV }).out,
  },
];

const window = { left: 2, right: 1 };

/** Calls that general kernels compute, and those that are composed. */
const maskedAttentions: readonly RuleCase[] = [
  {
    name: 'attention with grouped heads, a window and an added mask',
    half: elsewhere,
    shapes: [
      [2, 3, 4, 8],
      [2, 5, 2, 8],
      [2, 5, 2, 8],
      [4, 1, 5],
    ],
    run: (q, k, v, mask) => ops.attention(q, k, v, { window, queryOffset: 'end', mask }),
    reference: (q, k, v, mask) => masked.maskedAttention(q, k, v, { first: 0, last: 3, mask }),
  },
  {
    name: 'attentionQkv with an added mask',
    half: elsewhere,
    shapes: [
      [2, 3, 3, 2, 8],
      [3, 3],
    ],
    run: (qkv, mask) => ops.attentionQkv(qkv, { causal: true, mask }),
    reference: (qkv, mask) => {
      const part = (i: number): array.Ref =>
        array.reshape(array.slice(qkv, [null, null, { start: i, stop: i + 1 }]), [2, 3, 2, 8]);
      return masked.maskedAttention(part(0), part(1), part(2), { last: 0, mask });
    },
  },
  {
    name: 'attention with a soft cap and dropout',
    half: elsewhere,
    shapes: [
      [1, 3, 2, 4],
      [1, 5, 1, 4],
      [1, 5, 1, 6],
    ],
    run: (q, k, v) => ops.attention(q, k, v, { softCap: 2, dropout: chance }),
    reference: (q, k, v) =>
      masked.maskedAttention(q, k, v, { softCap: 2, factors: array.ref([1, 2, 3, 5], dropoutFactors(30, chance)) }),
  },
  {
    name: 'attention with values of another width',
    half: elsewhere,
    shapes: [
      [1, 3, 2, 4],
      [1, 5, 2, 4],
      [1, 5, 2, 6],
    ],
    run: (q, k, v) => ops.attention(q, k, v),
    reference: (q, k, v) => masked.maskedAttention(q, k, v),
  },
  ...[false, true].map(
    (interleaved): RuleCase => ({
      name: `rope, ${interleaved ? 'interleaved' : 'halves'}`,
      ...(!interleaved && { half: elsewhere }),
      shapes: [[2, 3, 1, 6]],
      run: (x) =>
        scope(() => {
          const table = ops.ropeTable(5, 4, { device: x.device, base: 20 });
          return ops.rope(x, table, { interleaved, offset: 2 });
        }),
      reference: (x) => ropes.rope(x, 4, { interleaved, offset: 2, base: 20 }),
    }),
  ),
  {
    name: 'attention with a shared prefix and a mask',
    half: elsewhere,
    shapes: [
      [1, 3, 2, 4],
      [1, 4, 2, 4],
      [1, 4, 2, 4],
      [2, 2, 4],
      [2, 2, 4],
      [3, 4],
    ],
    run: (q, k, v, pk, pv, mask) => ops.attention(q, k, v, { mask, window, prefix: { k: pk, v: pv } }),
    // The prefix has no bounds: a mask hides what the window does.
    reference: (q, k, v, pk, pv, mask) => {
      const joined = (a: array.Ref, b: array.Ref): array.Ref => array.ref([1, 6, 2, 4], [...a.data, ...b.data]);
      const all = array.build([3, 6], ([i = 0, c = 0]) => {
        const ahead = c - 2 - i;
        if (c < 2) return 0;
        return ahead < -window.left || ahead > window.right ? -Infinity : array.get(mask, [i, c - 2]);
      });
      return masked.maskedAttention(q, joined(pk, k), joined(pv, v), { mask: all });
    },
  },
];

/** One operand, and three: made of other ops, those of two operands among them. */
const composedEinsums: readonly RuleCase[] = [
  {
    name: 'einsum iij->ji, one operand',
    half: elsewhere,
    shapes: [[3, 3, 2]],
    run: (x) => ops.einsum('iij->ji', x),
    reference: (x) => products.einsum('iij->ji', x),
  },
  {
    name: 'einsum ijk->ki, one operand',
    half: elsewhere,
    shapes: [[3, 4, 2]],
    run: (x) => ops.einsum('ijk->ki', x),
    reference: (x) => products.einsum('ijk->ki', x),
  },
  {
    name: 'einsum i,...ij,...j, three operands',
    half: elsewhere,
    shapes: [[3], [2, 3, 4], [2, 4]],
    run: (x, y, z) => ops.einsum('i,...ij,...j', x, y, z),
    reference: (x, y, z) => products.einsum('i,...ij,...j', x, y, z),
  },
];

export const productCases: readonly RuleCase[] = [
  ...matrices,
  ...composedEinsums,
  distance,
  ...convolutions,
  ...attentions,
  ...maskedAttentions,
];
