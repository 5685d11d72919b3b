/** Sums of many terms stay exact: losses of many rows, long rows, long products, and layer norm of rows with a large mean. */
import { expect, it } from 'vitest';
import { random } from '@mudpt/testing/reference/inputs';
import { layerNorm as layerNormRef, layerNormVjp } from '@mudpt/testing/reference/nn';
import { map, type Ref } from '@mudpt/testing/reference/array';
import { eachDevice } from '@mudpt/testing/support';
import type { Tensor } from '../tensor.ts';
import { full, tensor, zeros } from './create/create.ts';
import { crossEntropy, crossEntropyBackward, crossEntropyForward } from './losses/cross-entropy.ts';
import { klDiv, l1Loss, mseLoss } from './losses/losses.ts';
import { matmul } from './products/matmul.ts';
import { layerNormBackward } from './norms/norm-backward.ts';
import { addLayerNorm, layerNorm, layerNormForward } from './norms/norm.ts';
import { l2Normalize } from './norms/normalize.ts';
import { cumsum } from './reduce/scan.ts';
import { logSoftmax, softmax } from './norms/softmax.ts';

/** Tolerance that a sequential sum would miss by a factor of 20 and more. */
const EXACT = 5e-6;
const off = (actual: number, wanted: number): number => Math.abs(actual / wanted - 1);
const worst = (actual: ArrayLike<number>, wanted: Ref): number =>
  wanted.data.reduce((most, value, i) => Math.max(most, Math.abs(actual[i]! - value)), 0);

eachDevice('sums', (ctx) => {
  const upload = (x: Ref): Tensor => tensor(Float32Array.from(x.data), { shape: x.shape, device: ctx.device });

  it.each([4096, 4097, 20_000, 300_000])('means of losses over %i rows', async (rows) => {
    const device = ctx.device;
    using logits = zeros([rows, 2], { device });
    using labels = zeros([rows], { dtype: 'i32', device });
    using loss = crossEntropy(logits, labels);
    expect(off(await loss.item(), Math.LN2)).toBeLessThan(EXACT);
    using sum = crossEntropy(logits, labels, { reduction: 'sum' });
    expect(off(await sum.item(), rows * Math.LN2)).toBeLessThan(EXACT);
    using targets = tensor(
      Float32Array.from({ length: 2 * rows }, (_, i) => 1 - (i % 2)),
      { shape: [rows, 2], device },
    );
    using divergence = klDiv(logits, targets, { reduction: 'batchmean' });
    const p = Math.E / (1 + Math.E);
    expect(off(await divergence.item(), p * Math.log(2 * p) + (1 - p) * Math.log(2 * (1 - p)))).toBeLessThan(EXACT);
    using tenth = full([rows, 2], 0.1, { device });
    using absolute = l1Loss(tenth, logits);
    using squared = mseLoss(tenth, logits);
    expect(off(await absolute.item(), Math.fround(0.1))).toBeLessThan(EXACT);
    expect(off(await squared.item(), Math.fround(0.1) ** 2)).toBeLessThan(EXACT);
  });

  it('a mean over many rows counts the labels that are not ignored', async () => {
    const rows = 9000;
    const list = Int32Array.from({ length: rows }, (_, i) => (i % 3 === 0 ? 5 : i % 2));
    using logits = upload(random([rows, 2], 1));
    using labels = tensor(list, { device: ctx.device });
    const { loss, lse, counted } = crossEntropyForward(logits, labels, { ignoreIndex: 5 });
    using each = crossEntropy(logits, labels, { reduction: 'none', ignoreIndex: 5 });
    const total = [...(await each.data())].reduce((sum, value) => sum + value, 0);
    expect(await counted!.item()).toBe(6000);
    expect(off(await loss.item(), total / 6000)).toBeLessThan(EXACT);
    using grad = tensor(1, { device: ctx.device });
    using dx = crossEntropyBackward({ logits, labels, lse, counted, grad }, { ignoreIndex: 5 });
    expect((await dx.data()).filter((value) => value !== 0).length).toBe(12000);
    for (const t of [loss, lse, counted]) t?.dispose();
  });

  it.each([5000, 100_003, 400_000])('rows of %i elements', async (width) => {
    const x = random([1, width], 3, { distribution: 'uniform', low: -5, high: 5 });
    const sum = x.data.reduce((total, value) => total + Math.exp(value), 0);
    using t = upload(x);
    using p = softmax(t);
    expect(Math.abs([...(await p.data())].reduce((a, b) => a + b, 0) - 1)).toBeLessThan(EXACT);
    using labels = tensor([0], { dtype: 'i32', device: ctx.device });
    using loss = crossEntropy(t, labels);
    expect(Math.abs((await loss.item()) - (Math.log(sum) - x.data[0]!))).toBeLessThan(EXACT);
    using logs = logSoftmax(t);
    expect(Math.abs((await logs.data())[0]! - (x.data[0]! - Math.log(sum)))).toBeLessThan(EXACT);
    using normed = layerNorm(t);
    expect(worst(await normed.data(), layerNormRef(x, {}).out)).toBeLessThan(EXACT);
    using constant = full([1, width], 0.1, { device: ctx.device });
    using unit = l2Normalize(constant);
    expect(off((await unit.data())[0]!, 1 / Math.sqrt(width))).toBeLessThan(EXACT);
  });

  it('products of long rows, and running sums', async () => {
    const k = 200_000;
    using a = full([2, k], 0.1, { device: ctx.device });
    using b = full([k, 3], 1, { device: ctx.device });
    using product = matmul(a, b);
    for (const value of await product.data()) expect(off(value, k * Math.fround(0.1))).toBeLessThan(2e-5);
    using columns = full([4096, 5000], 0.1, { device: ctx.device });
    using running = cumsum(columns);
    const last = running.slice([{ stop: 1 }, { start: 4999 }]);
    expect(off((await last.data())[0]!, 5000 * Math.fround(0.1))).toBeLessThan(2e-5);
    last.dispose();
    // Ones that follow a sum of 2^24, which one more of them does not change.
    using far = tensor(
      Array.from({ length: 756 }, (_, i) => (i < 256 ? 2 ** 16 : 1)),
      { device: ctx.device },
    );
    using sums = cumsum(far);
    expect((await sums.data()).at(-1)).toBe(2 ** 24 + 500);
  });

  // The mean of such a row is a sum of two f32: rounded to one it would be off by up to 4e-3 of the deviation, as in PyTorch.
  it.each([
    [64, 0],
    [768, 1000],
    [4096, 1000],
    [20_000, 1000],
    [769, -1000],
    [768, 100_000],
    [3000, -1_000_000],
  ])('layer norm of rows of %i elements around %i', async (width, mean) => {
    const bound = 3e-6;
    const x = map(random([6, width], 4, { distribution: 'uniform', low: -1.7, high: 1.7 }), (v) => Math.fround(v + mean));
    const [weight, grad] = [random([width], 5), random([6, width], 6)];
    const [t, w, g] = [upload(x), upload(weight), upload(grad)];
    const { out, moments, rstd } = layerNormForward(t, w);
    expect(worst(await out.data(), layerNormRef(x, { weight }).out) / Math.max(...weight.data.map(Math.abs))).toBeLessThan(bound);
    const wanted = layerNormVjp(x, grad, { weight });
    const gradients = layerNormBackward({ x: t, weight: w, moments, rstd, grad: g, needs: { x: true, weight: true } });
    expect(worst(await gradients.weight!.data(), wanted.weight!)).toBeLessThan(6 * bound);
    expect(worst(await gradients.x!.data(), wanted.x)).toBeLessThan(6 * bound);
    using none = zeros([6, width], { device: ctx.device });
    const added = addLayerNorm(t, none, w);
    expect(await added.out.data()).toEqual(await out.data());
    for (const one of [t, w, g, out, moments, rstd, gradients.x!, gradients.weight!, added.out, added.sum]) one.dispose();
  });
});
