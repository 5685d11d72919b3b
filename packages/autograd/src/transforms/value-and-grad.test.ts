import { expect, it } from 'vitest';
import { add, capture, linear, mseLoss, mul, scope, square, sum, tensor, type Tensor } from '@mudpt/tensor';
import { eachDevice } from '@mudpt/testing/support';
import { checkpoint, currentTape, detach, grad, lossAndGradients, parameter, valueAndGrad } from '../index.ts';

type Weights = { readonly layers: readonly { readonly w: Tensor; readonly b: Tensor | undefined }[]; readonly scale: Tensor };

eachDevice('valueAndGrad', (ctx) => {
  const make = (data: number[] | number[][]): Tensor => tensor(data, { device: ctx.device });
  const network = ({ layers, scale }: Weights, x: Tensor, y: Tensor): Tensor => {
    const out = layers.reduce((h, { w, b }) => linear(h, w, b, { activation: 'gelu' }), x);
    return mseLoss(mul(out, scale), y);
  };
  const weights = (): Weights => ({
    layers: [
      {
        w: make([
          [0.3, -1.2],
          [2, 0.7],
          [-0.4, 0.9],
        ]),
        b: make([0.1, -0.2, 0.3]),
      },
      { w: make([[1, -2, 0.5]]), b: undefined },
    ],
    scale: make([1.5]),
  });

  it('gives the bits of lossAndGradients, in the structure of the argument', async () => {
    await scope(async () => {
      const tree = weights();
      const { layers, scale } = tree;
      const [x, y] = [
        make([
          [1, 2],
          [-3, 0.5],
        ]),
        make([[0.5], [1]]),
      ];
      const { value, gradients } = valueAndGrad(network)(tree, x, y);
      const wanted = [layers[0]?.w, layers[0]?.b, layers[1]?.w, scale] as Tensor[];
      const plain = lossAndGradients(() => network(tree, x, y), wanted);
      expect(await value.data()).toEqual(await plain.value.data());
      const found = [gradients.layers[0]?.w, gradients.layers[0]?.b, gradients.layers[1]?.w, gradients.scale] as Tensor[];
      for (const [at, gradient] of found.entries()) {
        expect(await gradient.data()).toEqual(await plain.gradients.of(wanted[at] as Tensor).data());
        expect(gradient.shape).toEqual(wanted[at]?.shape);
      }
      expect(gradients.layers[1]).toEqual({ w: gradients.layers[1]?.w, b: undefined });
      expect(Object.keys(gradients)).toEqual(['layers', 'scale']);
      expect(await grad(network)(tree, x, y).scale.data()).toEqual(await gradients.scale.data());
      expect(await grad((w: Weights) => checkpoint(network)(w, x, y))(tree).scale.data()).toEqual(await gradients.scale.data());
    });
    expect(currentTape()).toBeUndefined();
  });

  it('differentiates the arguments that argnums names', async () => {
    await scope(async () => {
      const f = (x: Tensor, y: Tensor): Tensor => sum(mul(square(x), y));
      const [x, y] = [make([1, 2]), make([3, 5])];
      expect(await grad(f)(x, y).data()).toEqual(Float32Array.of(6, 20));
      expect(await grad(f, { argnums: 1 })(x, y).data()).toEqual(Float32Array.of(1, 4));
      const { value, gradients } = valueAndGrad(f, { argnums: [1, 0] })(x, y);
      expect(await value.item()).toBe(23);
      expect(await gradients[0].data()).toEqual(Float32Array.of(1, 4));
      expect(await gradients[1].data()).toEqual(Float32Array.of(6, 20));
    });
  });

  it('takes other tensors as constants: parameters, the same tensor in another place, one read from outside', async () => {
    await scope(async () => {
      using p = parameter(make([3, 4]));
      const x = make([1, 2]);
      const f = (a: Tensor, b: Tensor): Tensor => sum(mul(mul(a, b), p));
      expect(await grad(f)(x, x).data()).toEqual(Float32Array.of(3, 8));
      expect(await grad(f)(p, p).data()).toEqual(Float32Array.of(9, 16));
      expect(await grad(f, { argnums: [0, 1] })(x, x)[1].data()).toEqual(Float32Array.of(3, 8));
      expect(await grad((a: Tensor) => checkpoint((h: Tensor) => sum(mul(h, p)))(a))(x).data()).toEqual(Float32Array.of(3, 4));
    });
  });

  it('gives zeros where the loss does not depend on an argument, and 1 for the argument itself', async () => {
    await scope(async () => {
      const x = make([2]);
      expect(await grad(({ a }: { a: Tensor; b: Tensor }) => sum(a))({ a: x, b: x }).b.data()).toEqual(Float32Array.of(0));
      expect(await grad((a: Tensor) => sum(detach(a)))(x).data()).toEqual(Float32Array.of(0));
      const { value, gradients } = valueAndGrad((a: Tensor) => a)(x);
      expect([await value.item(), await gradients.item()]).toEqual([2, 1]);
      expect(x.isDisposed).toBe(false);
    });
  });

  it('returns what stands beside the loss', async () => {
    await scope(async () => {
      const both = valueAndGrad((x: Tensor) => {
        const squares = square(x);
        return { loss: sum(squares), squares };
      });
      const { value, gradients } = both(make([1, 3]));
      expect(await value.squares.data()).toEqual(Float32Array.of(1, 9));
      expect(await gradients.data()).toEqual(Float32Array.of(2, 6));
    });
  });

  it('replays inside a captured function, and leaves nothing but its results', async () => {
    const f = (x: Tensor, w: { readonly w: Tensor }): Tensor => sum(mul(square(x), w.w));
    using w = make([3, 5]);
    using step = capture(({ x }: { x: Tensor }) => valueAndGrad(f, { argnums: [0, 1] })(x, { w }), { device: ctx.device });
    for (const data of [
      [1, 2],
      [4, -1],
      [0.3, 7],
    ]) {
      const { value, gradients } = step({ x: { data, shape: [2] } });
      using x = make(data);
      const eager = valueAndGrad(f, { argnums: [0, 1] })(x, { w });
      expect(await value.data()).toEqual(await eager.value.data());
      expect(await gradients[0].data()).toEqual(await eager.gradients[0].data());
      expect(await gradients[1].w.data()).toEqual(await eager.gradients[1].w.data());
      for (const made of [eager.value, eager.gradients[0], eager.gradients[1].w]) made.dispose();
    }
  });

  it('refuses what it cannot differentiate, by name, and leaks nothing', async () => {
    using x = make([1, 2]);
    using ids = tensor([1, 2], { dtype: 'i32', device: ctx.device });
    const total = (a: unknown): Tensor => sum(mul(x, a === x ? 2 : 1));
    const loose = grad(total) as (...args: unknown[]) => unknown;
    const cases: readonly (readonly [() => unknown, RegExp])[] = [
      [() => loose(3), /^grad: argument 0 is 3\. .*argnums/],
      [() => loose(), /^grad: there is no argument 0/],
      [() => loose([]), /^grad: argument 0 holds no tensor/],
      [() => loose({ a: [x, 'b'] }), /^grad: argument 0\.a\[1\] is b/],
      [() => loose(new Map([['a', x]])), /^grad: argument 0 is an instance of Map/],
      [() => loose({ ids }), /^grad: argument 0\.ids has dtype i32, which has no gradient/],
      [() => grad(total, { argnums: -1 as never }), /^grad: argnums has -1/],
      [() => valueAndGrad((a: Tensor) => add(a, 1))(x), /^valueAndGrad: the function returned a loss of shape \[2\]/],
      [() => valueAndGrad((() => 3) as unknown as (a: Tensor) => Tensor)(x), /^valueAndGrad: the body returned no loss/],
      [
        () => valueAndGrad((async (a: Tensor) => sum(a)) as unknown as (a: Tensor) => Tensor)(x),
        /^valueAndGrad: its body is asynchronous/,
      ],
    ];
    for (const [run, error] of cases) expect(() => scope(run)).toThrow(error);
    expect(currentTape()).toBeUndefined();
    await new Promise((done) => void setTimeout(done, 1)); // the tensors of the asynchronous function are released, too
  });
});
