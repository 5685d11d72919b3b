import { preprocess, wgsl } from '@mudpt/shaders';
import { create } from 'webgpu';
import { expect, it } from 'vitest';

/**
 * No adapter of the test machines has subgroup matrices. Dawn's null adapter runs nothing but claims every feature, so it checks the WGSL.
 */
it('the subgroup matrix kernel is valid WGSL in every layout', async () => {
  const gpu = create(['backend=null', 'enable-dawn-features=allow_unsafe_apis']);
  const adapter = await gpu.requestAdapter();
  const features = ['shader-f16', 'subgroups', 'chromium-experimental-subgroup-matrix'];
  const device = await adapter!.requestDevice({ requiredFeatures: features as GPUFeatureName[] });
  for (const T of ['f16', 'f32']) {
    for (const layout of [0, 1]) {
      const defines = { T, SG: 128, CM: 16, CN: 16, CK: 16, A_COL: layout, B_COL: 1 - layout };
      const code = preprocess('gemm/matrix.wgsl', wgsl['gemm/matrix.wgsl'], defines);
      const module = device.createShaderModule({ code });
      const { messages } = await module.getCompilationInfo();
      expect(messages.filter(({ type }) => type === 'error').map(({ lineNum, message }) => `${lineNum}: ${message}`)).toEqual([]);
    }
  }
  device.destroy();
});
