import { describe, expect, it } from 'vitest';
import { type Ref, ref, zeros } from './array.ts';
import { expectClose } from './compare.ts';
import { type ArrayFunction, directionalDerivative, inner, matmulVjp, numericGradient } from './gradients.ts';
import { random } from './inputs.ts';
import { matmul } from './matmul.ts';
import {
  type CrossEntropyOptions,
  crossEntropy,
  crossEntropyVjp,
  embedding,
  embeddingVjp,
  l2Normalize,
  l2NormalizeVjp,
  layerNorm,
  layerNormVjp,
  linear,
  linearVjp,
  logSoftmax,
  logSoftmaxVjp,
  oneHot,
  rmsNorm,
  rmsNormVjp,
  softmax,
  softmaxVjp,
} from './nn.ts';

/** Checks analytic gradients, made by `vjp` from a random cotangent, against central differences of fn. */
function checkGradients(fn: ArrayFunction, inputs: Ref[], vjp: (cotangent: Ref) => Ref[]): void {
  const cotangent = random(fn(...inputs).shape, 99);
  const expected = numericGradient(fn, inputs, cotangent);
  const analytic = vjp(cotangent);
  expect(analytic.length).toBe(inputs.length);
  analytic.forEach((gradient, i) => expectClose(gradient, expected[i]!, { rel: 1e-6, abs: 1e-8 }, `input ${i}`));
  const directions = inputs.map(({ shape }, i) => random(shape, 100 + i));
  const along = analytic.reduce((total, gradient, i) => total + inner(gradient, directions[i]!), 0);
  expect(Math.abs(directionalDerivative(fn, inputs, directions, cotangent) - along)).toBeLessThan(
    1e-6 * Math.max(1, Math.abs(along)),
  );
}

describe('values', () => {
  it('linear adds the residual after the activation', () => {
    const { out, preActivation } = linear(ref([1, 2], [1, 2]), ref([1, 2], [-3, 1]), {
      bias: ref([1], [0.5]),
      activation: 'relu',
      residual: ref([1, 1], [10]),
    });
    expect([preActivation, out]).toEqual([ref([1, 1], [-0.5]), ref([1, 1], [10])]);
  });

  it('softmax survives infinities and huge ties', () => {
    expect([...softmax(ref([3], [-Infinity, 0, 0])).data]).toEqual([0, 0.5, 0.5]);
    expect([...softmax(ref([2], [1e300, 1e300])).data]).toEqual([0.5, 0.5]);
    expect([...logSoftmax(ref([2], [-Infinity, 3])).data]).toEqual([-Infinity, 0]);
  });

  it('norms normalize', () => {
    const x = random([3, 7], 1);
    const { out, mean, rstd } = layerNorm(x, { eps: 0 });
    expectClose(layerNorm(out, { eps: 0 }).out, out, { rel: 1e-12, abs: 1e-12 });
    expect([mean.shape, rstd.shape]).toEqual([[3], [3]]);
    expectClose(
      rmsNorm(ref([1, 2], [3, 4]), { eps: 0, weight: ref([2], [1, 2]) }).out,
      ref([1, 2], [3 / 12.5 ** 0.5, 8 / 12.5 ** 0.5]),
    );
    expectClose(l2Normalize(ref([2, 2], [3, 0, 4, 0]), 0), ref([2, 2], [0.6, 0, 0.8, 0]), { rel: 1e-15, abs: 0 });
    expect([...layerNorm(ref([1, 3], [5, 5, 5]), { bias: ref([3], [1, 2, 3]) }).out.data]).toEqual([1, 2, 3]);
  });

  it('cross entropy: smoothing, ignored rows, reductions', () => {
    const logits = ref([2, 2], [0, Math.log(3), 0, 0]);
    const labels = ref([2], [1, -100]);
    expectClose(crossEntropy(logits, labels, { reduction: 'none' }), ref([2], [Math.log(4 / 3), 0]), { rel: 1e-14, abs: 0 });
    expectClose(crossEntropy(logits, labels), ref([], [Math.log(4 / 3)]), { rel: 1e-14, abs: 0 });
    const smooth = 0.9 * Math.log(4 / 3) + 0.1 * Math.log(4);
    expectClose(crossEntropy(logits, labels, { labelSmoothing: 0.2, reduction: 'sum' }), ref([], [smooth]), {
      rel: 1e-14,
      abs: 0,
    });
    expect(crossEntropy(logits, ref([2], [7, 7]), { ignoreIndex: 7 }).data[0]).toBeNaN();
    expect(crossEntropy(ref([1, 2], [-Infinity, 0]), ref([1], [1])).data[0]).toBe(0);
  });

  it('embedding and one-hot', () => {
    const weight = random([5, 3], 2);
    const ids = ref([2, 2], [4, 0, 4, 1]);
    expectClose(embedding(weight, ids), { shape: [2, 2, 3], data: matmul(ref([4, 5], oneHot(ids, 5).data), weight).data });
    expect(oneHot(ref([1], [9]), 3)).toEqual(zeros([1, 3]));
    expect(() => embedding(weight, ref([1], [5]))).toThrow('id 5');
  });
});

describe('gradients agree with central differences', () => {
  it.each([
    [false, false],
    [false, true],
    [true, false],
    [true, true],
  ])('matmul, transposes %s %s, broadcast batch', (transposeA, transposeB) => {
    const a = random(transposeA ? [2, 1, 4, 3] : [2, 1, 3, 4], 1);
    const b = random(transposeB ? [3, 5, 4] : [3, 4, 5], 2);
    const options = { transposeA, transposeB };
    checkGradients(
      (...[p, q]) => matmul(p!, q!, options),
      [a, b],
      (c) => {
        const grad = matmulVjp(a, b, c, options);
        return [grad.a, grad.b];
      },
    );
  });

  it.each(['none', 'quickGelu', 'gelu'] as const)('linear with activation %s', (name) => {
    const activation = name === 'none' ? undefined : name;
    const [x, w, b, r] = [random([2, 3, 4], 1), random([5, 4], 2), random([5], 3), random([2, 3, 5], 4)] as const;
    checkGradients(
      (...[x1, w1, b1, r1]) => linear(x1!, w1!, { bias: b1!, residual: r1!, activation }).out,
      [x, w, b, r],
      (c) => {
        const grad = linearVjp(x, w, c, { bias: b, activation });
        return [grad.x, grad.weight, grad.bias, c];
      },
    );
  });

  it.each([0, 1, -1])('softmax and logSoftmax along %d', (axis) => {
    const x = random([3, 4, 5], 5);
    checkGradients(
      (y) => softmax(y!, axis),
      [x],
      (c) => [softmaxVjp(x, c, axis)],
    );
    checkGradients(
      (y) => logSoftmax(y!, axis),
      [x],
      (c) => [logSoftmaxVjp(x, c, axis)],
    );
  });

  it.each([1e-5, 0.1])('layerNorm and rmsNorm, eps %d', (eps) => {
    const [x, weight, bias] = [random([2, 3, 7], 6), random([7], 7), random([7], 8)] as const;
    checkGradients(
      (...[y, w, b]) => layerNorm(y!, { weight: w, bias: b, eps }).out,
      [x, weight, bias],
      (c) => {
        const grad = layerNormVjp(x, c, { weight, eps });
        return [grad.x, grad.weight, grad.bias];
      },
    );
    checkGradients(
      (...[y, w]) => rmsNorm(y!, { weight: w, eps }).out,
      [x, weight],
      (c) => {
        const grad = rmsNormVjp(x, c, { weight, eps });
        return [grad.x, grad.weight];
      },
    );
  });

  const entropies: CrossEntropyOptions[] = [
    {},
    { reduction: 'sum', labelSmoothing: 0.1 },
    { reduction: 'none', ignoreIndex: 2 },
    { reduction: 'mean', ignoreIndex: 0, labelSmoothing: 0.3 },
  ];
  it.each(entropies)('cross entropy %j', (options) => {
    const x = random([2, 3, 5], 9);
    const labels = ref([2, 3], [0, 2, 4, 1, 2, 0]);
    checkGradients(
      (y) => crossEntropy(y!, labels, options),
      [x],
      (c) => [crossEntropyVjp(x, labels, c, options)],
    );
  });

  it('l2Normalize along any axis, and below eps', () => {
    for (const axis of [0, 1, 2]) {
      const x = random([2, 3, 4], 10);
      checkGradients(
        (y) => l2Normalize(y!, axis),
        [x],
        (c) => [l2NormalizeVjp(x, c, axis)],
      );
    }
    const small = random([2, 3], 11);
    checkGradients(
      (y) => l2Normalize(y!, -1, 100),
      [small],
      (c) => [l2NormalizeVjp(small, c, -1, 100)],
    );
  });

  it('embedding', () => {
    const weight = random([4, 3], 12);
    const ids = ref([5], [1, 1, 3, 0, 1]);
    checkGradients(
      (w) => embedding(w!, ids),
      [weight],
      (c) => [embeddingVjp(4, ids, c)],
    );
  });
});
