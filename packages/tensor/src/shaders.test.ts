import { sampleVariants, variantsOf, wgsl } from '@mudpt/shaders';
import { describe, expect, it } from 'vitest';
import { eachDevice } from '@mudpt/testing/support';
import { engineOf } from './device.ts';
import { shaderKernel } from './kernels/user-kernel.ts';

eachDevice('shaders', (ctx) => {
  it.each(Object.entries(wgsl))('%s compiles in every sample variant', async (file, source) => {
    const { device } = ctx;
    const variants = sampleVariants(
      file,
      variantsOf[file as keyof typeof wgsl],
      device.subgroupSize,
      device.hasF16,
      engineOf(device).gpu.limits,
    );
    for (const defines of variants ?? []) {
      const name = `${file} ${JSON.stringify(defines)}`;
      const text = shaderKernel({ name: file, source }).expand(device, { SG: 0, ...defines });
      const entry = engineOf(device).pipelines.create(`test of ${name}`, name, text);
      await expect(entry.ready, name).resolves.toBeDefined();
    }
  });
});

describe('sample variants', () => {
  const limits = { maxComputeWorkgroupStorageSize: 0, maxStorageBuffersPerShaderStage: 8 };

  it('drops what the adapter lacks and refuses headers without a list', () => {
    const text = '// x\n// Compile: T=f32 N=4 | T=f16 | SG=on T=f32\n';
    expect(sampleVariants('a', text, 8, true, limits)).toEqual([{ T: 'f32', N: 4 }, { T: 'f16' }, { SG: 8, T: 'f32' }]);
    expect(sampleVariants('a', text, 0, false, limits)).toEqual([{ T: 'f32', N: 4 }]);
    const large = '// Compile: N=4 BYTES=32768\n';
    expect(sampleVariants('a', large, 0, false, { ...limits, maxComputeWorkgroupStorageSize: 16384 })).toEqual([]);
    expect(sampleVariants('a', large, 0, false, { ...limits, maxComputeWorkgroupStorageSize: 32768 })).toEqual([
      { N: 4, BYTES: 32768 },
    ]);
    expect(sampleVariants('a', '// Compile: N=4 BUFFERS=9 | N=5 BUFFERS=8\n', 0, false, limits)).toEqual([{ N: 5, BUFFERS: 8 }]);
    expect(sampleVariants('a', '// Include only.\n', 0, false, limits)).toBeUndefined();
    expect(() => sampleVariants('a', '// x', 0, false, limits)).toThrow(/a: its header/);
  });
});
