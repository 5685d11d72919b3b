import { expect, it } from 'vitest';
import {
  build,
  get,
  iota,
  map,
  permute as permuteRef,
  type Ref,
  ref,
  reshape as reshapeRef,
  zeros,
} from '@mudpt/testing/reference/array';
import { expectClose, tolerances } from '@mudpt/testing/reference/compare';
import {
  gather as gatherRef,
  indexAdd as indexAddRef,
  indexSelect as indexSelectRef,
  scatterAdd as scatterAddRef,
  tril as trilRef,
  triu as triuRef,
} from '@mudpt/testing/reference/indexing';
import { random, type Rounding } from '@mudpt/testing/reference/inputs';
import { embedding as embeddingRef, embeddingVjp, oneHot as oneHotRef } from '@mudpt/testing/reference/nn';
import { eachDevice } from '@mudpt/testing/support';
import type { DType } from '../../dtype.ts';
import { DTypeError, ShapeError } from '../../errors.ts';
import type { Tensor } from '../../tensor.ts';
import { nllLoss } from '../losses/class-losses.ts';
import { gatherND } from './coordinates.ts';
import { tensor } from '../create/create.ts';
import { crossEntropy } from '../losses/cross-entropy.ts';
import { embedding, gather, gatherRows, indexSelect } from './gather.ts';
import { maskedFill, oneHot, tril, triu } from './masks.ts';
import { embeddingBackward, gatherBackward, gatherRowsBackward, indexAdd, indexSelectBackward, scatterAdd } from './scatter.ts';
import { slice } from '../views/slices.ts';
import { expand, permute } from '../views/views.ts';

const integers = (shape: readonly number[], seed: number, high: number): Ref =>
  random(shape, seed, { distribution: 'integer', high, round: 'none' });

eachDevice('indexing', (ctx) => {
  const upload = (x: Ref, dtype: DType = 'f32'): Tensor =>
    tensor(Array.from(x.data), { shape: x.shape, dtype, device: ctx.device });
  const check = async (actual: Tensor, expected: Ref, dtype: 'f32' | 'f16' | 'i32' = 'i32'): Promise<void> => {
    expectClose({ shape: actual.shape, data: await actual.data() }, expected, tolerances[dtype]);
    actual.dispose();
  };
  const floats = (): ('f32' | 'f16')[] => (ctx.device.hasF16 ? ['f32', 'f16'] : ['f32']);

  it('gathers along any axis, from strided x by strided index', async () => {
    const cases: [number[], number, number[]][] = [
      [[7], 0, [5]],
      [[5, 3], 0, [2, 3]],
      [[5, 3], 1, [5, 9]],
      [[2, 7, 3], 1, [2, 4, 1]],
      [[3, 5], -1, [3, 0]],
      [[2, 3, 4, 5], 2, [2, 3, 6, 5]],
    ];
    for (const [shape, axis, indexShape] of cases) {
      const x = random(shape, 1);
      const index = integers(indexShape, 2, shape.at(axis)!);
      using t = upload(x);
      for (const dtype of ['i32', 'u32'] as const) {
        using i = upload(index, dtype);
        await check(gather(t, axis, i), gatherRef(x, axis, index));
      }
    }
    const [x, index] = [random([5, 4, 6], 3), integers([6, 4], 4, 5)];
    using t = upload(x);
    using i = upload(index, 'i32');
    using turned = permute(t, [2, 1, 0]);
    using stepped = slice(turned, [{ step: -2 }, null, null]);
    using wide = expand(i, [3, 6, 4]);
    using turnedIndex = permute(wide, [0, 2, 1]);
    const steppedRef = build([3, 4, 5], ([a, b, c]) => get(x, [c!, b!, 5 - 2 * a!]));
    const indexRef = build([3, 4, 6], ([, b, c]) => get(index, [c!, b!]));
    await check(gather(stepped, 2, turnedIndex), gatherRef(steppedRef, 2, indexRef));
  });

  it('selects slices, embeds and takes rows, by fours and one by one', async () => {
    for (const channels of [1, 3, 8, 64]) {
      const x = random([5, 7, channels], 5);
      using t = upload(x);
      for (const axis of [0, 1, 2]) {
        const index = integers([9], 6, x.shape[axis]!);
        using i = upload(index, 'u32');
        await check(indexSelect(t, axis, i), indexSelectRef(x, axis, index));
      }
      const table = random([11, channels], 7);
      using weight = upload(table);
      for (const shape of [[], [1], [3, 5], [0], [2, 3, 4]]) {
        const ids = integers(shape, 8, 11);
        using i = upload(ids, 'i32');
        await check(embedding(weight, i), embeddingRef(table, ids));
      }
      const eot = integers([5], 9, 7);
      using rows = upload(eot, 'i32');
      await check(
        gatherRows(t, rows),
        build([5, channels], ([n, c]) => get(x, [n!, eot.data[n!]!, c!])),
      );
    }
  });

  it('counts negative indices from the end; an index outside gives NaN, 0 for integers', async () => {
    using x = upload(iota([4, 4]));
    using whole = upload(iota([4, 4]), 'i32');
    using index = tensor([-1, 0, -4, -5, 4, 2 ** 31 - 1], { dtype: 'i32', device: ctx.device });
    const rows = [12, 0, 0, NaN, NaN, NaN];
    await check(
      indexSelect(x, 0, index),
      build([6, 4], ([a, b]) => rows[a!]! + b!),
    );
    await check(
      indexSelect(whole, 0, index),
      build([6, 4], ([a, b]) => (Number.isNaN(rows[a!]) ? 0 : rows[a!]! + b!)),
    );
    using unsigned = tensor([3, 2 ** 32 - 1], { dtype: 'u32', device: ctx.device });
    await check(indexSelect(x, 1, unsigned), ref([4, 2], [3, NaN, 7, NaN, 11, NaN, 15, NaN]));
    using dropping = tensor([-1, 5, -4, 0], { dtype: 'i32', device: ctx.device });
    await check(
      indexSelectBackward(x, [4, 4], 0, dropping),
      build([4, 4], ([row, column]) => [20 + 2 * column!, 0, 0, column!][row!]!),
    );
  });

  it('finds indices outside when the device checks them', async () => {
    using x = upload(iota([4, 3]));
    using good = tensor([0, -4, 3], { dtype: 'i32', device: ctx.device });
    using bad = tensor(
      [
        [0, 1],
        [3, 4],
      ],
      { dtype: 'u32', device: ctx.device },
    );
    ctx.device.checkIndices = true;
    try {
      using fine = indexSelect(x, 0, good);
      expect((await fine.data()).slice(0, 3)).toEqual(Float32Array.of(0, 1, 2));
      using many = embedding(x, bad);
      for (let i = 0; i < 100; i += 1) indexSelect(x, 0, good).dispose();
      await expect(many.data()).rejects.toThrow(
        /^embedding: the index at position 3 .* is 4, outside axis 0 of size 4. Use indices from -4 to 3/,
      );
      expect((await fine.data()).length).toBe(9);
      using turned = permute(bad, [1, 0]);
      using source = upload(iota([2, 2]));
      scatterAdd(x, 0, turned, source).dispose();
      await expect(fine.data()).rejects.toThrow(/^scatterAdd: the index at position 3 .* is 4, outside axis 0 of size 4/);
      using logits = upload(iota([4, 3]));
      using labels = tensor([0, -100, 2, -1], { dtype: 'i32', device: ctx.device });
      using ignored = tensor([0, -100, 2, -7], { dtype: 'i32', device: ctx.device });
      using loss = crossEntropy(logits, labels);
      await expect(loss.data()).rejects.toThrow(
        /^crossEntropy: the index at position 3 .* is -1, outside axis 1 of size 3. Use indices from 0 to 2/,
      );
      using counted = crossEntropy(logits, ignored, { ignoreIndex: -7 });
      await expect(counted.data()).rejects.toThrow(/^crossEntropy: the index at position 1 .* is -100/);
      using places = tensor(
        [
          [0, 2],
          [3, 3],
        ],
        { dtype: 'i32', device: ctx.device },
      );
      using slices = gatherND(x, places);
      await expect(slices.data()).rejects.toThrow(/^gatherND: the index at position 1 .* is 3, outside axis 1 of size 3/);
      using likely = nllLoss(logits, ignored);
      await expect(likely.data()).rejects.toThrow(/^nllLoss: the index at position 3 .* is -7, outside axis 1/);
    } finally {
      ctx.device.checkIndices = false;
    }
  });

  it('adds by index in index order, with the bits of the f32 loop', async () => {
    const cases: [number[], number, number[]][] = [
      [[7], 0, [5]],
      [[3], 0, [257]],
      [[5, 3], 0, [9, 2]],
      [[5, 3], 1, [4, 13]],
      [[2, 7, 3], 1, [2, 20, 3]],
      [[2, 3, 4, 5], 2, [1, 3, 6, 5]],
      [[4, 3], 0, [0, 3]],
    ];
    for (const [shape, axis, indexShape] of cases) {
      const [x, index, source] = [random(shape, 1), integers(indexShape, 2, shape[axis]!), random(indexShape, 3)];
      using t = upload(x);
      using i = upload(index, 'i32');
      using s = upload(source);
      await check(scatterAdd(t, axis, i, s), scatterAddRef(x, axis, index, source), 'f32');
      await check(gatherBackward(s, shape, axis, i), scatterAddRef(zeros(shape), axis, index, source), 'f32');
      using first = scatterAdd(t, axis, i, s);
      using second = scatterAdd(t, axis, i, s);
      expect(await second.data()).toEqual(await first.data());
    }
    const [ids, values] = [integers([301], 4, 2), random([301], 5, { scale: 1e4 })];
    using i = upload(ids, 'i32');
    using v = upload(values);
    const sums = new Float32Array(2);
    for (let j = 0; j < 301; j += 1) sums[ids.data[j]!] = Math.fround(sums[ids.data[j]!]! + values.data[j]!);
    using result = gatherBackward(v, [2], 0, i);
    expect(await result.data()).toEqual(sums);
  });

  it('adds slices by index: strided, every dtype', async () => {
    for (const axis of [0, 1, 2]) {
      const shape = [4, 5, 6];
      const x = random(shape, 1);
      const index = integers([13], 2, shape[axis]!);
      const source = random(
        shape.map((size, i) => (i === axis ? 13 : size)),
        3,
      );
      using t = upload(x);
      using i = upload(index, 'u32');
      using turnedSource = upload(permuteRef(source, [2, 0, 1]));
      using s = permute(turnedSource, [1, 2, 0]);
      await check(indexAdd(t, axis, i, s), indexAddRef(x, axis, index, source), 'f32');
      await check(indexSelectBackward(s, shape, axis, i), indexAddRef(zeros(shape), axis, index, source), 'f32');
    }
    const [whole, index, more] = [iota([3, 2]), ref([4], [2, 0, 2, 2]), iota([4, 2])];
    for (const dtype of ['i32', 'u32'] as const) {
      using t = upload(whole, dtype);
      using i = upload(index, 'i32');
      using s = upload(more, dtype);
      await check(indexAdd(t, 0, i, s), indexAddRef(whole, 0, index, more));
    }
  });

  it.each([1, 3, 64])('gradients of embedding and gatherRows with %i channels', async (channels) => {
    for (const dtype of floats()) {
      const ids = integers([3, 17], 1, 6);
      const grad = random([3, 17, channels], 2, { round: dtype satisfies Rounding });
      using i = upload(ids, 'i32');
      using g = upload(grad, dtype);
      await check(embeddingBackward(g, i, 50), embeddingVjp(50, ids, grad), dtype);
      const [rows, rowGrad] = [integers([5], 3, 7), random([5, channels], 4, { round: dtype })];
      using r = upload(rows, 'i32');
      using rg = upload(rowGrad, dtype);
      await check(
        gatherRowsBackward(rg, [5, 7, channels], r),
        build([5, 7, channels], ([n, t, c]) => (rows.data[n!] === t ? get(rowGrad, [n!, c!]) : 0)),
        dtype,
      );
    }
  });

  it('keeps triangles, fills masks and makes one-hot rows, in every dtype', async () => {
    const dtypes: DType[] = ['f32', 'i32', ...(ctx.device.hasF16 ? (['f16'] as const) : [])];
    for (const dtype of dtypes) {
      const x = map(iota([2, 5, 7]), (value) => value + 1);
      using t = upload(x, dtype);
      using turned = permute(t, [0, 2, 1]);
      for (const diagonal of [-9, -2, 0, 1, 9]) {
        await check(tril(t, diagonal), trilRef(x, diagonal));
        await check(triu(turned, diagonal), triuRef(permuteRef(x, [0, 2, 1]), diagonal));
      }
      const mask = integers([5, 1], 3, 2);
      using m = upload(mask, 'bool');
      await check(
        maskedFill(t, m, -3),
        build([2, 5, 7], (at) => (mask.data[at[1]!] === 1 ? -3 : get(x, at))),
      );
      const ids = ref([2, 3], [0, 3, 4, 1, 3, 2]);
      using i = upload(ids, 'i32');
      await check(oneHot(i, 4, dtype), oneHotRef(ids, 4));
    }
    using logits = upload(reshapeRef(iota([2]), [1, 2]));
    using hide = tensor([true, false].map(Number), { dtype: 'bool', device: ctx.device });
    await check(maskedFill(logits, hide, -Infinity), ref([1, 2], [-Infinity, 1]));
  });

  it('says what does not fit', () => {
    using x = upload(iota([3, 4]));
    using index = upload(iota([3]), 'i32');
    using wide = upload(iota([4, 2]), 'i32');
    using floatIndex = upload(iota([3]));
    using mask = tensor([[1], [0]], { dtype: 'bool', device: ctx.device });
    expect(() => gather(x, 0, index)).toThrow(/rank of x/);
    expect(() => gather(x, 1, wide)).toThrow(/\[4, 2\] does not fit x of shape \[3, 4\] along axis 1/);
    expect(() => indexSelect(x, 0, floatIndex)).toThrow(/index has dtype f32/);
    expect(() => indexSelect(x, 0, wide)).toThrow(/one axis/);
    expect(() => embedding(index, index)).toThrow(/table \[rows, channels\]/);
    expect(() => gatherRows(wide, index)).toThrow(/x \[N, T, ...\] and index \[N\]/);
    expect(() => indexAdd(x, 0, index, index)).toThrow(DTypeError);
    expect(() => indexAdd(x, 0, index, floatIndex)).toThrow(/must be \[3, 4\]/);
    expect(() => tril(index)).toThrow(/two axes/);
    expect(() => maskedFill(x, mask, 0)).toThrow(ShapeError);
    expect(() => oneHot(x, 3)).toThrow(/ids has dtype f32/);
    expect(() => oneHot(index, -1)).toThrow(/classes -1/);
  });
});
