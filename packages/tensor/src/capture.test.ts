/** Results of captured functions: ownership and lifetime. */
import { expect, it } from 'vitest';
import { eachDevice } from '@mudpt/testing/support';
import {
  addInto,
  CaptureError,
  capture,
  cat,
  contiguousCopy,
  copyInto,
  DisposedError,
  expand,
  narrow,
  ones,
  reshape,
  scope,
  tensor,
  type Tensor,
  zeros,
} from './index.ts';
import { rebind } from './internal.ts';

const OLD =
  /the result of a captured function, was used after a later call.*Read it, or keep contiguousCopy\(x\), before the next call/;

eachDevice('results of captured functions', (ctx) => {
  const counter = () => capture(({ x }: { x: Tensor }) => x.add(1), { device: ctx.device });

  it('are refused once a later call has overwritten them', async () => {
    using plusOne = counter();
    const first = plusOne({ x: 0 });
    using copy = contiguousCopy(first);
    using row = reshape(first, [1]);
    const pending = first.item(); // recorded before the next call, so it reads the value of this one
    const second = plusOne({ x: 1 });
    expect(await pending).toBe(1);
    expect(await copy.item()).toBe(1);
    expect(await second.item()).toBe(2);
    await expect(first.data()).rejects.toThrow(OLD);
    await expect(row.data()).rejects.toThrow(OLD);
    expect(() => first.add(1)).toThrow(OLD);
    expect(() => expand(row, [3])).toThrow(OLD);
    expect(() => first.dispose()).toThrow(DisposedError);
    expect(() => plusOne({ x: first })).toThrow(OLD);
    expect(await second.item()).toBe(2);
  });

  it('read one after the other are the values of their calls', async () => {
    using plusOne = counter();
    const values: number[] = [];
    for (const x of [0, 1, 2]) values.push(await plusOne({ x }).item());
    expect(values).toEqual([1, 2, 3]);
    const late = [0, 1, 2].map((x) => plusOne({ x }));
    await expect(Promise.all(late.map((t) => t.item()))).rejects.toThrow(OLD);
  });

  it('may be fed back, and disposed by the caller', async () => {
    using plusOne = counter();
    let x = plusOne({ x: 0 });
    for (let i = 0; i < 3; i += 1) x = plusOne({ x });
    expect(await x.item()).toBe(4);
    x.dispose();
    using y = plusOne({ x: 10 });
    expect(await y.item()).toBe(11);
  });

  it('feeds an input back that the body returned as it was', async () => {
    using both = capture(({ x }: { x: Tensor }) => ({ x, y: x.mul(2) }), { device: ctx.device });
    const first = both({ x: 3 });
    const second = both({ x: first.x });
    expect([await second.x.item(), await second.y.item()]).toEqual([3, 6]);
    using other = tensor(5, { device: ctx.device });
    const third = both({ x: other });
    expect([await third.x.item(), await third.y.item()]).toEqual([5, 10]);
  });

  it('feeds inputs back that the body returned under other names', async () => {
    const body = ({ now, before }: { now: Tensor; before: Tensor }) => ({
      now: now.add(before),
      before: now,
      turned: now.flip(),
    });
    using step = capture(body, { device: ctx.device });
    const start = { data: [1, 1], shape: [2] };
    let state: Record<'now' | 'before', Tensor> = step({ now: start, before: { data: [1, 2], shape: [2] } });
    for (let i = 0; i < 3; i += 1) state = step({ now: state.now, before: state.before });
    expect([...(await state.now.data()), ...(await state.before.data())]).toEqual([8, 11, 5, 7]);
    const { turned } = step({ now: state.before, before: state.now });
    expect([...(await step({ now: turned, before: turned }).before.data())]).toEqual([7, 5]);
    using swap = capture(({ x, y }: { x: Tensor; y: Tensor }) => ({ x: y, y: x }), { device: ctx.device });
    const once = swap({ x: 1, y: 2 });
    const twice = swap({ x: once.x, y: once.y });
    expect([await twice.x.item(), await twice.y.item()]).toEqual([1, 2]);
  });

  it('keep maps and lists, and leave tensors from outside to their owner', async () => {
    using weight = ones([2], { device: ctx.device });
    const captured = capture(
      ({ x }: { x: Tensor }) => ({ weight, list: [x.add(1), new Map([[weight, x.mul(weight)]])] as const }),
      {
        device: ctx.device,
      },
    );
    captured.cost({ x: { shape: [] } });
    captured({ x: 1 });
    const { weight: same, list } = captured({ x: 2 });
    expect(same).toBe(weight);
    expect(await list[0].item()).toBe(3);
    expect(await list[1].get(weight)?.data()).toEqual(Float32Array.of(2, 2));
    captured.dispose();
    expect(await weight.data()).toEqual(Float32Array.of(1, 1));
    await expect(list[0].data()).rejects.toThrow(OLD);
    list[0].dispose();
  });

  it('are one set of handles at a time', () => {
    using plusOne = counter();
    plusOne({ x: 0 });
    const live = ctx.device.memory().liveTensors;
    for (let x = 0; x < 5; x += 1) scope(() => void plusOne({ x }));
    expect(ctx.device.memory().liveTensors).toBe(live);
  });

  it('of other shapes live side by side', async () => {
    using plusOne = counter();
    const [scalar, pair] = [plusOne({ x: 0 }), plusOne({ x: { data: [1, 2], shape: [2] } })];
    expect(await scalar.item()).toBe(1);
    expect(await pair.data()).toEqual(Float32Array.of(2, 3));
    using row = reshape(scalar, [1]);
    using joined = cat([row, pair]);
    expect(await joined.data()).toEqual(Float32Array.of(1, 2, 3));
  });

  it('memory of a captured function cannot be taken from under it', async () => {
    using weight = ones([2], { device: ctx.device });
    using place = tensor([5, 5], { device: ctx.device });
    const sums = capture(({ x }: { x: Tensor }) => x.add(weight), { device: ctx.device });
    sums({ x: 1 });
    expect(() => rebind(weight, place)).toThrow(CaptureError);
    sums.dispose();
    rebind(weight, place);
    expect(await weight.data()).toEqual(Float32Array.of(5, 5));
    using moving = capture(() => rebind(weight, place), { device: ctx.device });
    expect(() => moving({})).toThrow(/belongs to a captured function/);
  });

  it('work that nobody reads is no part of a plan, and everything that is written outside is', async () => {
    using outside = zeros([4], { device: ctx.device });
    using step = capture(
      ({ x }: { x: Tensor }) => {
        const unread = x.mul(3).exp();
        unread.add(1);
        const parts = zeros([4], { device: ctx.device });
        copyInto(narrow(parts, 0, 0, 2), narrow(x, 0, 2, 2));
        copyInto(narrow(parts, 0, 2, 2), narrow(x, 0, 0, 2));
        addInto(outside, parts);
        return x.add(1);
      },
      { device: ctx.device },
    );
    const x = { data: [1, 2, 3, 4], shape: [4] };
    const cost = step.cost({ x: { shape: [4] } });
    for (const times of [1, 2]) {
      const result = await step({ x }).data();
      expect([...result]).toEqual([2, 3, 4, 5]);
      expect([...(await outside.data())]).toEqual([3, 4, 1, 2].map((value) => times * value));
    }
    const [plan] = step.plans;
    expect(plan?.commands.length).toBe(cost.dispatches);
    expect(cost.dispatches).toBe(5); // zeros, two copies, the sum outside, the result
  });

  it('large memory of a plan is of its very size, and serves others when the plan is gone', async () => {
    const { device } = ctx;
    await device.synchronize();
    device.trim();
    const before = device.memory().totalBytes;
    const size = 2 ** 18 + 2 ** 12; // 1 MiB and a little: a class would be a quarter more
    const step = capture(({ x }: { x: Tensor }) => expand(x, [size]).add(1), { device });
    step({ x: { data: [1], shape: [1] } });
    const taken = device.memory().totalBytes - before;
    expect(taken).toBeLessThan(4 * size + 4096);
    step.dispose();
    await device.synchronize();
    using other = ones([2 ** 18], { device });
    expect(device.memory().totalBytes - before).toBe(taken);
    expect(other.size).toBe(2 ** 18);
    device.trim();
  });

  it('refuses a call of a captured function in the body of another', () => {
    using inner = capture(({ x }: { x: Tensor }) => x.mul(2), { device: ctx.device });
    using outer = capture(({ x }: { x: Tensor }) => inner({ x }).add(1), { device: ctx.device });
    for (const call of [() => outer({ x: 1 }), () => outer.cost({ x: { shape: [3] } })])
      expect(call).toThrow(/^capture: a captured function was called inside the body of another/);
  });

  it('an asynchronous body is one error, and no rejection is left over', async () => {
    using captured = capture(
      (async ({ x }: { x: Tensor }) => {
        await Promise.resolve();
        throw new Error(`after the error: ${x.rank}`);
      }) as never,
      { device: ctx.device },
    );
    expect(() => captured({ x: 1 } as never)).toThrow(/^capture: its body is asynchronous. Await before or after/);
    await new Promise((done) => void setTimeout(done, 20));
  });

  it('with a schema, a misspelt input neither compiles nor runs, and host data has the dtype of the schema', async () => {
    const { device } = ctx;
    using pick = capture({ x: 'f32', place: 'i32' }, ({ x, place }) => x.add(place), { device });
    expect(await pick({ x: { data: [1, 2], shape: [2] }, place: 3 }).data()).toEqual(Float32Array.of(4, 5));
    expect(pick.cost({ x: { shape: [2] }, place: { shape: [] } }).dispatches).toBeGreaterThan(0);
    // @ts-expect-error -- the name is not in the schema
    expect(() => pick({ x: 1, palce: 3 })).toThrow(/^capture: there is no input "palce" in the schema. Its inputs are x, place/);
    // @ts-expect-error -- one is missing
    expect(() => pick({ x: 1 })).toThrow(/^capture: the input "place" is missing/);
    using wrong = tensor([1], { device });
    expect(() => pick({ x: 1, place: wrong })).toThrow(/^capture: the input "place" is f32, the schema says i32/);
    // @ts-expect-error -- the body reads a name that is not in the schema
    using misread = capture({ x: 'f32' }, ({ y }) => y, { device });
    expect(() => misread({ x: 1 })).toThrow(/the body reads an input "y"/);
    expect(() => capture({ x: 'float' } as never, (() => 1) as never)).toThrow(/there is no dtype "float"/);
  });
});
