/** Layers with a state, gates, determinants, n-grams. */
import { build, get, map, type Ref, ref } from '@mudpt/testing/reference/array';
import { both } from './elementwise.ts';
import { between, type Case, constant, float, floats, ints, normal, typed } from './case.ts';

const [q, k, v] = [normal([1, 3, 8], 91), normal([1, 3, 4], 92), normal([1, 3, 6], 93)];
const [decay, beta, past] = [between(-1, 0, [1, 3, 2], 94), between(0, 1, [1, 3, 2], 95), normal([1, 2, 2, 3], 96)];

/** Four reading heads on two states [2, 3], token by token. */
function linearAttention(isDelta: boolean): { readonly out: Ref; readonly state: Ref } {
  const state = [0, 1].map((h) => [0, 1].map((d) => [0, 1, 2].map((m) => (isDelta ? get(past, [0, h, d, m]) : 0))));
  const out: number[] = [];
  for (let t = 0; t < 3; t += 1) {
    for (let h = 0; h < 2; h += 1) {
      const key = [0, 1].map((d) => get(k, [0, t, 2 * h + d]));
      const rows = state[h]!;
      if (isDelta) for (const row of rows) row.forEach((value, m) => (row[m] = value * Math.exp(get(decay, [0, t, h]))));
      const found = [0, 1, 2].map((m) => rows[0]![m]! * key[0]! + rows[1]![m]! * key[1]!);
      const value = [0, 1, 2].map((m) => {
        const given = get(v, [0, t, 3 * h + m]);
        return isDelta ? get(beta, [0, t, h]) * (given - found[m]!) : given;
      });
      rows.forEach((row, d) => row.forEach((_, m) => (row[m]! += key[d]! * value[m]!)));
    }
    for (let h = 0; h < 4; h += 1)
      for (let m = 0; m < 3; m += 1) {
        const rows = state[h >> 1]!;
        out.push((get(q, [0, t, 2 * h]) * rows[0]![m]! + get(q, [0, t, 2 * h + 1]) * rows[1]![m]!) / Math.SQRT2);
      }
  }
  return { out: ref([1, 3, 12], out), state: ref([1, 2, 2, 3], state.flat(2)) };
}
const heads = { q_num_heads: 4, kv_num_heads: 2 };
const [plain, gated] = [linearAttention(false), linearAttention(true)];

const [signal, taps, before] = [normal([1, 2, 4], 97), normal([2, 1, 3], 98), normal([1, 2, 2], 99)];
const whole = build([1, 2, 6], ([, c = 0, i = 0]) => (i < 2 ? get(before, [0, c, i]) : get(signal, [0, c, i - 2])));
const causal = build([1, 2, 4], ([, c = 0, i = 0]) =>
  [0, 1, 2].reduce((sum, tap) => sum + get(taps, [c, 0, tap]) * get(whole, [0, c, i + tap]), 0),
);
const swish = (x: number): number => x / (1 + Math.exp(-x));

const [a, b] = [normal([3, 4, 5], 100), normal([3, 4, 5], 101)];
const words = {
  pool_int64s: [2, 3, 5, 4, 5, 6, 7, 8, 6, 7],
  ngram_counts: [0, 4],
  ngram_indexes: [0, 1, 2, 3, 4, 5, 6],
  max_gram_length: 2,
};

export const stateCases: readonly Case[] = [
  {
    name: 'test_linear_attention_linear_grouped',
    op: 'LinearAttention',
    opset: 27,
    inputs: [q, k, v].map(float),
    attributes: { ...heads, update_rule: 'linear' },
    expected: [float(plain.out), float(plain.state)],
    tolerance: 1e-4,
  },
  {
    name: 'test_linear_attention_gated_delta_past_state',
    op: 'LinearAttention',
    opset: 27,
    inputs: [q, k, v, past, decay, beta].map(float),
    attributes: heads,
    expected: [float(gated.out), float(gated.state)],
    tolerance: 1e-4,
  },
  {
    name: 'test_causal_conv_with_state_silu',
    op: 'CausalConvWithState',
    opset: 27,
    inputs: [float(signal), float(taps), undefined, float(before)],
    attributes: { activation: 'silu' },
    expected: [float(map(causal, swish)), float(build([1, 2, 2], ([, c = 0, i = 0]) => get(whole, [0, c, i + 4])))],
  },
  {
    ...floats(
      'test_swiglu_alpha',
      'SwiGLU',
      [a, b],
      both(a, b, (x, y) => (x * y) / (1 + Math.exp(-1.5 * x))),
      { alpha: { float: 1.5 } },
    ),
    opset: 28,
  },
  floats('test_det_nd', 'Det', [ref([2, 2, 2], [1, 2, 3, 4, 2, 0, 1, -3])], ref([2], [-2, -6])),
  {
    name: 'test_tfidfvectorizer_tf_onlybigrams_skip5',
    op: 'TfIdfVectorizer',
    inputs: [typed('int32', ref([12], [1, 1, 3, 3, 3, 7, 8, 6, 7, 5, 6, 8]))],
    attributes: { ...words, mode: 'TF', min_gram_length: 2, max_skip_count: 5 },
    expected: [float(ref([7], [0, 0, 0, 0, 1, 3, 1]))],
  },
  {
    name: 'test_tfidfvectorizer_tf_batch_uniandbigrams_skip5',
    op: 'TfIdfVectorizer',
    inputs: [typed('int32', ref([2, 6], [1, 1, 3, 3, 3, 7, 8, 6, 7, 5, 6, 8]))],
    attributes: { ...words, mode: 'TF', min_gram_length: 1, max_skip_count: 5 },
    expected: [float(ref([2, 7], [0, 3, 0, 0, 0, 0, 0, 0, 0, 1, 0, 1, 1, 1]))],
  },
  {
    name: 'tfidfvectorizer with weights',
    op: 'TfIdfVectorizer',
    inputs: [constant(ints(3, 3, 5))],
    attributes: { ...words, mode: 'TFIDF', min_gram_length: 1, max_skip_count: 0, weights: { floats: [1, 2, 3, 4, 5, 6, 7] } },
    expected: [float(ref([7], [0, 4, 3, 0, 0, 0, 0]))],
  },
];
