import { expect, it } from 'vitest';
import { map, permute as permuteRef, type Ref, ref } from '@mudpt/testing/reference/array';
import { expectClose, expectNormClose } from '@mudpt/testing/reference/compare';
import { random } from '@mudpt/testing/reference/inputs';
import { crossEntropy as crossEntropyRef, crossEntropyVjp, logSoftmax, softmax } from '@mudpt/testing/reference/nn';
import { eachDevice } from '@mudpt/testing/support';
import type { DType } from '../../dtype.ts';
import type { Tensor } from '../../tensor.ts';
import { tensor } from '../create/create.ts';
import { crossEntropy, crossEntropyBackward, crossEntropyForward, type CrossEntropyOptions } from './cross-entropy.ts';
import { klDiv, klDivBackward, klDivForward, l1Loss, l1LossBackward, mseLoss, mseLossBackward } from './losses.ts';
import { transpose } from '../views/views.ts';
import { ROW_VARIANTS } from '../../kernels/row-launch.ts';

/** sum q (log q - log p) over elements, rows or nothing, and its gradient with respect to the logits of p. */
function klRef(x: Ref, target: Ref, divisor: number): { loss: number; grad: Ref } {
  const [logP, logQ, p, q] = [logSoftmax(x), logSoftmax(target), softmax(x), softmax(target)];
  const loss = q.data.reduce((sum, value, i) => (value === 0 ? sum : sum + value * (logQ.data[i]! - logP.data[i]!)), 0) / divisor;
  return { loss, grad: map(p, (value, i) => (value - q.data[i]!) / divisor) };
}

eachDevice('losses', (ctx) => {
  const upload = (x: Ref, dtype: DType = 'f32'): Tensor =>
    tensor(Array.from(x.data), { shape: x.shape, dtype, device: ctx.device });
  const values = async (t: Tensor) => ({ shape: t.shape, data: await t.data() });
  const labelsFor = (rows: number, classes: number): Ref =>
    random([rows], 9, { distribution: 'integer', high: classes, round: 'none' });

  it.for(ROW_VARIANTS)('cross-entropy and its gradient by %s', async (variant, { skip }) => {
    skip(variant === 'subgroup' && ctx.device.subgroupSize === 0, 'the adapter has no subgroups');
    using _ = ctx.device.tuner.force('loss', variant);
    const options: CrossEntropyOptions[] = [
      {},
      { reduction: 'sum', labelSmoothing: 0.1 },
      { reduction: 'none', ignoreIndex: 1 },
      { reduction: 'mean', ignoreIndex: 0, scale: 4 },
    ];
    for (const [rows, classes] of [
      [1, 1],
      [37, 5],
      [7, 1000],
      [70, 11],
      [33, 68],
    ] as const) {
      const [x, labels] = [random([rows, classes], 1, { scale: 3 }), labelsFor(rows, classes)];
      using logits = upload(x);
      using l = upload(labels, 'i32');
      for (const option of options) {
        const { scale = 1, ...plain } = option;
        const scaled = map(x, (value) => value * scale);
        const grad = option.reduction === 'none' ? random([rows], 2) : ref([], [0.75]);
        using g = upload(grad);
        const { loss, lse, counted } = crossEntropyForward(logits, l, option);
        expectClose(
          await values(loss),
          crossEntropyRef(scaled, labels, plain),
          { rel: 1e-5, abs: 2e-6 * rows },
          `${rows}x${classes}`,
        );
        using dx = crossEntropyBackward({ logits, labels: l, lse, counted, grad: g }, option);
        const wanted = map(crossEntropyVjp(scaled, labels, grad, plain), (value) => value * scale);
        expectClose(await values(dx), wanted, { rel: 2e-5, abs: 2e-6 }, `${rows}x${classes} ${JSON.stringify(option)}`);
        using again = crossEntropyBackward({ logits, labels: l, lse, counted, grad: g }, option);
        expect(await again.data()).toEqual(await dx.data());
        for (const rest of [loss, lse]) rest.dispose();
        counted?.dispose();
      }
    }
  });

  it('cross-entropy with huge, masked and broken logits, and labels outside', async () => {
    const x = ref([6, 4], [1e4, -1e4, 0, 5, -Infinity, 2, -Infinity, 1, 0, 0, 0, 0, 1, NaN, 2, 3, 1, 2, 3, 4, 1, 2, 3, 4]);
    using logits = upload(x);
    using labels = tensor([1, 1, 3, 0, 4, -1], { dtype: 'i32', device: ctx.device });
    const { loss, lse } = crossEntropyForward(logits, labels, { reduction: 'none' });
    expectClose(await values(loss), ref([6], [2e4, Math.log(1 + Math.exp(-1)), Math.log(4), NaN, NaN, NaN]));
    using grad = tensor([1, 1, 1, 1, 1, 1], { device: ctx.device });
    using dx = crossEntropyBackward({ logits, labels, lse, counted: undefined, grad }, { reduction: 'none' });
    const p = 1 / (1 + Math.exp(-1));
    const nan = [NaN, NaN, NaN, NaN];
    const rows = [[1, -1, 0, 0], [0, p - 1, 0, 1 - p], [0.25, 0.25, 0.25, -0.75], nan, nan, nan];
    expectClose(await values(dx), ref([6, 4], rows.flat()));
    loss.dispose();
    lse.dispose();
    using ignored = tensor([-100, -100, -100, -100, -100, -100], { dtype: 'i32', device: ctx.device });
    using none = crossEntropy(logits, ignored);
    expect(await none.item()).toBeNaN();
    using zero = crossEntropy(logits, ignored, { reduction: 'sum' });
    expect(await zero.item()).toBe(0);
  });

  it('cross-entropy of transposed and batched logits', async () => {
    const x = random([12, 9], 1);
    using t = upload(x);
    using turned = transpose(t);
    const labels = labelsFor(9, 12);
    using l = upload(labels, 'u32');
    using loss = crossEntropy(turned, l);
    expectClose(await values(loss), crossEntropyRef(permuteRef(x, [1, 0]), labels));
    const batched = { shape: [3, 4, 9], data: x.data };
    const many = { shape: [3, 4], data: labelsFor(12, 9).data };
    using b = upload(batched);
    using m = upload(many, 'i32');
    using losses = crossEntropy(b, m, { reduction: 'none' });
    expectClose(await values(losses), crossEntropyRef(batched, many, { reduction: 'none' }), { rel: 1e-5, abs: 2e-6 });
    using floats = tensor([0, 1, 2], { device: ctx.device });
    expect(() => crossEntropy(t, floats)).toThrow(/labels has dtype f32/);
    expect(() => crossEntropy(t, l)).toThrow(/labels have shape \[9\], logits \[12, 9\]/);
    expect(() => crossEntropy(turned, l, { labelSmoothing: 2 })).toThrow(/labelSmoothing is 2/);
    expect(() => crossEntropy(turned, l, { reduction: 'avg' as never })).toThrow(/^crossEntropy: reduction is "avg"/);
  });

  it('cross-entropy of f16 logits', async ({ skip }) => {
    skip(!ctx.device.hasF16, 'the adapter has no shader-f16');
    const labels = labelsFor(9, 12);
    using l = upload(labels, 'u32');
    const half = random([9, 12], 2, { round: 'f16' });
    using h = upload(half, 'f16');
    const { loss: halfLoss, lse, counted } = crossEntropyForward(h, l);
    expect(halfLoss.dtype).toBe('f32');
    expectClose(await values(halfLoss), crossEntropyRef(half, labels), { rel: 1e-5, abs: 1e-5 });
    using one = tensor(1, { device: ctx.device });
    using dx = crossEntropyBackward({ logits: h, labels: l, lse, counted, grad: one });
    expectClose(await values(dx), crossEntropyVjp(half, labels, ref([], [1])), { rel: 2e-3, abs: 1e-4 });
    for (const rest of [halfLoss, lse]) rest.dispose();
    counted?.dispose();
  });

  it.for(ROW_VARIANTS)('divergence, absolute and squared error with gradients by %s', async (variant, { skip }) => {
    skip(variant === 'subgroup' && ctx.device.subgroupSize === 0, 'the adapter has no subgroups');
    using _ = ctx.device.tuner.force('loss', variant);
    using grad = tensor(0.5, { device: ctx.device });
    for (const [rows, classes] of [
      [4, 6],
      [1, 1],
      [35, 101],
      [9, 512],
    ] as const) {
      const [x, target] = [random([rows, classes], 1, { scale: 2 }), random([rows, classes], 2, { scale: 2 })];
      using t = upload(x);
      using w = upload(target);
      for (const [reduction, divisor] of [
        ['mean', rows * classes],
        ['batchmean', rows],
        ['sum', 1],
      ] as const) {
        const wanted = klRef(x, target, divisor);
        const { loss, lse } = klDivForward(t, w, { reduction });
        expectClose(await values(loss), ref([], [wanted.loss]), { rel: 2e-5, abs: 1e-6 });
        using dx = klDivBackward({ x: t, target: w, lse, grad }, { reduction });
        expectClose(
          await values(dx),
          map(wanted.grad, (value) => value / 2),
          { rel: 2e-5, abs: 1e-6 },
        );
        loss.dispose();
        lse.dispose();
      }
      const gaps = Array.from(x.data, (value, i) => value - target.data[i]!);
      const total = (fn: (gap: number) => number): number => gaps.reduce((sum, gap) => sum + fn(gap), 0);
      for (const [reduction, divisor] of [
        ['mean', rows * classes],
        ['sum', 1],
      ] as const) {
        using l1 = l1Loss(t, w, { reduction });
        using mse = mseLoss(t, w, { reduction });
        expectClose(await values(l1), ref([], [total(Math.abs) / divisor]), { rel: 1e-5, abs: 1e-6 });
        expectClose(await values(mse), ref([], [total((gap) => gap * gap) / divisor]), { rel: 1e-5, abs: 1e-6 });
        using dl1 = l1LossBackward({ x: t, target: w, grad }, { reduction });
        using dmse = mseLossBackward({ x: t, target: w, grad }, { reduction });
        expectNormClose(
          await values(dl1),
          map(x, (_, i) => Math.sign(gaps[i]!) / 2 / divisor),
          1e-6,
        );
        expectNormClose(
          await values(dmse),
          map(x, (_, i) => gaps[i]! / divisor),
          1e-6,
        );
      }
    }
  });

  it('divergence where the target has probability 0, and what does not fit', async () => {
    const [x, target] = [ref([1, 3], [0, 1, 2]), ref([1, 3], [1, -Infinity, 1])];
    using t = upload(x);
    using w = upload(target);
    using loss = klDiv(t, w, { reduction: 'sum' });
    expectClose(await values(loss), ref([], [klRef(x, target, 1).loss]));
    using other = upload(ref([3], [1, 2, 3]));
    expect(() => klDiv(t, other)).toThrow(/target \[3\]/);
    expect(() => klDiv(t, t, { reduction: 'none' as never })).toThrow(/^klDiv: reduction is "none"/);
    expect(() => l1Loss(t, other)).toThrow(/give both one shape/i);
    using strided = transpose(t);
    using same = mseLoss(strided, strided);
    expect(await same.item()).toBe(0);
  });
});
