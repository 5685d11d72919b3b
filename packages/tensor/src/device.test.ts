import { createAsyncContext } from '#gpu';
import type { Shader } from '@mudpt/shaders';
import { expect, it } from 'vitest';
import { eachDevice } from '@mudpt/testing/support';
import { arange, capture, cast, cat, contiguous, copyInto, Device, empty, full, scope, tensor, zeros } from './index.ts';
import { kernel, shaderKernel, view } from './kernels.ts';

const double = kernel({
  name: 'double',
  params: { count: 'u32', factor: 'f32' },
  source: `
@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;
@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  if (id.x < params.count) { y[id.x] = x[id.x] * params.factor; }
}`,
});

eachDevice('device', (ctx) => {
  const times = (x: ReturnType<typeof tensor>, factor: number) => {
    const y = empty(ctx.device, x.shape);
    double.dispatch(ctx.device, { buffers: { x, y }, params: { count: x.size, factor }, grid: [Math.ceil(x.size / 64)] });
    return y;
  };

  it('creates and reads tensors of every kind', async () => {
    using a = tensor(
      [
        [1, 2, 3],
        [4, 5, 6],
      ],
      { device: ctx.device },
    );
    using b = tensor([1, 0, 7], { dtype: 'bool', device: ctx.device });
    using c = arange(2, -4, -2, { dtype: 'i32', device: ctx.device });
    using d = full([2, 2], 2 ** 31 + 3, { dtype: 'u32', device: ctx.device });
    using e = zeros([0, 3], { device: ctx.device });
    using f = tensor(5, { device: ctx.device });
    expect(await a.array()).toEqual([
      [1, 2, 3],
      [4, 5, 6],
    ]);
    expect(await b.data()).toEqual(Uint8Array.of(1, 0, 1));
    expect(await c.data()).toEqual(Int32Array.of(2, 0, -2));
    using tenths = arange(0, 1, 0.1, { device: ctx.device });
    expect(await tenths.data()).toEqual(Float32Array.of(0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9));
    expect(await d.data()).toEqual(new Uint32Array(4).fill(2 ** 31 + 3));
    expect(await e.array()).toEqual([]);
    expect(await f.item()).toBe(5);
  });

  it('reads strided views, negative strides included', async () => {
    using a = tensor(
      [
        [1, 2, 3],
        [4, 5, 6],
      ],
      { device: ctx.device },
    );
    using transposed = view(a, { shape: [3, 2], strides: [1, 3] });
    using reversed = view(a, { shape: [6], strides: [-1], offset: 5 });
    using repeated = view(a, { shape: [2, 2], strides: [0, 2], offset: 1 });
    expect(await transposed.array()).toEqual([
      [1, 4],
      [2, 5],
      [3, 6],
    ]);
    expect(await reversed.data()).toEqual(Float32Array.of(6, 5, 4, 3, 2, 1));
    expect(await repeated.array()).toEqual([
      [2, 4],
      [2, 4],
    ]);
    using copy = contiguous(reversed);
    expect(copy.isContiguous).toBe(true);
    expect(await copy.data()).toEqual(Float32Array.of(6, 5, 4, 3, 2, 1));
    using target = zeros([2, 3], { device: ctx.device });
    using column = view(target, { shape: [2], strides: [3], offset: 1 });
    using values = tensor([8, 9], { device: ctx.device });
    copyInto(column, values);
    expect(await target.array()).toEqual([
      [0, 8, 0],
      [0, 9, 0],
    ]);
    using onePlace = view(column, { shape: [2], strides: [0] });
    expect(() => copyInto(onePlace, values)).toThrow(/the target of shape \[2\] repeats its elements along axis 0/);
  });

  it('casts', async () => {
    using a = tensor([-1.7, 0, 2.5], { device: ctx.device });
    using i = cast(a, 'i32');
    using b = cast(a, 'bool');
    expect(await i.data()).toEqual(Int32Array.of(-1, 0, 2));
    using beyond = tensor([NaN, 3e9, -3e9], { device: ctx.device });
    using whole = cast(beyond, 'i32');
    expect(await whole.data()).toEqual(Int32Array.of(0, 2 ** 31 - 128, -(2 ** 31)));
    expect(await b.data()).toEqual(Uint8Array.of(1, 0, 1));
    if (!ctx.device.hasF16) {
      expect(() => cast(a, 'f16')).toThrow(/no shader-f16/);
      return;
    }
    using h = cast(a, 'f16');
    using odd = tensor([1, 2 ** -24, 65504], { dtype: 'f16', device: ctx.device });
    expect(await h.data()).toEqual(Float32Array.of(-1.7001953125, 0, 2.5));
    expect(await odd.data()).toEqual(Float32Array.of(1, 2 ** -24, 65504));
  });

  it('keeps order between kernels, host writes and reused memory', async () => {
    const results: number[] = [];
    for (let i = 0; i < 5; i += 1) {
      using x = tensor([i], { device: ctx.device });
      const y = times(x, 10);
      x.dispose();
      using z = tensor([100], { device: ctx.device }); // may reuse x's memory: the write must not overtake the kernel
      const w = times(z, 1);
      results.push(await y.item(), await w.item());
      y.dispose();
      w.dispose();
    }
    expect(results).toEqual([0, 100, 10, 100, 20, 100, 30, 100, 40, 100]);
  });

  it('batches: many dispatches, few submits', async () => {
    await ctx.device.settle();
    const before = ctx.device.counters();
    let x = tensor([1], { device: ctx.device });
    for (let i = 0; i < 100; i += 1) {
      const next = times(x, 1.01);
      x.dispose();
      x = next;
    }
    expect(await x.item()).toBeCloseTo(1.01 ** 100, 4);
    x.dispose();
    const after = ctx.device.counters();
    expect(after.dispatches - before.dispatches).toBe(100);
    expect(after.submits - before.submits).toBe(1);
  });

  it('makes bind groups once for a step that repeats, whatever the order of its releases', async () => {
    using x = zeros([64], { device: ctx.device });
    const groupsAfter = async (order: string): Promise<number> => {
      const a = times(x, 1);
      const b = times(a, 2);
      const c = times(b, 3);
      const made = [a, b, c, times(c, 4)];
      for (const index of order) made[Number(index)]?.dispose();
      await ctx.device.settle();
      return ctx.device.counters().bindGroups;
    };
    const first = await groupsAfter('0123');
    for (const order of ['3102', '1230', '2031', '0123']) expect(await groupsAfter(order)).toBe(first);
  });

  it('scopes release what they do not return, across await too', async () => {
    const start = ctx.device.memory().liveTensors;
    const kept = await scope(async () => {
      const a = tensor([1, 2], { device: ctx.device });
      await a.data();
      const b = times(a, 3);
      return { b, list: [times(b, 2)] };
    });
    expect(ctx.device.memory().liveTensors).toBe(start + 2);
    expect(await kept.list[0]?.data()).toEqual(Float32Array.of(6, 12));
    kept.b.dispose();
    kept.list[0]?.dispose();
    expect(() =>
      scope(() => {
        tensor([1], { device: ctx.device });
        throw new Error('boom');
      }),
    ).toThrow('boom');
    expect(ctx.device.memory().liveTensors).toBe(start);
  });

  // Browsers cannot tell overlapping scopes apart; there scope() says so.
  it.runIf(createAsyncContext())('two concurrent scopes do not release each other', async () => {
    const work = async (value: number) =>
      await scope(async () => {
        const a = tensor([value], { device: ctx.device });
        await ctx.device.synchronize();
        const b = times(a, 2);
        await ctx.device.synchronize();
        return await b.item();
      });
    expect(await Promise.all([work(1), work(2), work(3)])).toEqual([2, 4, 6]);
  });

  it('says what is wrong before recording', async () => {
    using a = tensor([1], { device: ctx.device });
    const disposed = tensor([1], { device: ctx.device });
    disposed.dispose();
    await expect(disposed.data()).rejects.toThrow(/used after it was disposed/);
    expect(() => double.dispatch(ctx.device, { buffers: { x: a, y: a }, params: { count: 1, factor: 1 }, grid: [1] })).toThrow(
      /shares its memory/,
    );
    expect(() => double.dispatch(ctx.device, { buffers: { x: a } as never, params: { count: 1, factor: 1 }, grid: [1] })).toThrow(
      /binding "y"/,
    );
    using y = empty(ctx.device, [1]);
    expect(() => double.dispatch(ctx.device, { buffers: { x: a, y }, params: { count: 1 } as never, grid: [1] })).toThrow(
      /"factor" is missing/,
    );
    expect(() =>
      double.dispatch(ctx.device, { buffers: { x: a, y }, params: { count: 1, factor: 1, more: 2 } as never, grid: [1] }),
    ).toThrow(/no "more"/);
    expect(() => tensor([[1, 2], [3]], { device: ctx.device })).toThrow(/ragged/);
    expect(() => tensor([1.5], { dtype: 'i32', device: ctx.device })).toThrow(/1.5 at index 0/);
    expect(() => empty(ctx.device, [2 ** 20, 2 ** 10])).toThrow(/bytes exceed/);
    expect(() => tensor(['a'] as never, { device: ctx.device })).toThrow(/value of type string/);
    expect(() => tensor(undefined as never, { device: ctx.device })).toThrow(/value of type undefined/);
  });

  it('reports a broken shader at the next read, with the file and line of its source', async () => {
    const lines = [
      '@group(0) @binding(0) var<storage, read_write> y: array<f32>;',
      '#for i in 3',
      'const unused${i} = ${i};',
      '#endfor',
    ];
    const main = (value: string): string => `@compute @workgroup_size(1) fn main() { y[0] = ${value}; }`;
    const broken = kernel({ name: 'broken', params: { count: 'u32' }, source: [...lines, main('nonsense')].join('\n') });
    const included: Shader = { file: 'part.wgsl', text: '\nfn part() -> f32 { return nonsense; }', includes: [] };
    const source = {
      file: 'whole.wgsl',
      text: [...lines, '#include "part.wgsl"', main('part()')].join('\n'),
      includes: [included],
    };
    using y = empty(ctx.device, [1]);
    broken.dispatch(ctx.device, { buffers: { y }, params: { count: 1 }, grid: [1] });
    await expect(y.data()).rejects.toThrow(/kernel broken[\s\S]*broken:5: [\s\S]*y\[0\] = nonsense/);
    ctx.device.clearError();
    shaderKernel({ name: 'whole', source }).dispatch(ctx.device, { buffers: { y }, grid: [1] });
    await expect(y.data()).rejects.toThrow(/kernel whole[\s\S]*part\.wgsl:2: [\s\S]*return nonsense/);
    ctx.device.clearError();
  });

  it('a plan may be disposed while its first replay still waits for its pipeline', async () => {
    // A separate kernel, so that it is not compiled yet.
    const half = kernel({
      name: 'half',
      params: { factor: 'f32' },
      source: `
@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;
@compute @workgroup_size(1)
fn main(@builtin(global_invocation_id) id: vec3<u32>) { y[id.x] = x[id.x] * params.factor; }`,
    });
    using result = zeros([4], { device: ctx.device });
    const captured = capture(
      ({ x }: { x: ReturnType<typeof tensor> }) =>
        half.dispatch(ctx.device, { buffers: { x, y: result }, params: { factor: 0.5 }, grid: [4] }),
      { device: ctx.device },
    );
    captured({ x: { data: [2, 4, 6, 8], shape: [4] } });
    captured.dispose();
    expect(await result.data()).toEqual(Float32Array.of(1, 2, 3, 4));
  });

  it('captures a step and replays it with the same bits', async () => {
    const step = ({ x, factor }: { x: ReturnType<typeof tensor>; factor: ReturnType<typeof tensor> }) => {
      let y = contiguous(x);
      for (let i = 0; i < 4; i += 1) y = times(y, 1.5);
      return { y, factor: times(factor, 2) };
    };
    using captured = capture(step, { device: ctx.device });
    for (const value of [1, 2, 3]) {
      const { y, factor } = captured({ x: { data: [value, value + 1], shape: [2] }, factor: value });
      expect(await y.data()).toEqual(Float32Array.of(value * 5.0625, (value + 1) * 5.0625));
      expect(await factor.item()).toBe(value * 2);
    }
    const [plan] = captured.plans;
    expect(captured.plans.length).toBe(1);
    expect(plan?.bytes.planned).toBeLessThan(plan?.bytes.unshared ?? 0);
    const before = ctx.device.counters();
    captured({ x: { data: [1, 1], shape: [2] }, factor: 1 });
    expect(ctx.device.counters().submits - before.submits).toBe(1);
    expect(() => captured({ x: { data: [1], shape: [2] }, factor: 1 })).toThrow(/do not fill/);
    for (const read of ['data', 'item', 'array'] as const) {
      const reading = capture(({ x }: { x: ReturnType<typeof tensor> }) => void x[read](), { device: ctx.device });
      expect(() => reading({ x: 1 })).toThrow(`${read}: a captured function cannot read`);
    }
  });

  it('tells what a plan would take, to the byte, without making it', async () => {
    const { device } = ctx;
    const step = ({ x }: { x: ReturnType<typeof tensor> }) => {
      const table = tensor([2, 3, 4, 5], { device });
      const wide = times(x, 2);
      return { sum: cat([times(wide, 3), times(wide, 4)]), table };
    };
    using captured = capture(step, { device });
    const shape = [2, 3000];
    const warm = captured.cost({ x: { shape } });
    await device.synchronize();
    device.trim();
    const [memory, live, submits] = [device.memory().totalBytes, device.memory().liveTensors, device.counters().submits];
    const cost = captured.cost({ x: { shape } });
    expect(cost).toEqual(warm);
    device.trim();
    expect(device.memory()).toMatchObject({ totalBytes: memory, liveTensors: live });
    expect(device.counters().submits).toBe(submits);
    captured({ x: { data: new Float32Array(6000), shape } });
    await device.synchronize();
    expect(device.memory().totalBytes - memory).toBe(cost.bytes);
    expect(cost.dispatches).toBe(captured.plans[0]?.steps.filter((step) => step !== 'copy').length);
    expect(cost.flops).toBe(captured.plans[0]?.flops);
    const vast = () => empty(device, [device.limits.maxStorageBufferBindingSize / 4 + 4]);
    using tooLarge = capture(() => vast(), { device });
    expect(() => tooLarge({})).toThrow(/binds at once/);
  });

  it('profiles kernels', async ({ skip }) => {
    skip(!ctx.device.gpu.features.has('timestamp-query'), 'the adapter has no timestamp-query');
    using x = tensor(new Float32Array(4096).fill(1), { device: ctx.device });
    const profile = await ctx.device.profile(() => {
      times(x, 2).dispose();
      times(x, 3).dispose();
    });
    expect(profile.kernels().map(({ kernel: name, calls }) => [name, calls])).toEqual([['double', 2]]);
    expect(JSON.parse(profile.chromeTrace()).traceEvents).toHaveLength(2);
  });

  it('accepts a device of the caller and reports a lost one', async () => {
    const owner = await Device.open();
    const wrapped = await Device.open({ gpu: owner.gpu });
    const t = tensor([1], { device: wrapped });
    expect(await t.item()).toBe(1);
    const elsewhere = tensor([1], { device: owner });
    expect(() => t.add(elsewhere)).toThrow(/add: tensors of shapes \[1\] and \[1\] live on two devices/);
    expect(() => cat([t, elsewhere])).toThrow(/kernel cat: "x1" lives on another device/);
    owner.gpu.destroy();
    await owner.gpu.lost;
    await expect(t.data()).rejects.toThrow(/device was lost/);
    expect(() => tensor([1], { device: wrapped })).toThrow(/Device.open/);
    t.dispose();
    wrapped.dispose();
    owner.dispose();
  });
});
