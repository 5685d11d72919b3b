import { expect, it } from 'vitest';
import { random } from '@mudpt/testing/reference/inputs';
import { eachDevice } from '@mudpt/testing/support';
import {
  add,
  arange,
  cast,
  cat,
  contiguous,
  embedding,
  exp,
  full,
  gather,
  mul,
  permute,
  sum,
  tensor,
  type Tensor,
} from '../index.ts';
import { view } from '../kernels.ts';
import { addInto } from '../ops/reduce/accumulate.ts';

/** Counts around the tiles: 64 threads of 4 vectors, 8 threads of 64 vectors, runs of 4 and 64. */
const COUNTS = [0, 1, 3, 64, 65, 255, 1024, 1031, 2047, 2048, 2049, 16411];
const SHAPES = [
  [3, 1],
  [1, 130],
  [7, 64],
  [5, 3, 67],
  [2, 128, 12],
] as const;

eachDevice('spans', (ctx) => {
  const upload = (shape: readonly number[], seed: number): Tensor =>
    tensor(new Float32Array(random(shape, seed).data), { shape, device: ctx.device });

  /** What `body` computes with all elementwise kernels short, and with all long. */
  async function both(body: () => readonly Tensor[]): Promise<void> {
    const results = [];
    for (const variant of ['short', 'long']) {
      using _1 = ctx.device.tuner.force('pointwise', variant);
      using _2 = ctx.device.tuner.force('copy', variant);
      using _3 = ctx.device.tuner.force('gather', variant);
      using _4 = ctx.device.tuner.force('fill', variant);
      using _5 = ctx.device.tuner.force('cat', variant);
      const tensors = body();
      results.push(await Promise.all(tensors.map((t) => t.data())));
      for (const t of tensors) t.dispose();
    }
    expect(results[1]).toEqual(results[0]);
  }

  it('dense tensors of every size have the same bits', async () => {
    for (const count of COUNTS) {
      using x = upload([count], 1);
      using y = upload([count], 2);
      await both(() => {
        const inPlace = mul(x, 1);
        addInto(inPlace, y, 0.5);
        const fills = [
          full([count], -2.5, { device: ctx.device }),
          arange(3, 3 + count, 1, { dtype: 'i32', device: ctx.device }),
        ];
        return [exp(x), add(x, y), inPlace, cast(x, 'i32'), cast(x, 'bool'), ...fills];
      });
    }
  });

  it('broadcast, transposed and sliced ones, too', async () => {
    for (const shape of SHAPES) {
      using x = upload(shape, 1);
      using row = upload([shape.at(-1) ?? 1], 2);
      const order = shape.map((_, axis) => shape.length - 1 - axis);
      using turned = permute(x, order);
      using backwards = view(x, { shape: [x.size], strides: [-1], offset: x.size - 1 });
      await both(() => [
        add(x, row),
        mul(turned, 2),
        contiguous(turned),
        contiguous(backwards),
        cast(turned, 'u32'),
        cat([x, x, x], 0),
        cat([x, x], -1),
      ]);
    }
  });

  it('copies land where they belong', async () => {
    using x = upload([5, 131], 3);
    const values = await x.data();
    for (const variant of ['short', 'long']) {
      using _ = ctx.device.tuner.force('copy', variant);
      using turned = permute(x, [1, 0]);
      using copy = contiguous(turned);
      const wanted = Array.from({ length: 131 * 5 }, (_unused, i) => values[(i % 5) * 131 + Math.floor(i / 5)]);
      expect([...(await copy.data())]).toEqual(wanted);
    }
  });

  it('picks the same elements', async () => {
    using table = upload([37, 132], 4);
    using narrow = upload([37, 3], 5);
    using ids = tensor([0, -1, 36, 5, 5, 99], { dtype: 'i32', device: ctx.device });
    using places = tensor(
      Int32Array.from({ length: 2 * 132 }, (_, i) => (i * 7) % 37),
      { shape: [2, 132], device: ctx.device },
    );
    await both(() => [embedding(table, ids), embedding(narrow, ids), gather(table, 0, places)]);
  });

  it('long sums agree to rounding whoever takes them', async () => {
    using x = upload([9, 1031], 6);
    for (const axes of [0, 1, undefined]) {
      const results: number[][] = [];
      for (const variant of ['thread', 'few']) {
        using _ = ctx.device.tuner.force('reduce', variant);
        using total = sum(x, axes);
        results.push([...(await total.data())]);
      }
      expect(results[1]).toEqual(results[0]); // the same order of additions
    }
  });
});
