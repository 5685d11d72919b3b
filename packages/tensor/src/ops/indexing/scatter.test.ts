import { expect, it } from 'vitest';
import { type Ref, ref, zeros } from '@mudpt/testing/reference/array';
import * as reference from '@mudpt/testing/reference/indexing';
import { random, toF32 } from '@mudpt/testing/reference/inputs';
import { eachDevice } from '@mudpt/testing/support';
import { toDevice } from '@mudpt/testing/views';
import { type DType, gatherND, scatter, scatterND, type ScatterReduction, tensor, type Tensor, transpose } from '../../index.ts';

const REDUCTIONS: readonly ScatterReduction[] = ['set', 'add', 'mul', 'max', 'min'];
/** Shapes of x and of the index, and the axis: none, one, many at one place, a part of another axis. */
const CASES: readonly (readonly [x: readonly number[], index: readonly number[], axis: number])[] = [
  [[3], [0], 0],
  [[0], [0], 0],
  [[1], [5], 0],
  [[7], [13], 0],
  [[4, 5], [4, 9], -1],
  [[5, 4], [11, 3], 0],
  [[2, 3, 4], [2, 5, 4], 1],
  [[67, 3], [129, 3], 0],
];

eachDevice('scatter', (ctx) => {
  const up = (x: Ref, dtype: DType): Tensor => tensor(toF32(x), { shape: x.shape, dtype, device: ctx.device });
  /** Positions from one before the first, which counts from the end, to one that is outside. */
  const indicesFor = (shape: readonly number[], extent: number): Ref => {
    const drawn = random(shape, 9, { distribution: 'uniform', low: -extent, high: extent + 1 });
    return ref(
      shape,
      Array.from(drawn.data, (v) => Math.min(Math.floor(v), extent)),
    );
  };

  const check = async (dtype: DType, reduction: ScatterReduction): Promise<void> => {
    for (const [shape, indexShape, axis] of CASES) {
      const whole = (x: Ref): Ref =>
        ref(
          x.shape,
          Array.from(x.data, (v) => Math.round(2 * v)),
        );
      const [x, source] = [whole(random(shape, 3)), whole(random(indexShape, 4))];
      const index = indicesFor(indexShape, shape.at(axis) ?? 1);
      using t = up(x, dtype);
      using s = up(source, dtype);
      using i = up(index, 'i32');
      using y = scatter(t, axis, i, s, { reduction });
      using again = scatter(t, axis, i, s, { reduction });
      const wanted = toF32(reference.scatter(x, axis, index, source, reduction));
      // Adding 0 makes -0, which integers do not have, 0.
      expect(
        Array.from(await y.data(), (v) => v + 0),
        `[${shape}]`,
      ).toEqual(Array.from(wanted, (v) => v + 0));
      expect(await again.data()).toEqual(await y.data());
    }
  };

  for (const dtype of ['f32', 'f16', 'i32'] as const)
    for (const reduction of REDUCTIONS)
      it(`${dtype}, ${reduction}: of every shape what the definition gives, the same bits twice`, async ({ skip }) => {
        skip(dtype === 'f16' && !ctx.device.hasF16, 'the adapter has no shader-f16');
        await check(dtype, reduction);
      });

  it('takes views of x, index and source, and leaves x alone', async () => {
    const [x, source] = [random([5, 3], 1, { round: 'f32' }), random([4, 3], 2, { round: 'f32' })];
    const index = ref([4, 3], [0, 1, 2, 3, 4, 0, 1, 1, 1, 4, 4, 4]);
    const turned = (r: Ref, dtype: DType = 'f32'): Tensor => {
      using there = up(ref([...r.shape].reverse(), Array.from(turn(r))), dtype);
      return transpose(there);
    };
    const turn = ({ shape: [rows = 0, columns = 0], data }: Ref): Float64Array =>
      Float64Array.from({ length: rows * columns }, (_, i) => data[(i % rows) * columns + Math.floor(i / rows)] as number);
    using t = turned(x);
    using s = turned(source);
    using i = turned(index, 'i32');
    using y = scatter(t, 0, i, s);
    expect(Array.from(await y.data())).toEqual(Array.from(reference.scatter(x, 0, index, source).data));
    expect(Array.from(await t.data())).toEqual(Array.from(x.data));
  });

  it('NaN wins over numbers, wherever it stands', async () => {
    using x = tensor([1, NaN, 3], { device: ctx.device });
    using index = tensor([0, 0, 1, 2, 2], { dtype: 'i32', device: ctx.device });
    using source = tensor([NaN, 5, 7, 9, NaN], { device: ctx.device });
    for (const reduction of ['max', 'min', 'mul'] as const) {
      using y = scatter(x, 0, index, source, { reduction });
      expect(Array.from(await y.data())).toEqual([NaN, NaN, NaN]);
    }
  });

  it('gatherND and scatterND: coordinates of one to all axes, from the end, outside', async () => {
    const x = random([3, 4, 2], 5, { round: 'f32' });
    using t = toDevice(ctx.device, x);
    const indices = [
      ref([2, 1], [2, -1]),
      ref([3, 2], [0, 3, 2, -4, -1, 0]),
      ref([2, 2, 3], [0, 0, 0, 1, 2, 1, 2, 3, -1, 0, 4, 0]),
      ref([0, 2], []),
    ];
    for (const index of indices) {
      using i = up(index, 'i32');
      using y = gatherND(t, i);
      const wanted = reference.gatherND(x, index);
      expect(y.shape).toEqual(wanted.shape);
      expect(Array.from(await y.data())).toEqual(Array.from(wanted.data));
      using back = toDevice(ctx.device, zeros(x.shape));
      using filled = scatterND(back, i, y);
      const inside = Array.from(wanted.data).filter((v) => !Number.isNaN(v));
      // What was taken lies where it was, and nothing else does.
      expect(
        Array.from(await filled.data())
          .filter((v) => v !== 0)
          .sort(),
      ).toEqual([...new Set(inside)].sort());
    }
  });

  it('refuses what does not fit, by name', () => {
    using x = tensor(new Float32Array(6), { shape: [2, 3], device: ctx.device });
    using index = tensor([0, 1], { shape: [2, 1], dtype: 'i32', device: ctx.device });
    using source = tensor([1, 2], { shape: [2, 1], device: ctx.device });
    expect(() => scatter(x, 0, index, x)).toThrow(/^scatter: source has shape \[2, 3\]/);
    expect(() => scatter(x, 0, source, source)).toThrow(/^scatter: index has dtype f32/);
    expect(() => scatter(x, 0, index, source, { reduction: 'mean' as never })).toThrow(/^scatter: reduction is "mean"/);
    expect(() => gatherND(x, source)).toThrow(/^gatherND: index has dtype f32/);
    using deep = tensor([0, 0, 0], { dtype: 'i32', device: ctx.device });
    expect(() => gatherND(x, deep)).toThrow(/^gatherND: index has shape \[3\], x \[2, 3\]/);
    using part = x.select(0, 0);
    expect(() => scatterND(x, index, part)).toThrow(/^scatterND: source has shape \[3\]\. Here it must be \[2, 3\]/);
  });
});
