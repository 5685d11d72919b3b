/** Kernels of users: wrong numbers of views and other dtypes are refused before anything is recorded. */
import { expect, it } from 'vitest';
import { parseBindings } from '../engine/pipelines.ts';
import { contiguousCopy, empty, expand, narrow, tensor, type Tensor, transpose, zeros } from '../index.ts';
import { grid1d, kernel } from '../kernels.ts';
import { eachDevice } from '@mudpt/testing/support';
import { nth } from '../values.ts';

const WHOLE = `
@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;
@compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  if (id.x < params.count) { y[id.x] = x[id.x]; }
}`;
const STRIDED = WHOLE.replace('x[id.x]', 'x[params.offset + id.x * params.step]');

const whole = kernel({ name: 'whole', params: { count: 'u32' }, source: WHOLE });
const strided = kernel({ name: 'strided', params: { count: 'u32', offset: 'u32', step: 'u32' }, source: STRIDED, strided: true });

it('reads the element type of bindings', () => {
  const elementOf = (type: string) =>
    parseBindings('k', `alias T = vec4<f16>; struct S { a: f32 } @group(0) @binding(0) var<storage, read> x: ${type};`).storage[0]
      ?.element;
  const types = [
    'array<f32>',
    'array< vec4<i32> >',
    'array<atomic<u32>>',
    'array<vec2f>',
    'array<T>',
    'array<u32, 16>',
    'array<S>',
  ];
  expect(types.map(elementOf)).toEqual(['f32', 'i32', 'u32', 'f32', 'f16', 'u32', undefined]);
});

eachDevice('kernels of users', (ctx) => {
  const copyOf = async (x: Tensor): Promise<number[]> => {
    using y = empty(ctx.device, [x.size]);
    whole.dispatch(ctx.device, { buffers: { x, y }, params: { count: x.size }, grid: grid1d(x.size, 64) });
    return [...(await y.data())];
  };

  it('refuse views, with the copy that mends them', async () => {
    using x = tensor(
      [
        [1, 2, 3],
        [4, 5, 6],
      ],
      { device: ctx.device },
    );
    using row = narrow(x, 0, 1, 1);
    using turned = transpose(x);
    using one = tensor([7], { device: ctx.device });
    using repeated = expand(one, [4]);
    for (const [view, values] of [
      [row, [4, 5, 6]],
      [turned, [1, 4, 2, 5, 3, 6]],
      [repeated, [7, 7, 7, 7]],
    ] as const) {
      await expect(copyOf(view)).rejects.toThrow(/^kernel whole: "x" is a view.*Give contiguousCopy\(x\)/);
      using mended = contiguousCopy(view);
      expect(await copyOf(mended)).toEqual(values);
    }
    expect(await copyOf(x)).toEqual([1, 2, 3, 4, 5, 6]);
    using head = narrow(x, 0, 0, 1);
    expect(await copyOf(head)).toEqual([1, 2, 3]);
  });

  it('refuse to write into a view', async () => {
    using x = tensor([1, 2], { device: ctx.device });
    using all = zeros([4], { device: ctx.device });
    using tail = narrow(all, 0, 2, 2);
    expect(() => whole.dispatch(ctx.device, { buffers: { x, y: tail }, params: { count: 2 }, grid: [1] })).toThrow(
      /"y" is a view.*copyInto\(y, it\)/,
    );
    expect(await all.data()).toEqual(new Float32Array(4));
  });

  it('refuse another dtype', async () => {
    using x = tensor([1, 2], { dtype: 'i32', device: ctx.device });
    await expect(copyOf(x)).rejects.toThrow(/"x" has dtype i32, its binding f32. Give x.cast\('f32'\)/);
    using mended = x.cast('f32');
    expect(await copyOf(mended)).toEqual([1, 2]);
  });

  it('take views when they are made for them', async () => {
    using x = tensor([1, 2, 3, 4, 5, 6], { shape: [3, 2], device: ctx.device });
    using column = narrow(x, 1, 1, 1);
    using y = empty(ctx.device, [3]);
    strided.dispatch(ctx.device, {
      buffers: { x: column, y },
      params: { count: 3, offset: column.offset, step: nth(column.strides, 0) },
      grid: [1],
    });
    expect(await y.data()).toEqual(Float32Array.of(2, 4, 6));
  });
});
