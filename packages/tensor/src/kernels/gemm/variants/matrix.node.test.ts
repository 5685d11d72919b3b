import { type Defines, gemmMatrixWgsl, preprocess } from '@mudpt/shaders';
import { create } from 'webgpu';
import { expect, it } from 'vitest';
import { transpose } from '@mudpt/testing/reference/array';
import { expectClose } from '@mudpt/testing/reference/compare';
import { random } from '@mudpt/testing/reference/inputs';
import * as oracle from '@mudpt/testing/reference/matmul';
import { eachDevice } from '@mudpt/testing/support';
import { toDevice } from '@mudpt/testing/views';
import { Tuner } from '../../../engine/tuner.ts';
import { zeros } from '../../../index.ts';
import { kernel } from '../../kernel.ts';
import { checkMatrix } from '../check.ts';
import { type Plan, planProduct } from '../gemm.ts';
import { matricesOf, type Product } from '../problem/problem.ts';
import { traitsOf } from '../problem/traits.ts';
import { addVariant } from './index.ts';
import { matrix } from './matrix.ts';

addVariant(matrix);

const expand = (defines: Defines): string => preprocess(gemmMatrixWgsl, defines);

/**
 * No adapter of the test machines has subgroup matrices. Dawn's null adapter runs nothing but claims every feature, so it checks the WGSL.
 */
it('the subgroup matrix kernel is valid WGSL in every layout', async () => {
  const gpu = create(['backend=null', 'enable-dawn-features=allow_unsafe_apis']);
  const adapter = await gpu.requestAdapter();
  const features = ['shader-f16', 'subgroups', 'chromium-experimental-subgroup-matrix'];
  const device = await adapter!.requestDevice({ requiredFeatures: features as GPUFeatureName[] });
  for (const TA of ['f16', 'f32']) {
    for (const layout of [0, 1]) {
      const code = expand({ TA, SG: 128, CPU: 0, CM: 16, CN: 16, CK: 16, A_COL: layout, B_COL: 1 - layout });
      const module = device.createShaderModule({ code });
      const { messages } = await module.getCompilationInfo();
      expect(messages.filter(({ type }) => type === 'error').map(({ lineNum, message }) => `${lineNum}: ${message}`)).toEqual([]);
    }
  }
  device.destroy();
});

/** Units with a tile size that no other code assumes. */
const UNITS = { componentType: 'f32', resultComponentType: 'f32', M: 2, N: 6, K: 4 } as const;

/** The kernel for one invocation, its matrix units written out in scalars: what any adapter can run. */
function emulated(defines: Defines): string {
  const { M, N, K } = UNITS;
  // Compilers cannot know that `zero` is 0, so they do not unroll these loops, which would take minutes to compile.
  const each = (count: number, columns: number, body: string): string =>
    `for (var x = 0u; x < ${count}u + zero(); x++) { let i = x / ${columns}u; let j = x % ${columns}u; ${body} }`;
  const load = (type: string, order: string, rows: number, columns: number): string => {
    const at = order === 'row' ? 'i * stride + j' : 'j * stride + i';
    return `fn load_${type}_${order}(at: u32, stride: u32) -> ${type} {
      var value: ${type};
      ${each(rows * columns, columns, `value[x] = ${type === 'Left' ? 'a' : 'b'}[at + ${at}];`)}
      return value;
    }`;
  };
  const units = `
    alias Left = array<f32, ${M * K}>;
    alias Right = array<f32, ${K * N}>;
    alias Sum = array<f32, ${M * N}>;
    fn zero() -> u32 { return params.k >> 31u; }
    ${load('Left', 'row', M, K)} ${load('Left', 'col', M, K)} ${load('Right', 'row', K, N)} ${load('Right', 'col', K, N)}
    fn multiply(a_value: Left, b_value: Right, sum: Sum) -> Sum {
      var left = a_value;
      var right = b_value;
      var s = sum;
      for (var k = 0u; k < ${K}u + zero(); k++) { ${each(M * N, N, `s[x] = fma(left[i * ${K}u + k], right[k * ${N}u + j], s[x]);`)} }
      return s;
    }`;
  const store = `fn store_sum(at: u32, sum: Sum, stride: u32) {
      var s = sum;
      ${each(M * N, N, 'c[at + i * stride + j] = s[x];')}
    }`;
  return `${expand({ ...defines, SG: 1 })
    .replaceAll(/^(enable|alias) .*$/gm, '')
    .replaceAll(/subgroupMatrixLoad<(\w+),\s*(\w+)_major>\(&\w,\s*/g, 'load_$1_$2(')
    .replaceAll('subgroupMatrixMultiplyAccumulate', 'multiply')
    .replaceAll(/subgroupMatrixStore<row_major>\(&c,\s*/g, 'store_sum(')}
  ${units}
  ${store}`;
}

function planned(p: Product, splits: number): Plan {
  const tuner = new Tuner();
  tuner.force('gemm', 'matrix');
  tuner.force('gemm.split', String(splits));
  const traits = { ...traitsOf(p.c.tensor.device), subgroupSize: 1, subgroupMatrix: [UNITS], proven: new Set(['matrix']) };
  return planProduct(p, traits, tuner);
}

eachDevice('gemm.matrix', (ctx) => {
  it.each([
    [false, false, 1],
    [false, true, 2],
    [true, false, 1],
    [true, true, 3],
  ])('adds up the right products: a transposed %s, b transposed %s, %i splits', async (transposeA, transposeB, splits) => {
    const { device } = ctx;
    const [batch, m, n, k] = [2, 12, 24, 40];
    const [a, b] = [random([batch, m, k], 1), random([batch, k, n], 2)];
    using x = toDevice(device, transposeA ? transpose(a) : a);
    using y = toDevice(device, transposeB ? transpose(b) : b);
    using partial = zeros([splits, batch, m, n], { device });
    const [left, right] = [matricesOf(x, transposeA), matricesOf(y, transposeB)];
    const c = matricesOf(partial);
    const { sums, reduce } = planned(
      { batch: [batch], m, n, k, a: left, b: right, c: { ...c, batch: [m * n] }, epilogue: {} },
      splits,
    );
    expect(sums.tiling).toEqual({ rows: 2 * UNITS.M, columns: 2 * UNITS.N });
    expect(reduce).toBeDefined();
    const kernelOfUnits = kernel({
      name: 'gemm.matrix emulated',
      source: { file: 'emulated.wgsl', text: emulated(sums.defines), includes: [] },
    });
    const { params, grid } = sums;
    kernelOfUnits.dispatch(device, { buffers: { a: x, b: y, c: partial }, params, grid });
    const data = await partial.data();
    const size = batch * m * n;
    const sum = Array.from({ length: size }, (_, i) => {
      let value = 0;
      for (let split = 0; split < splits; split += 1) value += data[split * size + i] ?? Number.NaN;
      return value;
    });
    expectClose({ shape: [batch, m, n], data: sum }, oracle.matmul(a, b), { rel: 1e-5, abs: 2e-5 });
  });

  it('is no candidate before its gate, and where the adapter has no units its gate stays shut', async () => {
    const { device } = ctx;
    expect(traitsOf(device).proven.has(matrix.name)).toBe(false);
    expect(await checkMatrix(device)).toBe(device.adapter.subgroupMatrix.length > 0);
    expect(traitsOf(device).proven.has(matrix.name)).toBe(device.adapter.subgroupMatrix.length > 0);
  });
});
