/** Tracing of values that are not finite: the first op that made one is named, forward and backward; nothing is recorded without it. */
import { expect, it } from 'vitest';
import { eachDevice } from '@mudpt/testing/support';
import { Device, scope, type Tensor, tensor } from '../index.ts';

eachDevice('tracing of values that are not finite', (ctx) => {
  it('names the first op whose result is not finite while its inputs are', async () => {
    using device = await Device.open({ gpu: ctx.device.gpu, debug: { finite: true } });
    const make = (values: number[]): Tensor => tensor(values, { device });
    const message = async (body: () => Tensor): Promise<string> => {
      using out = scope(body);
      try {
        await out.data();
      } catch (error) {
        return String((error as Error).message);
      }
      return 'finite';
    };
    expect(
      await message(() =>
        make([1, 0])
          .log()
          .mul(make([0, 1]))
          .add(1),
      ),
    ).toMatch(
      /^log: its result f32 \[2\] of f32 \[2\] has an infinity or NaN, and its inputs have none; called at .*finite-check\.test\.ts[^ ]*:\d+/,
    );
    expect(await message(() => make([1, 2]).log().mul(3).add(1))).toBe('finite');
    // What came in so, or was asked for, is nobody's mistake; of two, the first is named.
    expect(await message(() => make([1, Number.NaN]).mul(2).add(1))).toBe('finite');
    expect(
      await message(() =>
        make([1, 2])
          .maskedFill(make([1, 0]).cast('bool'), -Infinity)
          .add(1),
      ),
    ).toBe('finite');
    expect(
      await message(() =>
        make([1, 0])
          .log()
          .add(make([0, -1]).log()),
      ),
    ).toMatch(/^log: /);
    using other = make([2]);
    expect(await message(() => other.div(make([0])))).toMatch(/^div: its result f32 \[1\] of f32 \[1\], f32 \[1\]/);
    expect(await other.item()).toBe(2);
  });

  it('records and compiles nothing on another device', async () => {
    const { device } = ctx;
    using warm = scope(() => tensor([1, 0], { device }).log());
    await warm.data();
    const before = device.counters();
    using x = scope(() => tensor([1, 0], { device }).log());
    expect(await x.data()).toEqual(Float32Array.of(0, -Infinity));
    const { dispatches, pipelines } = device.counters();
    expect([dispatches - before.dispatches, pipelines]).toEqual([1, before.pipelines]);
  });
});
