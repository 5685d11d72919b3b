import { expect, it } from 'vitest';
import { add, capture, empty, mul, reshape, scope, square, sum, tensor, type Tensor } from '@mudpt/tensor';
import { defineOp } from '@mudpt/tensor/kernels';
import { eachDevice } from '@mudpt/testing/support';
import {
  checkpoint,
  customOp,
  detach,
  gradcheck,
  Linear,
  noGrad,
  parameter,
  randomFrom,
  Tape,
  lossAndGradients,
  withoutGradient,
} from '../index.ts';

/** Sum of all elements, as [1]. */
const total = (x: Tensor): Tensor => scope(() => reshape(sum(x), [1]));

eachDevice('tape', (ctx) => {
  const param = (data: number[] | number[][]): Tensor => parameter(tensor(data, { device: ctx.device }));

  it('computes gradients, adds up those of reused tensors and undoes broadcasts', async () => {
    using x = param([
      [1, 2, 3],
      [4, 5, 6],
    ]);
    using bias = param([10, 20, 30]);
    using scale = param([[2], [3]]);
    const { value, gradients } = lossAndGradients(() => total(mul(add(square(x), bias), mul(scale, x))));
    using loss = value;
    using owned = gradients;
    expect(await loss.data()).toEqual(Float32Array.of(2 * (11 + 48 + 117) + 3 * (104 + 225 + 396)));
    expect(await owned.of(bias).data()).toEqual(Float32Array.of(14, 19, 24));
    expect(await owned.of(scale).data()).toEqual(Float32Array.of(176, 725));
    expect(await owned.of(x).array()).toEqual([
      [26, 64, 114],
      [174, 285, 414],
    ]);
  });

  it('sees methods as it sees functions', async () => {
    using x = param([1, 2, 3]);
    const { value, gradients } = lossAndGradients(() => x.mul(2).square().sum());
    using loss = value;
    using owned = gradients;
    expect(await loss.item()).toBe(56);
    expect(await owned.of(x).data()).toEqual(Float32Array.of(8, 16, 24));
  });

  it('keeps what it needs although the caller disposes everything', async () => {
    using x = param([3]);
    using tape = new Tape();
    const y = square(x);
    const z = mul(y, y);
    y.dispose();
    using gradients = tape.backward(z);
    z.dispose();
    expect(await gradients.of(x).data()).toEqual(Float32Array.of(108));
    expect(tape.length).toBe(0);
    expect(tape.savedBytes).toBe(0);
  });

  it('gives gradients of watched intermediates and takes a cotangent', async () => {
    using x = param([1, 2]);
    using tape = new Tape();
    using y = tape.watch(square(x));
    using z = mul(y, 3);
    using cotangent = tensor([1, 10], { device: ctx.device });
    using gradients = tape.backward(z, cotangent);
    expect(await gradients.of(y).data()).toEqual(Float32Array.of(3, 30));
    expect(await gradients.of(x).data()).toEqual(Float32Array.of(6, 120));
  });

  it('stops at detach, noGrad and frozen tensors', async () => {
    using x = param([2]);
    using frozen = tensor([5], { device: ctx.device });
    using c = noGrad(() => square(x));
    const { value, gradients } = lossAndGradients(() => mul(mul(x, frozen), add(detach(square(x)), c)));
    using owned = gradients;
    value.dispose();
    expect([...owned.keys()]).toEqual([x]);
    expect(await owned.of(x).data()).toEqual(Float32Array.of(40));
  });

  it('saves only what needed gradients read', () => {
    using x = param([1, 2, 3, 4]);
    using frozen = tensor([5, 6, 7, 8], { device: ctx.device });
    using tape = new Tape();
    using sum = add(x, frozen);
    expect(tape.savedBytes).toBe(0);
    using product = mul(sum, frozen);
    expect(tape.savedBytes).toBe(16);
    using constant = mul(frozen, frozen);
    expect(tape.length).toBe(2);
    for (const t of [product, constant]) expect(t.isDisposed).toBe(false);
  });

  it('refuses to cut a gradient off silently', () => {
    const opaque = defineOp('opaque', (x: Tensor): Tensor => empty(x.device, x.shape));
    const declared = defineOp('declared', (x: Tensor): Tensor => empty(x.device, x.shape));
    withoutGradient(declared);
    using x = param([1]);
    using tape = new Tape();
    expect(() => scope(() => void opaque(x))).toThrow(/no gradient rule for opaque/);
    using y = declared(x);
    expect(() => tape.backward(y)).toThrow(/depends on no parameter/);
    using two = param([1, 2]);
    using z = square(two);
    expect(() => tape.backward(z)).toThrow(/without cotangent/);
  });

  it('differentiates composites through their parts', async () => {
    const cube = defineOp('cubeOfParts', (x: Tensor): Tensor => {
      using s = square(x);
      return mul(s, x);
    });
    using x = param([2]);
    const { value, gradients } = lossAndGradients(() => cube(x));
    using owned = gradients;
    value.dispose();
    expect(await owned.of(x).data()).toEqual(Float32Array.of(12));
  });

  it('runs custom ops: the documented example', async () => {
    const cube = customOp({
      name: 'cube',
      forward: (x: Tensor) => scope(() => mul(square(x), x)),
      backward: (grad, [x]) => [mul(grad, mul(square(x as Tensor), 3))],
    });
    using x = tensor([1, -2, 0.5], { device: ctx.device });
    await gradcheck(cube, [x], { reference: ({ shape, data }) => ({ shape, data: data.map((v) => v ** 3) }) });
    const wrong = customOp({
      name: 'wrong',
      forward: (x: Tensor) => scope(() => mul(square(x), x)),
      backward: (grad, [x]) => [mul(grad, square(x as Tensor))],
    });
    await expect(gradcheck(wrong, [x])).rejects.toThrow(/along a direction/);
    await expect(
      gradcheck(wrong, [x], { reference: ({ shape, data }) => ({ shape, data: data.map((v) => v ** 3) }) }),
    ).rejects.toThrow(/input 0 differs/);
  });

  it('checkpoints with the same bits, shared parameters and captured functions included', async () => {
    const random = randomFrom(3);
    const layers = [0, 1, 2].map(() => new Linear(5, 5, { device: ctx.device, random }));
    using x = param([[0.3, -1, 2, 0.7, -0.2]]);
    const run = (wrap: (f: (h: Tensor) => Tensor) => (h: Tensor) => Tensor) => () => {
      let h = add(x, 0);
      for (const layer of layers) {
        const block = wrap((input: Tensor) =>
          add(layers[0]?.forward(square(layer.forward(input, { activation: 'gelu' }))) as Tensor, input),
        );
        h = block(h);
      }
      return total(h);
    };
    const gradientsOf = async (body: () => Tensor) => {
      const { value, gradients } = lossAndGradients(body);
      const all = await Promise.all(
        [value, ...[x, ...layers.flatMap((l) => l.parameters())].map((p) => gradients.of(p))].map((t) => t.data()),
      );
      value.dispose();
      gradients.dispose();
      return all;
    };
    const plain = await gradientsOf(run((f) => f));
    const kept = await gradientsOf(run((f) => checkpoint(f)));
    expect(kept).toEqual(plain);
    const nested = (f: (h: Tensor) => Tensor) => checkpoint((h: Tensor) => checkpoint(f)(h));
    expect(await gradientsOf(run(nested))).toEqual(plain);
    expect(await gradientsOf(checkpoint(run(nested)))).toEqual(plain);
    noGrad(() => scope(() => void run(checkpoint)()));
    for (const wrap of [(f: (h: Tensor) => Tensor) => f, (f: (h: Tensor) => Tensor) => checkpoint(f), nested]) {
      using captured = capture(() => lossAndGradients(run(wrap)), { device: ctx.device });
      captured({});
      const { value, gradients } = captured({});
      const all = await Promise.all(
        [value, ...[x, ...layers.flatMap((l) => l.parameters())].map((p) => gradients.of(p))].map((t) => t.data()),
      );
      expect(all).toEqual(plain);
    }
    for (const layer of layers) layer.dispose();
  });
});
