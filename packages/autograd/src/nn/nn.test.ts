import { expect, it } from 'vitest';
import { add, capture, crossEntropy, mseLoss, mul, relu, reshape, scope, split, sum, tensor, type Tensor } from '@mudpt/tensor';
import { eachDevice } from '@mudpt/testing/support';
import {
  Adam,
  checkpoint,
  chunked,
  Conv2d,
  Dropout,
  dropout,
  Embedding,
  inParts,
  LayerNorm,
  Linear,
  loadModule,
  loadTensors,
  Module,
  MultiHeadAttention,
  nextStream,
  parameter,
  randomFrom,
  RMSNorm,
  serializeTensors,
  TransformerBlock,
  lossAndGradients,
  withSeed,
} from '../index.ts';

eachDevice('modules', (ctx) => {
  it('names tensors by their paths, with types', () => {
    using block = new TransformerBlock({ width: 8, heads: 2, device: ctx.device });
    const state = block.stateDict();
    expect(state['attention.qkv.weight'].shape).toEqual([24, 8]);
    expect(state['norm1.bias'].shape).toEqual([8]);
    expect(Object.keys(state)).toHaveLength(12);
    expect(block.parameters()).toHaveLength(12);
    block.freeze();
    expect(block.parameters()).toEqual([]);
    expect(block.freeze(false).parameters()).toHaveLength(12);
  });

  it('saves and loads, and refuses what does not fit', async () => {
    const options = { device: ctx.device };
    class Net extends Module {
      readonly layers = [new Linear(3, 2, { ...options, random: randomFrom(1) }), new Linear(2, 2, options)];
      readonly norm = new LayerNorm(2, options);
    }
    using first = new Net();
    using second = new Net();
    const bytes = await serializeTensors(first.stateDict() as never);
    using changed = tensor(
      [
        [9, 9, 9],
        [9, 9, 9],
      ],
      options,
    );
    second.loadStateDict({ 'layers.0.weight': changed }, { strict: false });
    await loadModule(second, bytes as never);
    for (const [name, tensor] of second.namedTensors())
      expect(await tensor.data(), name).toEqual(await new Map(first.namedTensors()).get(name)?.data());
    const loaded = await loadTensors(bytes as never, ctx.device);
    const { 'norm.bias': bias, ...rest } = loaded;
    expect(() => second.loadStateDict(rest)).toThrow(/missing: norm.bias/);
    expect(() => second.loadStateDict({ ...loaded, 'norm.bias': changed })).toThrow(/norm.bias has shape \[2, 3\]/);
    for (const t of [bias, ...Object.values(rest)]) t?.dispose();
  });

  it('computes the shapes of every module', () => {
    const options = { device: ctx.device, random: randomFrom(2) };
    const modules: (Module & { forward(x: Tensor): Tensor })[] = [
      new RMSNorm(8, options),
      new LayerNorm(8, options),
      new MultiHeadAttention(8, 2, options),
    ];
    using x = tensor(new Float32Array(48).fill(0.5), { shape: [2, 3, 8], device: ctx.device });
    for (const module of modules) {
      using y = module.forward(x);
      expect(y.shape).toEqual([2, 3, 8]);
      module.dispose();
    }
    using conv = new Conv2d(2, 4, 3, { ...options, stride: 2, padding: 1 });
    using image = tensor(new Float32Array(2 * 5 * 5), { shape: [1, 2, 5, 5], device: ctx.device });
    using features = conv.forward(image);
    expect(features.shape).toEqual([1, 4, 3, 3]);
    using table = new Embedding(5, 4, options);
    using ids = tensor([[0, 4]], { dtype: 'i32', device: ctx.device });
    using rows = table.forward(ids);
    expect(rows.shape).toEqual([1, 2, 4]);
    expect(() => new MultiHeadAttention(8, 3, options)).toThrow(/do not divide/);
  });

  it('dropout: keeps its choice in the backward, changes with seed and stream, replays with a new seed', async () => {
    const count = 20_000;
    using x = parameter(tensor(new Float32Array(count).fill(1), { device: ctx.device }));
    using zero = tensor(new Float32Array(count), { device: ctx.device });
    const { value, gradients } = lossAndGradients(() =>
      mseLoss(dropout(x, { p: 0.25, seed: 7, stream: 1 }), zero, { reduction: 'sum' }),
    );
    value.dispose();
    using y = dropout(x, { p: 0.25, seed: 7, stream: 1 });
    using other = dropout(x, { p: 0.25, seed: 7, stream: 2 });
    const [out, grad, different] = [await y.data(), await gradients.of(x).data(), await other.data()];
    gradients.dispose();
    const scale = Math.fround(1 / 0.75);
    expect(out.every((v, i) => (v === 0 || v === scale) && (grad[i] === 0) === (v === 0))).toBe(true);
    const kept = out.filter((v) => v !== 0).length / count;
    expect(Math.abs(kept - 0.75)).toBeLessThan(0.015);
    const agree = out.filter((v, i) => v === different[i]).length / count;
    expect(Math.abs(agree - (0.75 ** 2 + 0.25 ** 2))).toBeLessThan(0.02);

    const module = new Dropout(0.25);
    expect(() => module.forward(x)).toThrow(/withSeed/);
    using step = capture(({ seed }: { seed: Tensor }) => withSeed(seed, () => module.forward(x)), { device: ctx.device });
    const draw = async (seed: number) => [...(await step({ seed: { data: [seed], shape: [1], dtype: 'u32' } }).data())];
    const first = await draw(1);
    expect(await draw(2)).not.toEqual(first);
    expect(await draw(1)).toEqual(first);
    using same = module.eval().forward(x);
    expect(await same.data()).toEqual(await x.data());
  });

  it('dropout of a part draws what it does for the same rows of the whole, and what all parts share is drawn alike', async () => {
    await scope(async () => {
      const x = parameter(tensor(new Float32Array(7 * 6).fill(1), { shape: [7, 6], device: ctx.device }));
      const module = new Dropout(0.5);
      const both = (rows: Tensor): Tensor => module.forward(mul(module.forward(rows), 3));
      const run = (body: () => Tensor) =>
        withSeed(5, () => lossAndGradients(() => ({ loss: sum(body()), next: nextStream('next').stream })));
      const whole = run(() => both(x));
      const before = [0, 3, 6].map((rows) => ({ rows, sequences: rows }));
      const parts = run(() =>
        chunked(
          both,
          split(x, 3).map((part) => [part] as const),
          0,
          before,
        ),
      );
      expect(await parts.gradients.of(x).data()).toEqual(await whole.gradients.of(x).data());
      expect(parts.value.next).toBe(whole.value.next);
      const shared = withSeed(5, () => inParts(before, () => nextStream('x', 'shared')));
      expect(shared).toEqual([0, 0, 0].map((stream) => ({ seed: 5, stream })));
      const attention = new MultiHeadAttention(6, 2, { device: ctx.device, dropout: 0.5 });
      const apart = () => withSeed(5, () => inParts(before, () => attention.forward(reshape(x, [1, 7, 6]))));
      expect(apart).toThrow(/attention does not draw for a part of a batch/);
      expect(() => dropout(x, { p: 0.5, seed: 1, stream: 0, firstRow: 2 ** 30 })).toThrow(/firstRow is 1073741824/);
      for (const weight of attention.parameters()) weight.dispose();
      x.dispose();
    });
  });

  it('checkpointed dropout draws the same numbers', async () => {
    using layer = new Linear(6, 6, { device: ctx.device });
    using x = parameter(tensor([[1, 2, 3, 4, 5, 6]], { device: ctx.device }));
    using zero = tensor(new Float32Array(6), { shape: [1, 6], device: ctx.device });
    const drop = new Dropout(0.5);
    const run = async (isCheckpointed: boolean) => {
      const body = (h: Tensor): Tensor => drop.forward(layer.forward(drop.forward(h)));
      const { value, gradients } = withSeed(11, () =>
        lossAndGradients(() => mseLoss((isCheckpointed ? checkpoint(body) : body)(x), zero)),
      );
      const result = [await value.data(), await gradients.of(x).data(), await gradients.of(layer.weight).data()];
      value.dispose();
      gradients.dispose();
      return result;
    };
    expect(await run(true)).toEqual(await run(false));
  });

  it('layers made alike begin with different numbers, the same ones by seed', async () => {
    const { device } = ctx;
    const valuesOf = async (layers: readonly Module[]) => {
      const all = await Promise.all(
        layers.flatMap((layer) => layer.parameters()).map(async (tensor) => [...(await tensor.data())]),
      );
      for (const layer of layers) layer.dispose();
      return all;
    };
    const pair = () => [new Linear(3, 2, { device }), new Linear(3, 2, { device }), new Embedding(3, 2, { device })];
    const [weight, bias, weight2, bias2] = await valuesOf(pair());
    expect(weight2).not.toEqual(weight);
    expect(bias2).not.toEqual(bias);
    const drawn = await valuesOf(withSeed(5, pair));
    expect(await valuesOf(withSeed(5, pair))).toEqual(drawn);
    expect(await valuesOf(withSeed(6, pair))).not.toEqual(drawn);
    // Of a seed, the numbers that `random` gives: one stream for all modules.
    const random = randomFrom(5);
    const given = [
      new Linear(3, 2, { device, random }),
      new Linear(3, 2, { device, random }),
      new Embedding(3, 2, { device, random }),
    ];
    expect(await valuesOf(given)).toEqual(drawn);
    using seed = tensor([5], { dtype: 'u32', device });
    expect(() => withSeed(seed, pair)).toThrow(/^uniform: initial values cannot be drawn from a seed that is a tensor/);
  });

  it('a residual network with a convolution learns', async () => {
    const options = { device: ctx.device, random: randomFrom(9) };
    using conv = new Conv2d(1, 2, 2, options);
    using head = new Linear(2 * 4, 2, options);
    using adam = new Adam([...conv.parameters(), ...head.parameters()], { lr: 0.05 });
    using images = tensor([1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 1, 0, 1, 0, 1, 0, 0], { shape: [2, 1, 3, 3], device: ctx.device });
    using labels = tensor([0, 1], { dtype: 'i32', device: ctx.device });
    let last = 0;
    for (let i = 0; i < 60; i += 1) {
      const { value, gradients } = lossAndGradients(() => {
        const features = relu(conv.forward(images));
        const flat = reshape(features, [2, 8]);
        return crossEntropy(add(head.forward(flat), 0), labels);
      });
      adam.step(gradients);
      gradients.dispose();
      last = await value.item();
      value.dispose();
    }
    expect(last).toBeLessThan(0.2);
  });

  it('modules refuse options that they do not have', () => {
    const { device } = ctx;
    const wrong: readonly (readonly [() => unknown, RegExp])[] = [
      [
        () => new Linear(2, 3, { device, biass: false } as never),
        /^Linear: there is no option "biass". Options are device, random,/,
      ],
      [() => new LayerNorm(2, { device, epsilon: 1 } as never), /^LayerNorm: there is no option "epsilon"/],
      [() => new TransformerBlock({ width: 4, heads: 2, device, dropout: 0.1 } as never), /^TransformerBlock: .*"dropout"/],
    ];
    for (const [make, error] of wrong) expect(make).toThrow(error);
    using bare = new Linear(2, 3, { device, bias: null as never });
    expect(bare.bias).toBeUndefined();
  });
});
