import { describe, expect, it } from 'vitest';
import { type Ref, expand, get, permute, ref, reshape, slice, sumTo, zeros } from './array.ts';
import { attention, attentionBackward, raggedAttention, raggedAttentionBackward } from './attention.ts';
import { expectClose } from './compare.ts';
import { numericGradient } from './gradients.ts';
import { cat, tril } from './indexing.ts';
import { random } from './inputs.ts';
import { matmul } from './matmul.ts';
import { softmax } from './nn.ts';
import { binary, where } from './pointwise.ts';
import { logsumexp } from './reduce.ts';

const exact = { rel: 1e-12, abs: 1e-12 };
const byHeads = (x: Ref): Ref => permute(x, [0, 2, 1, 3]);
const numeric = { rel: 1e-6, abs: 1e-8 };

describe('dense attention', () => {
  it.each([false, true])('is softmax(q k / sqrt(D)) v, causal %s', (causal) => {
    const [q, k, v] = [1, 2, 3].map((seed) => random([2, 5, 3, 4], seed)) as [Ref, Ref, Ref];
    const scores = binary('div', matmul(byHeads(q), byHeads(k), { transposeB: true }), ref([], [2]));
    const masked = causal ? where(tril(expand(ref([], [1]), [5, 5])), scores, ref([], [-Infinity])) : scores;
    const { out, lse } = attention(q, k, v, { causal });
    expectClose(permute(matmul(softmax(masked), byHeads(v)), [0, 2, 1, 3]), out, exact);
    expectClose(logsumexp(masked, { axes: [-1] }), lse, exact);
  });

  it('attends to another length, and refuses the causal rule there', () => {
    const [q, k] = [random([1, 3, 2, 4], 1), random([1, 5, 2, 4], 2)];
    expect(attention(q, k, k).out.shape).toEqual([1, 3, 2, 4]);
    expect(() => attention(q, k, k, { causal: true })).toThrow('as many keys as queries');
  });

  it('gives zeros and minus infinity to a query that sees nothing', () => {
    const { out, lse } = attention(random([1, 2, 1, 3], 1), zeros([1, 0, 1, 3]), zeros([1, 0, 1, 3]));
    expect(out).toEqual(zeros([1, 2, 1, 3]));
    expect([...lse.data]).toEqual([-Infinity, -Infinity]);
  });
});

describe('ragged attention', () => {
  const bounds = [0, 3, 3, 4, 9];
  const [q, k, v, cotangent] = [1, 2, 3, 4].map((seed) => random([9, 2, 4], seed)) as [Ref, Ref, Ref, Ref];

  it.each([false, true])('equals dense attention sequence by sequence, causal %s', (causal) => {
    const { out, lse } = raggedAttention(q, k, v, { cumulative: bounds, causal });
    const grad = raggedAttentionBackward(q, k, v, cotangent, { cumulative: bounds, causal });
    for (let s = 0; s + 1 < bounds.length; s++) {
      const range = { start: bounds[s]!, stop: bounds[s + 1]! };
      const rows = (x: Ref): Ref => reshape(slice(x, [range]), [1, range.stop - range.start, 2, 4]);
      const dense = attention(rows(q), rows(k), rows(v), { causal });
      const denseGrad = attentionBackward(rows(q), rows(k), rows(v), rows(cotangent), { causal });
      expectClose(slice(out, [range]).data, { shape: dense.out.shape, data: dense.out.data }, exact);
      expectClose(slice(lse, [null, range]).data, dense.lse, exact);
      for (const name of ['q', 'k', 'v'] as const) expectClose(slice(grad[name], [range]).data, denseGrad[name], exact, name);
    }
  });
});

describe('shared prefix', () => {
  const [batch, length, heads, width, shared] = [3, 4, 2, 5, 3];
  const shape = [batch, length, heads, width];
  const [q, k, v, cotangent] = [1, 2, 3, 4].map((seed) => random(shape, seed)) as [Ref, Ref, Ref, Ref];
  const [prefixK, prefixV] = [random([shared, heads, width], 5), random([shared, heads, width], 6)];
  const repeated = (prefix: Ref): Ref => expand(reshape(prefix, [1, shared, heads, width]), [batch, -1, -1, -1]);
  const withPrefix = (prefix: Ref, x: Ref): Ref => cat([repeated(prefix), x], 1);

  it('without the causal rule equals keys and values joined to every sequence', () => {
    const joined = attention(q, withPrefix(prefixK, k), withPrefix(prefixV, v));
    const { out, lse } = attention(q, k, v, { prefixK, prefixV });
    expectClose(out, joined.out, exact);
    expectClose(lse, joined.lse, exact);
  });

  it('with the causal rule equals the last rows of the joined sequences, gradients included', () => {
    // Queries for the prefix rows are arbitrary: their outputs are cut off and their cotangents are zero.
    const start = { start: shared };
    const filler = random([batch, shared, heads, width], 7);
    const [fullK, fullV] = [withPrefix(prefixK, k), withPrefix(prefixV, v)];
    const fullQ = cat([filler, q], 1);
    const options = { causal: true, prefixK, prefixV };
    expectClose(
      attention(q, k, v, options).out,
      slice(attention(fullQ, fullK, fullV, { causal: true }).out, [null, start]),
      exact,
    );

    const fullCotangent = cat([zeros(filler.shape), cotangent], 1);
    const joined = attentionBackward(fullQ, fullK, fullV, fullCotangent, { causal: true });
    const grad = attentionBackward(q, k, v, cotangent, options);
    for (const name of ['q', 'k', 'v'] as const) expectClose(grad[name], slice(joined[name], [null, start]), exact, name);
    const summed = (x: Ref): Ref => reshape(sumTo(slice(x, [null, { stop: shared }]), [1, shared, heads, width]), prefixK.shape);
    expectClose(grad.prefixK!, summed(joined.k), exact, 'prefixK');
    expectClose(grad.prefixV!, summed(joined.v), exact, 'prefixV');
  });
});

describe('attention gradients agree with central differences', () => {
  it.each([
    { causal: false, scale: undefined },
    { causal: true, scale: undefined },
    { causal: true, scale: 0.3 },
  ])('ragged with prefix, %j', ({ causal, scale }) => {
    const cumulative = [0, 2, 5, 6];
    const [q, k, v, cotangent] = [1, 2, 3, 4].map((seed) => random([6, 2, 3], seed)) as [Ref, Ref, Ref, Ref];
    const [prefixK, prefixV] = [random([2, 2, 3], 5), random([2, 2, 3], 6)];
    const expected = numericGradient(
      (...[a, b, c, d, e]) => raggedAttention(a!, b!, c!, { cumulative, causal, scale, prefixK: d, prefixV: e }).out,
      [q, k, v, prefixK, prefixV],
      cotangent,
    );
    const grad = raggedAttentionBackward(q, k, v, cotangent, { cumulative, causal, scale, prefixK, prefixV });
    (['q', 'k', 'v', 'prefixK', 'prefixV'] as const).forEach((name, i) => expectClose(grad[name]!, expected[i]!, numeric, name));
    expect(get(grad.prefixK!, [0, 0, 0])).not.toBe(0);
  });
});
