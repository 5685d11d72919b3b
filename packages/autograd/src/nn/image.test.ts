/** Modules of images: convolutions and their beginnings, norms with running statistics, layers without parameters. */
import { expect, it } from 'vitest';
import { capture, scope, tensor, type Tensor } from '@mudpt/tensor';
import { batchNorm, batchNormTraining } from '@mudpt/testing/reference/channel-norm';
import { expectClose } from '@mudpt/testing/reference/compare';
import { random } from '@mudpt/testing/reference/inputs';
import { eachDevice } from '@mudpt/testing/support';
import { toDevice } from '@mudpt/testing/views';
import * as nn from '../index.ts';
import { lossAndGradients, type Module, randomFrom, withSeed } from '../index.ts';

type Layer = Module & { forward(x: Tensor): Tensor };

eachDevice('modules of images', (ctx) => {
  it('have the shapes of their weights and results', () => {
    const options = { device: ctx.device, random: randomFrom(1) };
    const cases: readonly (readonly [Layer, input: number[], output: number[], weight?: number[]])[] = [
      [new nn.Conv1d(4, 6, 3, { ...options, groups: 2, padding: 'same' }), [2, 4, 5], [2, 6, 5], [6, 2, 3]],
      [new nn.Conv2d(2, 4, [1, 3], { ...options, padding: [0, 2, 0, 0] }), [1, 2, 3, 3], [1, 4, 3, 3], [4, 2, 1, 3]],
      [new nn.Conv3d(2, 3, 2, { ...options, stride: 2 }), [1, 2, 4, 4, 4], [1, 3, 2, 2, 2], [3, 2, 2, 2, 2]],
      [new nn.ConvTranspose1d(3, 2, 2, { ...options, stride: 2 }), [1, 3, 4], [1, 2, 8], [3, 2, 2]],
      [
        new nn.ConvTranspose2d(4, 6, 3, { ...options, stride: 2, padding: 1, outputPadding: 1, groups: 2 }),
        [1, 4, 3, 3],
        [1, 6, 6, 6],
        [4, 3, 3, 3],
      ],
      [new nn.GroupNorm(2, 4, options), [2, 4, 3], [2, 4, 3], [4]],
      [new nn.InstanceNorm(4, options), [2, 4, 3], [2, 4, 3]],
      [new nn.MaxPool2d(2, { ceilMode: true }), [1, 1, 3, 3], [1, 1, 2, 2]],
      [new nn.AvgPool2d(3, { stride: 1, padding: 1 }), [1, 1, 3, 3], [1, 1, 3, 3]],
      [new nn.AdaptiveAvgPool2d([1, 2]), [1, 1, 3, 3], [1, 1, 1, 2]],
      [new nn.Upsample({ scale: 2, mode: 'linear' }), [1, 1, 3, 3], [1, 1, 6, 6]],
      [new nn.Flatten(), [2, 3, 4], [2, 12]],
    ];
    for (const [layer, input, output, weight] of cases) {
      using x = tensor(new Float32Array(input.reduce((a, b) => a * b, 1)).fill(0.5), { shape: input, device: ctx.device });
      using y = layer.forward(x);
      const name = layer.constructor.name;
      expect(y.shape, name).toEqual(output);
      const found = new Map(layer.namedTensors()).get('weight');
      expect(found?.shape, name).toEqual(weight);
      layer.dispose();
    }
    expect(() => new nn.Conv1d(1, 1, 1, { outputPadding: 1 } as never)).toThrow(/^Conv1d: there is no option "outputPadding"/);
  });

  it('batch norm learns its scale, gathers statistics and uses them in evaluation, captured too', async () => {
    const [x, next] = [random([3, 2, 2, 2], 1, { round: 'f32' }), random([3, 2, 2, 2], 2, { round: 'f32' })];
    using norm = new nn.BatchNorm2d(2, { device: ctx.device, momentum: 0.5 });
    expect(Object.keys(norm.stateDict()).sort()).toEqual(['bias', 'runningMean', 'runningVariance', 'weight']);
    expect(norm.parameters()).toHaveLength(2);
    expect(norm.freeze().parameters()).toEqual([]);
    expect(norm.freeze(false).parameters()).toEqual([norm.weight, norm.bias]);
    nn.unfreeze(norm, '');
    expect(norm.parameters()).toHaveLength(2);
    using t = toDevice(ctx.device, x);
    const { value, gradients } = lossAndGradients(() =>
      scope(() =>
        norm
          .forward(t)
          .square()
          .mul(norm.weight!.reshape([2, 1, 1]))
          .sum(),
      ),
    );
    expect(gradients.of(norm.weight!).shape).toEqual([2]);
    gradients.dispose();
    value.dispose();
    using step = capture(({ image }: { image: Tensor }) => norm.forward(image), { device: ctx.device });
    const out = step({ image: { data: Float32Array.from(next.data), shape: next.shape } });
    const wanted = [x, next].map((values) => batchNormTraining(values));
    expectClose(await out.data(), wanted[1]!.out, { rel: 1e-4, abs: 1e-5 });
    const unbiased = 12 / 11;
    const running = [0, 1].map((channel) => ({
      mean: 0.25 * wanted[0]!.mean.data[channel]! + 0.5 * wanted[1]!.mean.data[channel]!,
      variance: 0.25 + unbiased * (0.25 * wanted[0]!.variance.data[channel]! + 0.5 * wanted[1]!.variance.data[channel]!),
    }));
    const column = (values: number[]) => ({ shape: [2], data: Float64Array.from(values) });
    const [mean, variance] = [column(running.map((r) => r.mean)), column(running.map((r) => r.variance))];
    expectClose(await norm.runningMean.data(), mean, { rel: 1e-5, abs: 1e-6 });
    expectClose(await norm.runningVariance.data(), variance, { rel: 1e-5, abs: 1e-6 });
    using still = norm.eval().forward(t);
    expectClose(await still.data(), batchNorm(x, mean, variance), { rel: 1e-4, abs: 1e-5 });
    norm.train();
    using one = tensor([[[[1]], [[2]]]], { device: ctx.device });
    expect(() => norm.forward(one)).toThrow(/^BatchNorm2d: x of shape \[1, 2, 1, 1\] has one value a channel/);
    using flat = tensor([[1, 2]], { device: ctx.device });
    expect(() => norm.forward(flat)).toThrow(/^BatchNorm2d: x has shape \[1, 2\]. Give a tensor of 4 axes/);
    using line = new nn.BatchNorm1d(2, { device: ctx.device, affine: false });
    expect(line.parameters()).toEqual([]);
    using flatOut = line.eval().forward(flat);
    expect(flatOut.shape).toEqual([1, 2]);
  });

  it('Dropout2d drops whole channels', async () => {
    using x = tensor(new Float32Array(2 * 64 * 4).fill(1), { shape: [2, 64, 2, 2], device: ctx.device });
    const layer = new nn.Dropout2d(0.5);
    using y = withSeed(3, () => layer.forward(x));
    const values = await y.data();
    const channels = Array.from({ length: 128 }, (_, c) => new Set(values.slice(4 * c, 4 * c + 4)));
    expect(channels.every((kinds) => kinds.size === 1 && (kinds.has(0) || kinds.has(2)))).toBe(true);
    const kept = channels.filter((kinds) => kinds.has(2)).length;
    expect(kept).toBeGreaterThan(40);
    expect(kept).toBeLessThan(88);
  });
});
