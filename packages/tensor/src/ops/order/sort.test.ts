import { expect, it } from 'vitest';
import { permute, type Ref, ref, slice } from '@mudpt/testing/reference/array';
import { expectClose } from '@mudpt/testing/reference/compare';
import { random, specialValues } from '@mudpt/testing/reference/inputs';
import * as reference from '@mudpt/testing/reference/reduce';
import { edgeShapes, rowLengths } from '@mudpt/testing/shapes';
import { eachDevice } from '@mudpt/testing/support';
import type { Tensor } from '../../tensor.ts';
import { view } from '../../definition/views.ts';
import { tensor } from '../create/create.ts';
import { cumsum } from '../reduce/scan.ts';
import { randperm, sort, type Sorted, topk } from './sort.ts';

const exact = { rel: 0, abs: 0 };
const read = async (t: Tensor): Promise<Ref> => ref(t.shape, await t.data());
const withAxes = edgeShapes.filter((shape) => shape.length > 0);

async function expectSorted(actual: Sorted, wanted: { values: Ref; indices: Ref }, label: string): Promise<void> {
  expectClose(await read(actual.values), wanted.values, exact, `${label} values`);
  expectClose(await read(actual.indices), wanted.indices, exact, `${label} indices`);
  actual.values.dispose();
  actual.indices.dispose();
}

eachDevice('cumsum', (ctx) => {
  const upload = (x: Ref): Tensor => tensor(new Float32Array(x.data), { shape: x.shape, device: ctx.device });

  it('along every axis, long lines split', async () => {
    for (const shape of [...withAxes, [3, 5000], [70001], [5000, 3]]) {
      const x = random(shape, 1);
      using t = upload(x);
      for (const axis of shape.keys()) {
        using y = cumsum(t, axis);
        using again = cumsum(t, axis);
        expectClose(
          await read(y),
          reference.cumsum(x, axis),
          { rel: 3e-6, abs: 1e-5 * Math.sqrt(1 + x.data.length / 100) },
          `[${shape}] ${axis}`,
        );
        expect(await again.data()).toEqual(await y.data());
      }
    }
    using scalar = tensor(1, { device: ctx.device });
    expect(() => cumsum(scalar)).toThrow(/scalar has no axes/);
  });

  it('views and integers', async () => {
    const x = random([4, 6, 5], 2);
    using t = upload(x);
    using turned = view(t, { shape: [5, 4, 3], strides: [1, 30, -10], offset: 25 });
    using y = cumsum(turned);
    const turnedRef = permute(slice(x, [null, { step: -2 }]), [2, 0, 1]);
    expectClose(await read(y), reference.cumsum(turnedRef), { rel: 1e-6, abs: 1e-5 });
    using coins = tensor([1, 0, 1, 1], { dtype: 'bool', device: ctx.device });
    using counts = cumsum(coins);
    expect(await counts.data()).toEqual(Int32Array.of(1, 1, 2, 3));
  });
});

eachDevice('sort', (ctx) => {
  const upload = (x: Ref): Tensor => tensor(new Float32Array(x.data), { shape: x.shape, device: ctx.device });

  it('every length and axis, stable, both ways', async () => {
    const shapes = [...withAxes, ...rowLengths.filter((n) => n < 300).map((n) => [2, n])];
    for (const shape of shapes) {
      const x = random(shape, 3, { distribution: 'integer', low: -9, high: 9 });
      using t = upload(x);
      for (const axis of shape.keys()) {
        const descending = axis % 2 === 1;
        await expectSorted(sort(t, { axis, descending }), reference.sort(x, { axis, descending }), `[${shape}] axis ${axis}`);
      }
    }
    const long = random([70001], 4);
    using t = upload(long);
    await expectSorted(sort(t), reference.sort(long), 'long');
  });

  it('special values, integers, views', async () => {
    const x = ref(
      [specialValues.length],
      specialValues.map((value) => (Math.abs(value) < 1e-37 ? 0 : value)),
    );
    using t = upload(x);
    for (const descending of [false, true])
      await expectSorted(sort(t, { descending }), reference.sort(x, { descending }), 'special');
    const integers = ref([6], [5, -7, 2147483647, -2147483648, 0, -1]);
    using i = tensor(integers.data, { dtype: 'i32', device: ctx.device });
    await expectSorted(sort(i), reference.sort(integers), 'i32');
    const words = ref([4], [4294967295, 0, 7, 2147483648]);
    using u = tensor(words.data, { dtype: 'u32', device: ctx.device });
    await expectSorted(sort(u, { descending: true }), reference.sort(words, { descending: true }), 'u32');
    const matrix = random([7, 9], 5);
    using m = upload(matrix);
    using turned = view(m, { shape: [9, 7], strides: [1, 9] });
    await expectSorted(sort(turned), reference.sort(permute(matrix, [1, 0])), 'transposed');
  });

  it('the best few', async () => {
    const x = random([5, 37, 3], 6, { distribution: 'integer', low: 0, high: 20 });
    using t = upload(x);
    for (const [axis, k] of [
      [0, 2],
      [1, 5],
      [2, 3],
      [-2, 0],
    ] as const) {
      for (const largest of [true, false])
        await expectSorted(topk(t, k, { axis, largest }), reference.topk(x, k, { axis, largest }), `top ${k} of ${axis}`);
    }
    for (const [length, k] of [
      [1, 1],
      [2, 1],
      [5000, 1],
      [4097, 7],
      [1025, 1024],
    ] as const) {
      const line = random([2, length], 7, { distribution: 'integer', low: 0, high: 300 });
      using u = upload(line);
      for (const largest of [true, false])
        await expectSorted(topk(u, k, { largest }), reference.topk(line, k, { axis: 1, largest }), `top ${k} of ${length}`);
    }
    expect(() => topk(t, 6, { axis: 0 })).toThrow(/k = 6 of an axis of 5/);
  });

  it('shuffles', async () => {
    using order = randperm(1009, { key: 5, device: ctx.device });
    const values = [...(await order.data())];
    expect(values).not.toEqual([...values].sort((a, b) => a - b));
    expect([...values].sort((a, b) => a - b)).toEqual(values.map((_, i) => i));
  });
});
