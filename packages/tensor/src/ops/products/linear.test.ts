import { describe, expect, it } from 'vitest';
import { map, ref, type Ref, reshape, transpose } from '@mudpt/testing/reference/array';
import { expectClose, expectNormClose } from '@mudpt/testing/reference/compare';
import { random } from '@mudpt/testing/reference/inputs';
import * as oracle from '@mudpt/testing/reference/matmul';
import { binary, unaryDerivatives, unaryFunctions } from '@mudpt/testing/reference/pointwise';
import { sum } from '@mudpt/testing/reference/reduce';
import { eachDevice } from '@mudpt/testing/support';
import { toDevice, viewOf } from '@mudpt/testing/views';
import { type Activation, linear, tensor } from '../../index.ts';
import {
  activationBackward,
  linearBackwardBias,
  linearBackwardInput,
  linearBackwardWeight,
  linearForward,
} from '../../internal.ts';
import { view } from '../../kernels.ts';
import { lastOf, nth } from '../../values.ts';

const ACTIVATIONS = ['relu', 'gelu', 'geluTanh', 'quickGelu', 'silu'] as const;
const close = { rel: 1e-5, abs: 1e-5 };

/** x W^T + b. */
function affine(x: Ref, weight: Ref, bias: Ref): Ref {
  return binary('add', oracle.matmul(x, transpose(weight)), bias);
}

eachDevice('linear', (ctx) => {
  it.each([
    [6, 8, 12],
    [5, 7, 3],
    [1, 16, 20],
    [9, 0, 4],
    [0, 4, 4],
  ])('computes x W^T + bias for %i x %i -> %i', async (rows, inputs, outputs) => {
    const [x, weight, bias] = [random([rows, inputs], 1), random([outputs, inputs], 2), random([outputs], 3)];
    using input = toDevice(ctx.device, x);
    using w = toDevice(ctx.device, weight);
    using b = toDevice(ctx.device, bias);
    using y = linear(input, w, b);
    expectClose({ shape: y.shape, data: await y.data() }, affine(x, weight, bias), close);
    using plain = linear(input, w);
    expectClose(await plain.data(), oracle.matmul(x, transpose(weight)), close);
  });

  it('takes any leading axes, merged into one product where strides allow', async () => {
    const recipe = {
      name: 'middle',
      base: [2, 5, 24],
      steps: [{ op: 'slice', ranges: [null, null, { start: 8, stop: 16 }] }],
      shape: [2, 5, 8],
    } as const;
    const base = random(recipe.base, 4);
    const [weight, bias] = [random([12, 8], 5), random([12], 6)];
    using w = toDevice(ctx.device, weight);
    using b = toDevice(ctx.device, bias);
    using part = viewOf(ctx.device, base, recipe);
    using y = linear(part, w, b);
    const rows = ref(
      [2, 5, 8],
      Array.from({ length: 80 }, (_, i) => nth(base.data, Math.floor(i / 8) * 24 + 8 + (i % 8))),
    );
    expectClose({ shape: y.shape, data: await y.data() }, affine(rows, weight, bias), close);
    using vector = toDevice(ctx.device, random([8], 7));
    using single = linear(vector, w, b);
    expectClose(
      { shape: single.shape, data: await single.data() },
      reshape(affine(random([1, 8], 7), weight, bias), [12]),
      close,
    );
  });

  describe.each(ACTIVATIONS)('%s', (activation) => {
    // Inputs up to about 8: into both tails of every activation.
    const x = random([7, 6], 8, { scale: 3 });
    const weight = random([8, 6], 9);
    const bias = random([8], 10);
    const residual = random([7, 8], 11);
    const before = affine(x, weight, bias);
    const after = map(before, (value) => unaryFunctions[activation](value));

    it('is fused, with residual, and keeps the values before it', async () => {
      using input = toDevice(ctx.device, x);
      using w = toDevice(ctx.device, weight);
      using b = toDevice(ctx.device, bias);
      using added = toDevice(ctx.device, residual);
      const { output, pre } = linearForward(input, w, b, { activation, residual: added });
      using y = output;
      using saved = pre;
      expectClose(await y.data(), binary('add', after, residual), close);
      expectClose(await saved!.data(), before, close);
    });

    it('multiplies by its derivative at the store', async () => {
      const dY = random([7, 5], 12);
      const next = random([5, 8], 13);
      using gradient = toDevice(ctx.device, dY);
      using w = toDevice(ctx.device, next);
      using pre = toDevice(ctx.device, before);
      using fused = linearBackwardInput(gradient, w, { pre, activation });
      const slope = map(before, (value) => unaryDerivatives[activation](value));
      const plain = oracle.matmul(dY, next);
      expectClose(await fused.data(), binary('mul', plain, slope), close);
      using unfused = linearBackwardInput(gradient, w);
      using separate = activationBackward(unfused, pre, activation);
      expectClose(await separate.data(), binary('mul', plain, slope), close);
    });
  });

  it('computes activations and derivatives to f32 rounding, their limits, and keeps NaN', async () => {
    const x = ref(
      [1, 2001],
      Array.from({ length: 2001 }, (_, i) => Math.fround((i - 1000) / 100)),
    );
    using one = tensor([1], { device: ctx.device, shape: [1, 1] });
    using values = toDevice(ctx.device, transpose(x));
    using ones = tensor(new Float32Array(2001).fill(1), { device: ctx.device, shape: [2001, 1] });
    using unit = tensor([1, 1, 1, 1], { device: ctx.device, shape: [4, 1] });
    using far = tensor([1e30, -1e30, Number.NaN, Number.NEGATIVE_INFINITY], { device: ctx.device, shape: [4, 1] });
    for (const activation of ACTIVATIONS) {
      using y = linear(values, one, undefined, { activation });
      expectClose(
        await y.data(),
        transpose(map(x, (value) => unaryFunctions[activation](value))),
        { rel: 1e-6, abs: 4e-7 },
        activation,
      );
      using slope = activationBackward(ones, values, activation);
      expectClose(
        await slope.data(),
        transpose(map(x, (value) => unaryDerivatives[activation](value))),
        { rel: 2e-6, abs: 6e-7 },
        `${activation}'`,
      );
      using tails = linear(far, one, undefined, { activation });
      const [high = 0, low = 1, nan = 0, lowest = 1] = await tails.data();
      expect([Math.fround(high), low === 0, Number.isNaN(nan), lowest === 0], activation).toEqual([
        Math.fround(1e30),
        true,
        true,
        true,
      ]);
      using slopes = activationBackward(unit, far, activation);
      const [highSlope, lowSlope = 1, nanSlope = 0, lowestSlope = 1] = await slopes.data();
      const flat = [Math.abs(lowSlope) < 1e-30, Math.abs(lowestSlope) < 1e-30];
      expect([highSlope, ...flat], activation).toEqual([1, true, true]);
      if (activation !== 'relu') expect(nanSlope, activation).toBeNaN();
    }
  });

  it('gives the gradients of weight and bias, for any leading axes and bit for bit the same', async () => {
    for (const shape of [[3, 5], [40, 7], [2, 33, 6], [5], [0, 4], [1, 130, 8]]) {
      const [dY, x] = [random([...shape.slice(0, -1), 12], 14), random(shape, 15)];
      const rows = shape.slice(0, -1).reduce((product, size) => product * size, 1);
      using gradient = toDevice(ctx.device, dY);
      using input = toDevice(ctx.device, x);
      using dW = linearBackwardWeight(gradient, input);
      const flatY = reshape(dY, [rows, 12]);
      expectClose(
        { shape: dW.shape, data: await dW.data() },
        oracle.matmul(transpose(flatY), reshape(x, [rows, lastOf(shape)])),
        close,
        `${shape}`,
      );
      using dB = linearBackwardBias(gradient);
      expectClose({ shape: dB.shape, data: await dB.data() }, sum(flatY, { axes: [0] }), close, `${shape}`);
      using again = linearBackwardBias(gradient);
      expect(await again.data()).toEqual(await dB.data());
    }
  });

  it('applies the epilogue after a split k, too', async () => {
    using _ = ctx.device.tuner.force('gemm.split', '3');
    const [x, weight, bias] = [random([6, 100], 16), random([8, 100], 17, { scale: 0.1 }), random([8], 18)];
    using input = toDevice(ctx.device, x);
    using w = toDevice(ctx.device, weight);
    using b = toDevice(ctx.device, bias);
    using rows = view(b, { shape: [6, 8], strides: [0, 1] });
    const { output, pre } = linearForward(input, w, b, { activation: 'gelu', residual: rows });
    using y = output;
    using saved = pre;
    expectClose(await saved!.data(), affine(x, weight, bias), close);
    expectNormClose(await y.data(), binary('add', map(affine(x, weight, bias), unaryFunctions.gelu), bias), 1e-6);
  });

  it('reads f16 weights with f32 activations', async ({ skip }) => {
    skip(!ctx.device.hasF16, 'the adapter has no shader-f16');
    const [x, weight, bias] = [random([6, 16], 19), random([8, 16], 20, { round: 'f16' }), random([8], 21)];
    using input = toDevice(ctx.device, x);
    using w = toDevice(ctx.device, weight, 'f16');
    using b = toDevice(ctx.device, bias);
    using y = linear(input, w, b, { activation: 'quickGelu' });
    expect(y.dtype).toBe('f32');
    expectClose(await y.data(), map(affine(x, weight, bias), unaryFunctions.quickGelu), close);
  });

  it('refuses what does not fit', () => {
    using x = tensor(new Float32Array(6), { device: ctx.device, shape: [2, 3] });
    using w = tensor(new Float32Array(12), { device: ctx.device, shape: [4, 3] });
    using b = tensor(new Float32Array(3), { device: ctx.device });
    expect(() => linear(w, x, b)).toThrow(/bias \[3\] does not fit weight \[2, 3\].*\[2\]/);
    expect(() => linear(b, b)).toThrow(/weight \[3\] is no matrix/);
    using wide = tensor(new Float32Array(8), { device: ctx.device, shape: [2, 4] });
    expect(() => linear(wide, w)).toThrow(/x \[2, 4\] does not end in 3/);
    expect(() => linear(x, w, undefined, { residual: x })).toThrow(/residual \[2, 3\] is not of the shape \[2, 4\]/);
    expect(() => linearBackwardInput(x, w)).toThrow(/dY \[2, 3\]/);
    expect(() => linearBackwardWeight(x, b)).toThrow(/differ before their last axis/);
    const unknown = 'swish' as Activation;
    expect(() => linear(x, w, undefined, { activation: unknown })).toThrow(/activation is "swish"/);
  });
});
