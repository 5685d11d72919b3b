import { expect, it } from 'vitest';
import {
  build,
  expand as expandRef,
  get,
  iota,
  permute as permuteRef,
  type Ref,
  slice as sliceRef,
} from '@mudpt/testing/reference/array';
import { expectClose } from '@mudpt/testing/reference/compare';
import { cat as catRef, pad as padRef, stack as stackRef } from '@mudpt/testing/reference/indexing';
import { random } from '@mudpt/testing/reference/inputs';
import { eachDevice } from '@mudpt/testing/support';
import type { DType } from '../../dtype.ts';
import type { Tensor } from '../../tensor.ts';
import { tensor } from '../create/create.ts';
import { cat, repeatInterleave, roll, stack, tile } from './join.ts';
import { pad } from './pad.ts';
import { slice } from './slices.ts';
import { expand, permute } from './views.ts';

eachDevice('join', (ctx) => {
  const upload = (x: Ref, dtype: DType = 'f32'): Tensor =>
    tensor(Array.from(x.data), { shape: x.shape, dtype, device: ctx.device });
  const check = async (actual: Tensor, expected: Ref): Promise<void> => {
    expectClose({ shape: actual.shape, data: await actual.data() }, expected, { rel: 0, abs: 0 });
    actual.dispose();
  };
  /** Arrays of one shape but for `axis`, with distinct values. */
  const pieces = (shape: readonly number[], axis: number, lengths: readonly number[]): Ref[] =>
    lengths.map((length, i) => {
      const piece = iota(shape.map((size, a) => (a === axis ? length : size)));
      return { shape: piece.shape, data: piece.data.map((value) => value + 1000 * i) };
    });

  it('joins any number of tensors along any axis, empty ones included', async () => {
    const cases: [number[], number, number[]][] = [
      [[3], 0, [3, 5]],
      [[3], 0, [0, 4, 0, 1]],
      [[2, 8], -1, [8, 4, 12]],
      [[2, 8], -1, [8, 3, 12]],
      [[2, 3, 4], 1, [1, 5, 2]],
      [[5, 2, 7], 0, [1, 2, 3, 4, 5, 6, 7, 8, 9]],
      [[2, 1, 4], 1, Array.from({ length: 17 }, (_, i) => i % 3)],
      [[0, 3], 1, [2, 2]],
      [[4, 13], 0, [1]],
      [[2, 2], 0, [0, 0]],
    ];
    for (const [shape, axis, lengths] of cases) {
      const refs = pieces(shape, axis < 0 ? axis + shape.length : axis, lengths);
      const inputs = refs.map((piece) => upload(piece));
      await check(cat(inputs, axis), catRef(refs, axis));
      for (const input of inputs) input.dispose();
    }
  });

  it('joins up to twelve in one dispatch where there are as many bindings, else seven', async () => {
    const { device } = ctx;
    const inputs = Array.from({ length: 12 }, (_, index) => upload({ shape: [2], data: Float64Array.of(index, -index) }));
    const before = device.counters().dispatches;
    using joined = cat(inputs);
    const isLarge = device.gpu.limits.maxStorageBuffersPerShaderStage > 12 && device.adapter.kind !== 'swiftshader';
    expect(device.counters().dispatches - before).toBe(isLarge ? 1 : 2);
    expect([...(await joined.data())]).toEqual(Array.from({ length: 12 }, (_, index) => [index, -index]).flat());
    for (const input of inputs) input.dispose();
  });

  it('joins strided inputs: expanded, transposed, stepped, reversed', async () => {
    const base = iota([4, 6]);
    using t = upload(base);
    using turned = permute(t, [1, 0]);
    using stepped = slice(t, [null, { start: 1, step: 2 }]);
    using reversed = slice(t, [{ step: -1 }]);
    using inner = slice(t, [null, { start: 2 }]);
    using row = slice(t, [{ start: 1, stop: 2 }]);
    using repeated = expand(row, [4, 6]);
    const [turnedRef, steppedRef] = [permuteRef(base, [1, 0]), sliceRef(base, [null, { start: 1, step: 2 }])];
    const reversedRef = sliceRef(base, [{ step: -1 }]);
    const innerRef = sliceRef(base, [null, { start: 2 }]);
    const repeatedRef = expandRef(sliceRef(base, [{ start: 1, stop: 2 }]), [4, 6]);
    await check(
      cat([t, reversed, repeated, stepped, inner], 1),
      catRef([base, reversedRef, repeatedRef, steppedRef, innerRef], 1),
    );
    await check(cat([t, reversed, repeated, t], 0), catRef([base, reversedRef, repeatedRef, base], 0));
    await check(cat([turned, turned], 0), catRef([turnedRef, turnedRef], 0));
    await check(cat([turned, turned, turned], -1), catRef([turnedRef, turnedRef, turnedRef], -1));
  });

  it('joins every dtype and refuses to mix them', async () => {
    const dtypes: DType[] = ['i32', 'u32', 'bool', ...(ctx.device.hasF16 ? (['f16'] as const) : [])];
    for (const dtype of dtypes) {
      for (const width of [3, 8]) {
        const x = build([2, width], ([a, b]) => (a! + b!) % 2);
        using t = upload(x, dtype);
        await check(cat([t, t, t], 1), catRef([x, x, x], 1));
      }
    }
    using a = upload(iota([2, 3]));
    using b = upload(iota([2, 3]), 'i32');
    using c = upload(iota([3, 2]));
    expect(() => cat([a, b])).toThrow(/tensor 1 is i32/);
    expect(() => cat([a, c])).toThrow(/\[3, 2\] does not join \[2, 3\] along axis 0/);
    expect(() => cat([])).toThrow(/no tensors/);
    expect(() => cat([a], 2)).toThrow(/axis 2/);
    expect(() => stack([a, c])).toThrow(/tensor 1 has shape \[3, 2\]/);
  });

  it('stacks', async () => {
    const refs = pieces([2, 3], 0, [2, 2, 2]);
    const inputs = refs.map((piece) => upload(piece));
    for (const axis of [0, 1, 2, -1]) await check(stack(inputs, axis), stackRef(refs, axis));
    for (const input of inputs) input.dispose();
    using scalar = upload(iota([]));
    await check(stack([scalar, scalar]), { shape: [2], data: new Float64Array(2) });
  });

  it('pads and crops', async () => {
    const x = iota([3, 4]);
    using t = upload(x);
    const amounts: (readonly [number, number])[][] = [
      [
        [1, 2],
        [0, 3],
      ],
      [
        [0, 0],
        [-1, 2],
      ],
      [
        [-1, -1],
        [-2, -2],
      ],
      [
        [-3, 5],
        [1, 1],
      ],
      [
        [2, -1],
        [-4, 7],
      ],
      [
        [0, 0],
        [0, 0],
      ],
    ];
    for (const amount of amounts) await check(pad(t, amount, 7), padRef(x, amount, 7));
    await check(
      pad(t, [[1, 0]]),
      padRef(
        x,
        [
          [1, 0],
          [0, 0],
        ],
        0,
      ),
    );
    expect(() => pad(t, [[-2, -2]])).toThrow(/do not fit/);
    expect(() => pad(t, [[0.5, 0]])).toThrow(/whole cells/);
  });

  it('tiles and repeats any rank up to 8', async () => {
    const x = random([2, 1, 3, 1, 2, 1, 2, 2], 5);
    using t = upload(x);
    const counts = [2, 3, 2, 1, 2, 2, 1, 3];
    using tiled = tile(t, counts);
    const shape = x.shape.map((size, axis) => size * counts[axis]!);
    const wanted = build(shape, (index) =>
      get(
        x,
        index.map((at, axis) => at % x.shape[axis]!),
      ),
    );
    expectClose({ shape: tiled.shape, data: await tiled.data() }, wanted, { rel: 0, abs: 0 });
    for (const axis of [0, 2, 7]) {
      using repeated = repeatInterleave(t, 3, axis);
      const longer = x.shape.map((size, at) => (at === axis ? 3 * size : size));
      const each = build(longer, (index) =>
        get(
          x,
          index.map((at, of) => (of === axis ? Math.floor(at / 3) : at)),
        ),
      );
      expectClose({ shape: repeated.shape, data: await repeated.data() }, each, { rel: 0, abs: 0 });
    }
    for (const wrong of [
      () => tile(t, [-1]),
      () => tile(t, [1.5]),
      () => repeatInterleave(t, -1),
      () => repeatInterleave(t, 0.5),
    ])
      expect(wrong).toThrow(/^(tile: counts\[0\]|repeatInterleave: count) is .* whole number >= 0/);
  });

  it('tiles, repeats and rolls', async () => {
    const x = iota([2, 3]);
    using t = upload(x);
    await check(
      tile(t, [2, 3]),
      build([4, 9], ([a, b]) => get(x, [a! % 2, b! % 3])),
    );
    await check(
      tile(t, [2, 1, 2]),
      build([2, 2, 6], ([, a, b]) => get(x, [a!, b! % 3])),
    );
    await check(
      repeatInterleave(t, 3, 1),
      build([2, 9], ([a, b]) => get(x, [a!, Math.floor(b! / 3)])),
    );
    for (const shift of [-4, -1, 0, 1, 2, 5]) {
      await check(
        roll(t, shift, 1),
        build([2, 3], ([a, b]) => get(x, [a!, (((b! - shift) % 3) + 3) % 3])),
      );
    }
  });
});
