import { expect, it } from 'vitest';
import { eachDevice } from '@mudpt/testing/support';
import { argmax, type DType, countCorrect, randn, tensor, transpose } from '../../index.ts';
import { ROW_VARIANTS } from '../../kernels/row-launch.ts';

eachDevice('countCorrect', (ctx) => {
  it.for(ROW_VARIANTS)('counts rows whose label is their argmax, by %s', async (variant, { skip }) => {
    skip(variant === 'subgroup' && ctx.device.subgroupSize === 0, 'the adapter has no subgroups');
    using _ = ctx.device.tuner.force('loss', variant);
    for (const [rows, classes] of [
      [1, 1],
      [4, 10],
      [37, 3],
      [5, 1009],
    ] as const) {
      for (const dtype of ['f32', 'f16'] as const satisfies DType[]) {
        if (dtype === 'f16' && !ctx.device.hasF16) continue;
        using logits = randn([rows, classes], { key: rows, dtype, device: ctx.device });
        using best = argmax(logits, 1);
        const labels = Array.from(await best.data(), (label, row) => (row % 3 === 1 ? (label + 1) % classes : label));
        using given = tensor(labels, { dtype: 'i32', device: ctx.device });
        using count = countCorrect(logits, given);
        const expected = Array.from(await best.data()).filter((label, row) => label === labels[row]).length;
        expect(await count.item(), `${rows}x${classes} ${dtype}`).toBe(expected);
      }
    }
  });

  it('lets the first of equal logits win, and leaves out NaN and labels outside', async () => {
    const rows = [
      [1, 2, 2],
      [1, 2, 2],
      [0, 0, 0],
      [3, Number.NaN, 1],
      [Number.NaN, 1, 0],
      [Number.NEGATIVE_INFINITY, -5, Number.NEGATIVE_INFINITY],
      [1, 2, 9],
      [9, 2, 1],
    ];
    using logits = tensor(rows, { device: ctx.device });
    using labels = tensor([1, 2, 0, 0, 0, 1, 3, -1], { dtype: 'i32', device: ctx.device });
    using count = countCorrect(logits, labels);
    expect(await count.item()).toBe(3);
  });

  it('takes strided logits and any leading axes; nothing gives 0', async () => {
    using columns = tensor(
      [
        [5, 1, 7],
        [2, 4, 8],
      ],
      { device: ctx.device },
    );
    using turned = transpose(columns, 0, 1);
    using labels = tensor(Uint32Array.of(0, 1, 0), { device: ctx.device });
    using count = countCorrect(turned, labels);
    expect(await count.item()).toBe(2);
    using one = tensor([0, 3], { device: ctx.device });
    using label = tensor(1, { dtype: 'i32', device: ctx.device });
    using single = countCorrect(one, label);
    expect(await single.item()).toBe(1);
    using none = tensor([], { shape: [0, 4], device: ctx.device });
    using noLabels = tensor([], { shape: [0], dtype: 'i32', device: ctx.device });
    using zero = countCorrect(none, noLabels);
    expect(await zero.item()).toBe(0);
  });

  it('refuses labels that do not fit', () => {
    using logits = tensor([[1, 2]], { device: ctx.device });
    using many = tensor([0, 1], { dtype: 'i32', device: ctx.device });
    expect(() => countCorrect(logits, many)).toThrow(/labels have shape \[2\], logits \[1, 2\]/);
    using floats = tensor([0], { device: ctx.device });
    expect(() => countCorrect(logits, floats)).toThrow(/labels has dtype f32/);
  });
});
