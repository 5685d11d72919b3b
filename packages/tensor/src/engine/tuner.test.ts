import { describe, expect, it } from 'vitest';
import { eachDevice } from '@mudpt/testing/support';
import { full, ones } from '../index.ts';
import { kernel } from '../kernels.ts';
import { Tuner } from '../internal.ts';
import { tune } from '../kernels/tune.ts';

describe('tuner', () => {
  it('prefers force, then measurement, then the family order', () => {
    const tuner = new Tuner();
    expect(tuner.choose('gemm', ['a', 'b'], 'NT')).toBe('a');
    tuner.remember('gemm', 'NT', 'b');
    expect(tuner.choose('gemm', ['a', 'b'], 'NT')).toBe('b');
    expect(tuner.choose('gemm', ['a', 'c'], 'NT')).toBe('a');
    {
      using _ = tuner.force('gemm', 'a');
      expect(tuner.choose('gemm', ['b', 'a'], 'NT')).toBe('a');
      expect(() => tuner.choose('gemm', ['b'], 'NT')).toThrow(/"a" is forced but cannot run here/);
    }
    expect(tuner.choose('gemm', ['a', 'b'], 'NT')).toBe('b');
    expect(() => tuner.choose('gemm', [], 'NT')).toThrow(/no variant/);
  });
});

eachDevice('tune', (ctx) => {
  it('leaves out a variant that the adapter refuses, the first too', async () => {
    const { device } = ctx;
    const refused = kernel({
      name: 'refused',
      source:
        '@group(0) @binding(0) var<storage, read_write> y: array<f32>; @compute @workgroup_size(1) fn main() { y[0] = nothing; }',
    });
    const [result] = await tune(device, [
      {
        family: 'made-up',
        key: 'refused',
        candidates: ['refused', 'right'],
        prepare: () => [ones([4], { device })],
        run: () => {
          const y = full([4], 1, { device });
          const isRefused = device.tuner.choose('made-up', ['refused', 'right'], 'refused') === 'refused';
          if (isRefused) refused.dispatch(device, { buffers: { y }, grid: [1] });
          return y;
        },
      },
    ]);
    expect(result?.chosen).toBe('right');
    expect(result?.ms['refused']).toBeUndefined();
    await device.settle();
  });

  it('never chooses a variant that computes something else', async () => {
    const { device } = ctx;
    const [result] = await tune(device, [
      {
        family: 'made-up',
        key: 'any',
        candidates: ['right', 'wrong'],
        prepare: () => [ones([4], { device })],
        run: () => full([4], device.tuner.choose('made-up', ['right', 'wrong'], 'any') === 'right' ? 1 : 2, { device }),
      },
    ]);
    expect(result?.chosen).toBe('right');
    expect(result?.ms['wrong']).toBeUndefined();
    expect(device.tuner.choose('made-up', ['wrong', 'right'], 'any')).toBe('right');
  });
});
