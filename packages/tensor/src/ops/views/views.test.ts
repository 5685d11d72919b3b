import { describe, expect, it } from 'vitest';
import {
  build,
  get,
  iota,
  permute as permuteRef,
  type Ref,
  reshape as reshapeRef,
  slice as sliceRef,
} from '@mudpt/testing/reference/array';
import { expectClose } from '@mudpt/testing/reference/compare';
import { flip as flipRef, split as splitRef } from '@mudpt/testing/reference/indexing';
import { applyView, edgeShapes, viewRecipes } from '@mudpt/testing/shapes';
import { eachDevice } from '@mudpt/testing/support';
import { tensor } from '../create/create.ts';
import { chunk, flip, narrow, select, slice, sliceBackward, split, unbind } from './slices.ts';
import { expand, flatten, movedim, permute, reshape, reshapeStrides, squeeze, transpose, unsqueeze } from './views.ts';
import type { Tensor } from '../../tensor.ts';
import { nth } from '../../values.ts';

/** Places (flat position in the base) that strides show, to compare with the same places reached by a copy. */
function places(shape: readonly number[], strides: readonly number[]): Ref {
  return build(shape, (index) => index.reduce((sum, position, axis) => sum + position * nth(strides, axis), 0));
}

describe('reshapeStrides', () => {
  it('finds strides exactly when whole axes cut every block', () => {
    const cases: [number[], number[], number[], boolean][] = [
      [[2, 3, 4], [12, 4, 1], [24], true],
      [[2, 3, 4], [12, 4, 1], [4, 3, 2], true],
      [[3, 4, 2], [4, 1, 12], [12, 2], true],
      [[3, 4, 2], [4, 1, 12], [3, 8], false],
      [[3, 4, 2], [4, 1, 12], [2, 6, 1, 2], true],
      [[3, 1, 2], [2, 77, 1], [6], true],
      [[5, 4], [0, 1], [5, 2, 2], true],
      [[5, 4], [0, 1], [20], false],
      [[6], [-1], [2, 3], true],
      [[], [], [1, 1], true],
      [[4, 6], [12, 2], [4, 1, 6], true],
      [[4, 6], [12, 2], [24], true],
      [[4, 6], [13, 2], [24], false],
    ];
    for (const [from, strides, to, possible] of cases) {
      const found = reshapeStrides(from, strides, to);
      expect(found !== undefined, `${from} by ${strides} as ${to}`).toBe(possible);
      if (found) expect(Array.from(places(to, found).data)).toEqual(Array.from(places(from, strides).data));
    }
  });
});

eachDevice('views', (ctx) => {
  const upload = (x: Ref): Tensor => tensor(new Float32Array(x.data), { shape: x.shape, device: ctx.device });
  const check = async (actual: Tensor, expected: Ref): Promise<void> => {
    expectClose({ shape: actual.shape, data: await actual.data() }, expected);
    actual.dispose();
  };

  it('reshapes every edge shape, with -1, and shares memory where it can', async () => {
    for (const shape of edgeShapes) {
      const x = iota(shape);
      using t = upload(x);
      await check(reshape(t, [x.data.length]), reshapeRef(x, [x.data.length]));
      if (x.data.length > 0) await check(reshape(t, [1, -1, 1]), reshapeRef(x, [1, -1, 1]));
      await check(reshape(t, [...shape, 1]), reshapeRef(x, [...shape, 1]));
      using turned = permute(t, shape.map((_, axis) => axis).reverse());
      const turnedRef = permuteRef(x, shape.map((_, axis) => axis).reverse());
      await check(flatten(turned), reshapeRef(turnedRef, [x.data.length]));
    }
    using x = upload(iota([4, 6]));
    using viewed = reshape(x, [2, 12]);
    expect(viewed.storage).toBe(x.storage);
    using turned = transpose(x);
    using copied = reshape(turned, [24]);
    expect(copied.storage).not.toBe(x.storage);
    expect(() => reshape(x, [5, -1])).toThrow(/does not fit shape \[5, -1\]/);
    expect(() => reshape(x, [-1, -1])).toThrow(/at most one size/i);
    expect(() => reshape(x, [23])).toThrow(/24 elements/);
  });

  it.each(viewRecipes)('view: $name', async (recipe) => {
    const base = iota(recipe.base);
    const steps: Tensor[] = [upload(base)];
    for (const step of recipe.steps) {
      const last = steps.at(-1)!;
      if (step.op === 'permute') steps.push(permute(last, step.order));
      else steps.push(step.op === 'slice' ? slice(last, step.ranges) : expand(last, step.shape));
    }
    const expected = applyView(base, recipe);
    expectClose({ shape: steps.at(-1)!.shape, data: await steps.at(-1)!.data() }, expected);
    expect(new Set(steps.map(({ storage }) => storage)).size).toBe(1);
    await check(flatten(steps.at(-1)!), reshapeRef(expected, [expected.data.length]));
    for (const step of steps) step.dispose();
  });

  it('slices like Python, for every start, stop and step near the ends', async () => {
    const x = iota([5]);
    using t = upload(x);
    const positions = [undefined, -7, -5, -1, 0, 1, 4, 5, 9];
    for (const step of [1, 2, -1, -3]) {
      for (const start of positions) {
        for (const stop of positions) {
          const range = { step, ...(start === undefined ? {} : { start }), ...(stop === undefined ? {} : { stop }) };
          using picked = slice(t, [range]);
          const expected = sliceRef(x, [range]);
          expect(picked.shape, JSON.stringify(range)).toEqual(expected.shape);
          if (expected.data.length > 0) expect(picked.offset, JSON.stringify(range)).toBe(expected.data[0]);
          if (expected.data.length > 1) expect(picked.strides).toEqual([step]);
        }
      }
    }
    expect(() => slice(t, [{ step: 0 }])).toThrow(/step 0/);
    expect(() => slice(t, [[0, 1] as never])).toThrow(/\[0,1\] is no range. Give null, or \{ start, stop, step \}/);
    expect(() => slice(t, [{ end: 1 } as never])).toThrow(/\{"end":1\} is no range/);
    expect(() => slice(t, [null, null])).toThrow(/2 ranges/);
    expect(() => slice(t, [{ start: 0.5 }])).toThrow(/start 0.5/);
  });

  it('puts a gradient back to where the slice came from', async () => {
    const ranges = [{ start: 1 }, null, { start: -1, step: -2 }];
    const picked = sliceRef(iota([3, 2, 5]), ranges);
    using grad = upload(iota(picked.shape));
    const expected = build([3, 2, 5], (index) => {
      const place = picked.data.indexOf(get(iota([3, 2, 5]), index));
      return Math.max(place, 0);
    });
    await check(sliceBackward(grad, [3, 2, 5], ranges), expected);
  });

  it('permutes, moves, expands, squeezes and unsqueezes', async () => {
    const x = iota([2, 3, 4]);
    using t = upload(x);
    await check(permute(t, [2, -3, 1]), permuteRef(x, [2, 0, 1]));
    await check(transpose(t), permuteRef(x, [0, 2, 1]));
    await check(transpose(t, 0, -1), permuteRef(x, [2, 1, 0]));
    await check(movedim(t, 0, -1), permuteRef(x, [1, 2, 0]));
    await check(movedim(t, [2, 0], [0, 1]), permuteRef(x, [2, 0, 1]));
    using lead = unsqueeze(t, 0);
    expect(lead.shape).toEqual([1, 2, 3, 4]);
    using tail = unsqueeze(t, -1);
    expect(tail.shape).toEqual([2, 3, 4, 1]);
    using both = unsqueeze(lead, 3);
    using dropped = squeeze(both);
    expect(dropped.shape).toEqual([2, 3, 4]);
    using one = squeeze(both, 0);
    expect(one.shape).toEqual([2, 3, 1, 4]);
    await check(
      expand(lead, [3, -1, 3, 4]),
      build([3, 2, 3, 4], ([, a, b, c]) => get(x, [a!, b!, c!])),
    );
    await check(flatten(t, 1), reshapeRef(x, [2, 12]));
    await check(flatten(t, 0, 1), reshapeRef(x, [6, 4]));
    expect(() => permute(t, [0, 1, 1])).toThrow(/each axis/);
    expect(() => squeeze(t, 1)).toThrow(/size 3/);
    expect(() => expand(t, [2, 6, 4])).toThrow(/does not expand/);
    expect(() => movedim(t, [0, 1], [0])).toThrow(/destinations/);
    expect(() => transpose(t, 0, 3)).toThrow(/axis 3/);
  });

  it('narrows, selects, flips, splits and unbinds', async () => {
    const x = iota([4, 7]);
    using t = upload(x);
    await check(narrow(t, 1, -3, 2), sliceRef(x, [null, { start: 4, stop: 6 }]));
    await check(select(t, 0, -1), reshapeRef(sliceRef(x, [{ start: 3 }]), [7]));
    await check(flip(t), flipRef(x, [0, 1]));
    await check(flip(t, [-1]), flipRef(x, [1]));
    for (const sizes of [3, 7, 20, [2, 0, 5]]) {
      const parts = split(t, sizes, 1);
      const expected = splitRef(x, sizes, 1);
      expect(parts.length).toBe(expected.length);
      for (const [i, part] of parts.entries()) await check(part, expected[i]!);
    }
    const pieces = chunk(t, 3, 1);
    expect(pieces.map(({ shape }) => shape[1])).toEqual([3, 3, 1]);
    for (const piece of pieces) piece.dispose();
    const nothing = narrow(t, 1, 0, 0);
    const none = [...chunk(nothing, 3, 1), ...split(nothing, 3, 1), nothing];
    expect(none.map(({ shape }) => shape[1])).toEqual([0, 0, 0, 0, 0]);
    for (const piece of none) piece.dispose();
    const rows = unbind(t);
    for (const [i, row] of rows.entries()) await check(row, reshapeRef(sliceRef(x, [{ start: i, stop: i + 1 }]), [7]));
    expect(() => narrow(t, 0, 2, 3)).toThrow(/not inside/);
    expect(() => select(t, 1, 7)).toThrow(/-7 to 6/);
    expect(() => split(t, [3, 3], 1)).toThrow(/add up to 7/);
    expect(() => split(t, 0)).toThrow(/do not cut/);
    expect(() => chunk(t, 0)).toThrow(/count 0/);
  });

  it('refuses disposed inputs by the name of the op', () => {
    const x = upload(iota([2, 2]));
    x.dispose();
    expect(() => permute(x, [1, 0])).toThrow(/^permute: /);
    expect(() => slice(x, [])).toThrow(/^slice: /);
    expect(() => reshape(x, [4])).toThrow(/^reshape: /);
  });
});
