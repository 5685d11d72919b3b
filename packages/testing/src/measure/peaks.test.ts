import { empty } from '@mudpt/tensor';
import { expect, it } from 'vitest';
import { eachDevice } from '@mudpt/testing/support';
import { expectedSum, FMA_SHAPES, measurePeaks, multiplyAdds } from './peaks.ts';

eachDevice('measurePeaks', (ctx) => {
  it('counts multiply-adds that all reach the output, in every lane and for any number of loops', async () => {
    for (const shape of FMA_SHAPES) {
      using y = empty(ctx.device, [128, 4], 'f32');
      for (const loops of [0, 1, 2, 5, 1000]) {
        multiplyAdds(ctx.device, y, shape, loops);
        const expected = Array.from({ length: 512 }, (_, i) => expectedSum(shape, loops, i));
        expect([...(await y.data())]).toEqual(expected);
      }
      // A loop moves every value to another chain, so a step that is left out shows.
      expect(shape.UNROLL % shape.CHAINS).not.toBe(0);
    }
  });

  it('measures kernels whose outputs it has checked, and leaves nothing behind', async () => {
    const peaks = await measurePeaks(ctx.device, 0.002);
    // No adapter is slower than this; a kernel that did not run would be faster than any.
    expect(peaks.gflops).toBeGreaterThan(0.05);
    expect(peaks.gflops).toBeLessThan(1e6);
    expect(peaks.gbps).toBeGreaterThan(0.005);
    expect(peaks.gbps).toBeLessThan(1e5);
    expect(peaks.dispatchMicroseconds).toBeGreaterThan(0.05);
  });
});
