/** Tensors that nobody disposed: released when they are collected, counted, and one warning when they pile up. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { inspect } from 'node:util';
import { afterEach, expect, it, vi } from 'vitest';
import { eachDevice } from '@mudpt/testing/support';
import { alias, capture, Device, exportBuffer, keep, scope, Tensor, tensor } from '../index.ts';
import { rebind } from '../internal.ts';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

/** Collects until `isDone`, which finalizers bring about in a task of their own. */
async function collectUntil(isDone: () => boolean): Promise<void> {
  for (let i = 0; i < 50 && !isDone(); i += 1) {
    collectGarbage();
    await new Promise((done) => void setTimeout(done, 1));
  }
}

eachDevice('tensors that nobody disposed', (ctx) => {
  afterEach(() => vi.restoreAllMocks());
  /** The leak detector of tests holds every tensor: this device shares its GPU without one. */
  const another = (unscopedWarning?: number): Promise<Device> => Device.open({ gpu: ctx.device.gpu, unscopedWarning });

  it('are released when they are collected', async () => {
    const device = await another();
    (() => {
      const made = scope(() => [tensor([1], { device }), tensor([2], { device })]);
      keep(tensor([3], { device }));
      return made.length;
    })();
    const held = tensor([4], { device });
    const view = alias(held);
    expect(device.memory()).toMatchObject({ liveTensors: 5, collectedTensors: 0 });
    await collectUntil(() => device.memory().collectedTensors === 3);
    expect(device.memory()).toMatchObject({ liveTensors: 2, collectedTensors: 3, liveBytes: 4 });
    expect(await held.item()).toBe(4);
    view.dispose();
    held.dispose();
    await collectUntil(() => false);
    expect(device.memory()).toMatchObject({ liveTensors: 0, collectedTensors: 3, liveBytes: 0 });
    device.dispose();
  });

  it('keep memory that was exported, or moved to another tensor', async () => {
    const device = await another();
    const exported = (() => exportBuffer(tensor([7, 8], { device })))();
    const place = tensor([1, 2], { device });
    (() => rebind(tensor([3, 4], { device }), place))();
    await collectUntil(() => device.memory().collectedTensors === 2);
    expect(device.memory()).toMatchObject({ liveTensors: 1, collectedTensors: 2, liveBytes: 16 });
    const other = tensor([0, 0], { device });
    expect(exportBuffer(other).buffer).not.toBe(exported.buffer);
    expect(await place.data()).toEqual(Float32Array.of(1, 2));
    place.dispose();
    other.dispose();
    device.dispose();
  });

  it('are warned of once, by the line that made them, and not in scopes, kept ones, or results of captured functions', async () => {
    const warn = vi.spyOn(console, 'warn').mockImplementation(() => undefined);
    const device = await another(3);
    using step = capture(({ x }: { x: Tensor }) => x.reshape([1]), { device });
    scope(() => {
      for (let i = 0; i < 9; i += 1) tensor([i], { device });
    });
    const kept = Array.from({ length: 5 }, (_, i) => keep(tensor([i], { device })));
    for (let i = 0; i < 5; i += 1) step({ x: i });
    expect(warn).not.toHaveBeenCalled();
    const piled = Array.from({ length: 5 }, (_, i) => tensor([i], { device }));
    expect(warn).toHaveBeenCalledTimes(1);
    expect(warn.mock.calls[0]?.[0]).toMatch(/^tensors: more than 3 are live .* the last one .*collection\.node\.test\.ts:\d+/);
    for (const made of [...kept, ...piled]) made.dispose();
    const silent = await another(Infinity);
    for (const made of Array.from({ length: 5 }, (_, i) => tensor([i], { device: silent }))) made.dispose();
    expect(warn).toHaveBeenCalledTimes(1);
    silent.dispose();
    device.dispose();
  });

  it('cost nothing in a scope: none is watched', async () => {
    const device = await another();
    // Other code of the process registers objects of its own.
    const spies = (['register', 'unregister'] as const).map((name) => vi.spyOn(FinalizationRegistry.prototype, name));
    const tensors = (): number[] => spies.map(({ mock }) => mock.calls.filter(([target]) => target instanceof Tensor).length);
    scope(() => {
      for (let i = 0; i < 4; i += 1) alias(tensor([i], { device })).dispose();
    });
    expect(tensors()).toEqual([0, 0]);
    tensor([1], { device }).dispose();
    expect(tensors()).toEqual([1, 1]);
    device.dispose();
  });

  it('say what they are, without reading', async () => {
    using x = tensor([[1, 2, 3]], { device: ctx.device });
    const { dispatches, submits } = ctx.device.counters();
    const { name } = ctx.device.adapter;
    expect(inspect({ x })).toContain(`Tensor(f32 [1, 3] on ${name})`);
    expect(JSON.parse(JSON.stringify({ x }))).toEqual({ x: { dtype: 'f32', shape: [1, 3], device: name } });
    expect(ctx.device.counters()).toMatchObject({ dispatches, submits });
    x.dispose();
    expect(inspect(x)).toBe(`Tensor(f32 [1, 3] on ${name}, disposed)`);
  });
});
