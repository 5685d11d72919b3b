import { describe, expect, it } from 'vitest';
import { type Ref, map, sumTo } from './array.ts';
import { attention, attentionBackward } from './attention.ts';
import { expectClose } from './compare.ts';
import { numericGradient } from './gradients.ts';
import { random } from './inputs.ts';
import { maskedAttention, maskedAttentionBackward } from './masked-attention.ts';

const exact = { rel: 1e-12, abs: 1e-12 };
const numeric = { rel: 1e-6, abs: 1e-8 };

describe('masked attention', () => {
  it('without options is attention, causal with a last key of 0', () => {
    const [q, k, v, grad] = [1, 2, 3, 4].map((seed) => random([2, 5, 3, 4], seed)) as [Ref, Ref, Ref, Ref];
    expectClose(maskedAttention(q, k, v).data, attention(q, k, v).out, exact);
    expectClose(maskedAttention(q, k, v, { last: 0 }).data, attention(q, k, v, { causal: true }).out, exact);
    const found = maskedAttentionBackward(q, k, v, grad, { last: 0 });
    const wanted = attentionBackward(q, k, v, grad, { causal: true });
    for (const name of ['q', 'k', 'v'] as const) expectClose(found[name].data, wanted[name], exact, name);
  });

  it('has the gradients of central differences, with grouped heads, a window, and a mask that hides a row', () => {
    const [q, k, v, grad] = [random([1, 3, 4, 2], 1), random([1, 5, 2, 2], 2), random([1, 5, 2, 3], 3), random([1, 3, 4, 3], 4)];
    const mask = map(random([4, 3, 5], 5), (x, at) => (at < 5 || at % 7 === 0 ? -Infinity : x));
    const options = { first: -1, last: 2, mask };
    const found = maskedAttentionBackward(q, k, v, grad, options);
    const wanted = numericGradient((a, b, c) => maskedAttention(a!, b!, c!, options), [q, k, v], grad);
    (['q', 'k', 'v'] as const).forEach((name, at) => expectClose(found[name].data, wanted[at]!, numeric, name));
    const finite = map(mask, (x) => (x === -Infinity ? -9 : x));
    const [ofMask] = numericGradient((x) => maskedAttention(q, k, v, { ...options, mask: x! }), [finite], grad);
    const summed = sumTo(maskedAttentionBackward(q, k, v, grad, { ...options, mask: finite }).mask, mask.shape);
    expectClose(summed.data, ofMask!, numeric, 'mask');
    expect(Array.from(maskedAttention(q, k, v, options).data.slice(0, 3))).toEqual([0, 0, 0]);
  });
});
