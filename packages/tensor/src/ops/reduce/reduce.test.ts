import { expect, it } from 'vitest';
import { map, type Ref, ref } from '@mudpt/testing/reference/array';
import * as oracle from '@mudpt/testing/reference/array';
import { expectClose, type Tolerance } from '@mudpt/testing/reference/compare';
import { random } from '@mudpt/testing/reference/inputs';
import * as reference from '@mudpt/testing/reference/reduce';
import { edgeShapes, reducibleShapes } from '@mudpt/testing/shapes';
import { eachDevice } from '@mudpt/testing/support';
import type { Tensor } from '../../tensor.ts';
import { view } from '../../definition/views.ts';
import { tensor } from '../create/create.ts';
import { all, any, argmax, argmin, logsumexp, max, mean, min, norm, prod, std, sum, sumTo, variance } from './reduce.ts';
import { REDUCE_VARIANTS } from '../../kernels/reduce.ts';

const close: Tolerance = { rel: 3e-6, abs: 1e-6 };
const exact: Tolerance = { rel: 0, abs: 0 };
const read = async (t: Tensor): Promise<Ref> => ref(t.shape, await t.data());

type Options = { axes?: readonly number[]; keepdim?: boolean };
type Case = {
  run: (x: Tensor, o: Options) => Tensor;
  oracle: (x: Ref, o: Options) => Ref;
  tolerance?: Tolerance;
  total?: boolean;
};
/** Every reduction; `total`: defined for no elements too. */
const cases: Record<string, Case> = {
  sum: { run: (x, { axes, ...o }) => sum(x, axes, o), oracle: reference.sum, total: true },
  mean: { run: (x, { axes, ...o }) => mean(x, axes, o), oracle: reference.mean, total: true },
  prod: { run: (x, { axes, ...o }) => prod(x, axes, o), oracle: reference.prod, total: true },
  max: { run: (x, { axes, ...o }) => max(x, axes, o), oracle: reference.max, tolerance: exact },
  min: { run: (x, { axes, ...o }) => min(x, axes, o), oracle: reference.min, tolerance: exact },
  var: { run: (x, { axes, ...o }) => variance(x, axes, o), oracle: reference.variances, total: true },
  std: {
    run: (x, { axes, ...o }) => std(x, axes, { ...o, correction: 0 }),
    oracle: (x, o) => reference.std(x, { ...o, correction: 0 }),
    total: true,
  },
  logsumexp: { run: (x, { axes, ...o }) => logsumexp(x, axes, o), oracle: reference.logsumexp, total: true },
  norm1: {
    run: (x, { axes, ...o }) => norm(x, axes, { ...o, p: 1 }),
    oracle: (x, o) => reference.norm(x, { ...o, p: 1 }),
    total: true,
  },
  norm2: { run: (x, { axes, ...o }) => norm(x, axes, o), oracle: reference.norm, total: true },
  norm3: {
    run: (x, { axes, ...o }) => norm(x, axes, { ...o, p: 3 }),
    oracle: (x, o) => reference.norm(x, { ...o, p: 3 }),
    total: true,
  },
  normMax: {
    run: (x, { axes, ...o }) => norm(x, axes, { ...o, p: Infinity }),
    oracle: (x, o) => reference.norm(x, { ...o, p: Infinity }),
    tolerance: exact,
    total: true,
  },
  any: { run: (x, { axes, ...o }) => any(x, axes, o), oracle: reference.any, tolerance: exact, total: true },
  all: { run: (x, { axes, ...o }) => all(x, axes, o), oracle: reference.all, tolerance: exact, total: true },
};

function axesChoices(rank: number): Options[] {
  const single = Array.from({ length: rank }, (_, axis) => ({ axes: [axis], keepdim: axis % 2 === 1 }));
  const pairs = rank > 2 ? [{ axes: [0, rank - 1] }, { axes: [-1, -2], keepdim: true }] : [];
  return [{}, { axes: [] }, ...single, ...pairs];
}

eachDevice('reduce', (ctx) => {
  const upload = (x: Ref): Tensor => tensor(new Float32Array(x.data), { shape: x.shape, device: ctx.device });

  it.each(Object.entries(cases))('%s over every choice of axes', async (name, { run, oracle: wanted, tolerance, total }) => {
    const shapes = (total ? edgeShapes : reducibleShapes).filter((shape) => shape.length < 5);
    for (const shape of shapes) {
      const x =
        name === 'any' || name === 'all' ? random(shape, 5, { distribution: 'integer', low: 0, high: 2 }) : random(shape, 5);
      using t = upload(x);
      const results: [Options, Tensor][] = axesChoices(shape.length).map((options) => [options, run(t, options)]);
      for (const [options, result] of results) {
        expectClose(await read(result), wanted(x, options), tolerance ?? close, `${name} of [${shape}] over ${options.axes}`);
        result.dispose();
      }
    }
  });

  it.for(REDUCE_VARIANTS)('variant %s: rows, columns, long and split, twice with the same bits', async (variant, { skip }) => {
    skip(variant === 'subgroup' && ctx.device.subgroupSize === 0, 'the adapter has no subgroups');
    using _forced = ctx.device.tuner.force('reduce', variant);
    for (const shape of [[1], [3, 5], [2, 129], [129, 3], [70000], [3, 9001], [9001, 3], [5, 64, 7]]) {
      const x = random(shape, 9);
      using t = upload(x);
      for (const axes of [[0], [shape.length - 1], undefined]) {
        // Of the norm, whose sums are vectors: in one stage and in two.
        const names =
          shape.length === 1 ? (['sum', 'max', 'logsumexp', 'norm2'] as const) : (['sum', 'max', 'logsumexp'] as const);
        for (const name of names) {
          using a = cases[name]!.run(t, { axes });
          using b = cases[name]!.run(t, { axes });
          const scale = name === 'sum' ? 1e-6 * Math.sqrt(x.data.length) : 1e-6;
          expectClose(await read(a), cases[name]!.oracle(x, { axes }), { rel: 3e-6, abs: scale }, `${name} [${shape}] ${axes}`);
          expect(await a.data()).toEqual(await b.data());
        }
      }
    }
  });

  it('keeps six digits of a million', async () => {
    const x = random([1_000_003], 1, { distribution: 'uniform', low: 0.5, high: 1.5 });
    using t = upload(x);
    using s = sum(t);
    using m = mean(t);
    using v = variance(t);
    const total = x.data.reduce((a, b) => a + b, 0);
    expect(Math.abs((await s.item()) / total - 1)).toBeLessThan(1e-6);
    expect(Math.abs((await m.item()) / (total / x.data.length) - 1)).toBeLessThan(1e-6);
    expect(Math.abs((await v.item()) * 12 - 1)).toBeLessThan(3e-3);
    using shifted = upload(map(x, (value) => Math.fround(value + 1000)));
    using far = variance(shifted);
    expect(Math.abs((await far.item()) * 12 - 1)).toBeLessThan(3e-3);
  });

  it('positions: first of equals, NaN first of all, every axis', async () => {
    for (const shape of reducibleShapes) {
      const x = random(shape, 6, { distribution: 'integer', low: -2, high: 3 });
      using t = upload(x);
      for (const axis of [undefined, ...shape.keys()]) {
        using a = argmax(t, axis, { keepdim: true });
        using b = argmin(t, axis);
        expectClose(await read(a), reference.argmax(x, { axis, keepdim: true }), exact, `argmax [${shape}] ${axis}`);
        expectClose(await read(b), reference.argmin(x, { axis }), exact, `argmin [${shape}] ${axis}`);
      }
    }
    const long = random([70001], 8);
    long.data[50000] = 99;
    long.data[60000] = 99;
    using t = upload(long);
    using a = argmax(t);
    expect(await a.item()).toBe(50000);
    long.data[69999] = Number.NaN;
    using n = upload(long);
    using b = argmax(n);
    using c = argmin(n);
    using d = max(n);
    using e = min(n);
    expect([await b.item(), await c.item()]).toEqual([69999, 69999]);
    expect([await d.item(), await e.item()]).toEqual([Number.NaN, Number.NaN]);
  });

  it('views: transposed, stepped backwards, repeated', async () => {
    const x = random([6, 10, 4], 2);
    using t = upload(x);
    using turned = view(t, { shape: [4, 6, 10], strides: [1, 40, 4] });
    using backwards = view(t, { shape: [6, 5, 4], strides: [40, -8, 1], offset: 36 });
    using repeated = view(t, { shape: [6, 3, 4], strides: [40, 0, 1] });
    const turnedRef = oracle.permute(x, [2, 0, 1]);
    const backwardsRef = oracle.slice(x, [null, { step: -2 }]);
    const repeatedRef = oracle.expand(oracle.slice(x, [null, { stop: 1 }]), [6, 3, 4]);
    for (const [v, r] of [
      [turned, turnedRef],
      [backwards, backwardsRef],
      [repeated, repeatedRef],
    ] as const) {
      for (const options of axesChoices(3)) {
        const { axes, ...keep } = options;
        using s = sum(v, axes, keep);
        using p = std(v, axes, keep);
        expectClose(await read(s), reference.sum(r, options), { rel: 3e-6, abs: 1e-5 });
        expectClose(await read(p), reference.std(r, options), close);
      }
      using a = argmax(v, 1);
      expectClose(await read(a), reference.argmax(r, { axis: 1 }), exact);
    }
  });

  it('norms and deviations are right where squares leave f32, and around a mean far above the deviation', async () => {
    const places = random([1000], 7);
    for (const [scale, shift] of [
      [1e25, 0],
      [1e-25, 0],
      [1e-25, 1e-22],
      [1, 1e5],
    ] as const) {
      const x = map(places, (v) => Math.fround(scale * v + shift));
      const mean64 = x.data.reduce((total, v) => total + v, 0) / 1000;
      const squares = x.data.reduce((total, v) => total + ((v - mean64) / scale) ** 2, 0);
      const length = Math.sqrt(x.data.reduce((total, v) => total + (v / scale) ** 2, 0));
      using t = upload(x);
      using n = norm(t);
      using s = std(t, undefined, { correction: 0 });
      using v = variance(t);
      expect((await n.item()) / scale / length, `norm of ${scale}, ${shift}`).toBeCloseTo(1, 5);
      expect((await s.item()) / scale / Math.sqrt(squares / 1000), `std of ${scale}, ${shift}`).toBeCloseTo(1, 5);
      if (scale === 1) expect((await v.item()) / (squares / 999)).toBeCloseTo(1, 5);
    }
  });

  it('undoes a broadcast', async () => {
    const x = random([2, 3, 4, 5], 3);
    using t = upload(x);
    for (const shape of [[], [5], [4, 1], [3, 1, 1], [1, 3, 1, 5], [2, 1, 4, 1], [2, 3, 4, 5]]) {
      using s = sumTo(t, shape);
      expectClose(await read(s), oracle.sumTo(x, shape), { rel: 3e-6, abs: 1e-5 }, `to [${shape}]`);
    }
    expect(() => sumTo(t, [3])).toThrow(/sumTo/);
  });

  it('integers, bools and f16', async () => {
    const { device } = ctx;
    using i = tensor(
      [
        [2147483600, 40, 7],
        [-5, -6, 3],
      ],
      { dtype: 'i32', device },
    );
    using b = tensor(
      [
        [1, 1, 1],
        [1, 0, 1],
      ],
      { dtype: 'bool', device },
    );
    using u = tensor([4294967295, 1], { dtype: 'u32', device });
    const results: [Tensor, string, number[]][] = [
      [sum(i, 1), 'i32', [2147483647, -8]],
      [max(i, 0), 'i32', [2147483600, 40, 7]],
      [mean(i, 0), 'f32', [1073741797.5, 17, 5]],
      [sum(b), 'i32', [5]],
      [max(b, 1), 'bool', [1, 1]],
      [all(b, 1), 'bool', [1, 0]],
      [any(i, 1), 'bool', [1, 1]],
      [max(u), 'u32', [4294967295]],
      [min(u), 'u32', [1]],
      [argmin(i, 1), 'i32', [2, 1]],
    ];
    for (const [result, dtype, values] of results) {
      expect(result.dtype).toBe(dtype);
      expectClose(await result.data(), ref([values.length], values), { rel: 1e-7, abs: 0 });
      result.dispose();
    }
  });

  it('sums f16 in f32', async ({ skip }) => {
    const { device } = ctx;
    skip(!device.hasF16, 'the adapter has no shader-f16');
    using h = tensor(new Float32Array(40000).fill(1), { dtype: 'f16', device });
    using m = mean(h);
    using s = sum(h, 0, { keepdim: true });
    expect([m.dtype, await m.item(), await s.item()]).toEqual(['f16', 1, 40000]);
  });

  it('refuses what has no answer', () => {
    using empty = tensor(new Float32Array(0), { shape: [3, 0], device: ctx.device });
    for (const op of [max, min]) expect(() => op(empty, 1)).toThrow(/no elements along axes \[1\]/);
    expect(() => argmax(empty)).toThrow(/no elements/);
    expect(() => sum(empty, 2)).toThrow(/axis 2 is out of range/);
    expect(() => sum(empty, [0, 0])).toThrow(/named twice/);
    expect(() => norm(empty, 1, { p: 0 })).toThrow(/not positive/);
  });
});
