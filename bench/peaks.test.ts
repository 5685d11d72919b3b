import { expect, it } from 'vitest';
import { eachDevice } from '../packages/tensor/test/support.ts';
import { measurePeaks } from './peaks.ts';

eachDevice('measurePeaks', (ctx) => {
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
