import { describe, expect, it } from 'vitest';
import { ref, reshape, sizeOf } from './array.ts';
import { expectClose } from './compare.ts';
import { type Conv2dOptions, conv2d, conv2dVjp, unfold } from './conv.ts';
import { numericGradient } from './gradients.ts';
import { cat, split } from './indexing.ts';
import { random } from './inputs.ts';
import { matmul } from './matmul.ts';

const exact = { rel: 1e-12, abs: 1e-12 };
const numeric = { rel: 1e-7, abs: 1e-8 };

describe('conv2d', () => {
  it('computes a known cross-correlation with padding', () => {
    const x = ref([1, 1, 2, 2], [1, 2, 3, 4]);
    const kernel = ref([1, 1, 2, 2], [1, 10, 100, 1000]);
    expect(conv2d(x, kernel)).toEqual(ref([1, 1, 1, 1], [4321]));
    expect([...conv2d(x, kernel, { padding: 1, stride: 2, bias: ref([1], [0.5]) }).data]).toEqual([1000.5, 200.5, 30.5, 4.5]);
  });

  const settings: { options: Conv2dOptions; input: number[]; weight: number[] }[] = [
    { options: {}, input: [2, 3, 5, 4], weight: [4, 3, 3, 2] },
    { options: { stride: 2, padding: 1 }, input: [1, 2, 5, 6], weight: [3, 2, 3, 3] },
    { options: { stride: [2, 1], padding: [0, 2] }, input: [2, 1, 7, 3], weight: [2, 1, 2, 5] },
    { options: { stride: 3 }, input: [1, 3, 8, 7], weight: [2, 3, 3, 3] },
  ];

  it.each(settings)('equals unfold and a matrix product: %j', ({ options, input, weight: kernel }) => {
    const x = random(input, 1);
    const weight = random(kernel, 2);
    const out = conv2d(x, weight, options);
    const columns = unfold(x, [kernel[2]!, kernel[3]!], options);
    const product = matmul(reshape(weight, [kernel[0]!, sizeOf(kernel.slice(1))]), columns);
    expectClose(reshape(product, out.shape), out, exact);
  });

  it('treats groups as separate convolutions', () => {
    const x = random([2, 4, 5, 5], 3);
    const weight = random([6, 2, 3, 3], 4);
    const parts = split(x, 2, 1).map((part, group) => conv2d(part, split(weight, 3)[group]!, { padding: 1 }));
    expectClose(conv2d(x, weight, { padding: 1, groups: 2 }), cat(parts, 1), exact);
    expect(() => conv2d(x, weight)).toThrow('1 groups');
  });

  it.each([...settings, { options: { groups: 2, padding: 1 }, input: [1, 4, 4, 3], weight: [2, 2, 3, 3] }])(
    'has the gradient of central differences: %j',
    ({ options, input, weight: kernel }) => {
      const x = random(input, 5);
      const weight = random(kernel, 6);
      const bias = random([kernel[0]!], 7);
      const cotangent = random(conv2d(x, weight, options).shape, 8);
      const [gradX, gradW, gradB] = numericGradient(
        (...[a, w, b]) => conv2d(a!, w!, { ...options, bias: b }),
        [x, weight, bias],
        cotangent,
      );
      const grad = conv2dVjp(x, weight, cotangent, options);
      expectClose(grad.x, gradX!, numeric);
      expectClose(grad.weight, gradW!, numeric);
      expectClose(grad.bias, gradB!, numeric);
    },
  );
});
