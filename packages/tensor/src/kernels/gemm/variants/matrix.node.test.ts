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
import { type Tensor, zeros } from '../../../index.ts';
import { kernel } from '../../kernel.ts';
import { checkMatrix } from '../check.ts';
import { type Plan, planProduct } from '../gemm.ts';
import { matricesOf, type Product } from '../problem/problem.ts';
import { traitsOf } from '../problem/traits.ts';
import { addVariant, type GemmVariant } from './index.ts';
import { matrix, MATRIX_VARIANTS } from './matrix.ts';

/** Units of a shape that no other code assumes. */
const UNITS = { componentType: 'f32', resultComponentType: 'f32', M: 4, N: 8, K: 4 } as const;
const SMALL = matrix('matrix small', { rows: 16, columns: 32, down: 2, across: 2, steps: 8, efficiency: 1 });
const WIDE = matrix('matrix wide', { rows: 4, columns: 32, down: 1, across: 2, steps: 16, efficiency: 1 });
for (const variant of [...MATRIX_VARIANTS, SMALL, WIDE]) addVariant(variant);

const expand = (defines: Defines): string => preprocess(gemmMatrixWgsl, defines);

/**
 * No adapter of the test machines has subgroup matrices. Dawn's null adapter runs nothing but claims every feature, so it checks the WGSL.
 */
it('the subgroup matrix kernel is valid WGSL in every layout', async () => {
  const gpu = create(['backend=null', 'enable-dawn-features=allow_unsafe_apis']);
  const adapter = await gpu.requestAdapter();
  const features = ['shader-f16', 'subgroups', 'chromium-experimental-subgroup-matrix'];
  const device = await adapter!.requestDevice({ requiredFeatures: features as GPUFeatureName[] });
  const tile = { BM: 64, BN: 128, BK: 32, SM: 2, SN: 4, HELD: 2 };
  const epilogue = { TC: 'f16', TBIAS: 'f32', TPRE: 'f16', VC: 1, BIAS: 1, ACT: 'quickGelu', SAVE: 1, GRAD: 0, RES: 1, CPU: 0 };
  for (const TA of ['f16', 'f32']) {
    for (const layout of [0, 1]) {
      const layouts = { A_COL: layout, B_COL: 1 - layout };
      const code = expand({ TA, SG: 32, CM: 16, CN: 16, CK: 16, BUFFERS: 1 + layout, ...layouts, ...tile, ...epilogue });
      const module = device.createShaderModule({ code });
      const { messages } = await module.getCompilationInfo();
      expect(messages.filter(({ type }) => type === 'error').map(({ lineNum, message }) => `${lineNum}: ${message}`)).toEqual([]);
    }
  }
  device.destroy();
});

/** The kernel with subgroups of one invocation, its matrix units written out in scalars: what any adapter can run. */
function emulated(defines: Defines): string {
  const { M, N, K } = UNITS;
  // Compilers cannot know that `zero` is 0, so they do not unroll these loops, which would take minutes to compile.
  const each = (count: number, columns: number, body: string): string =>
    `for (var x = 0u; x < ${count}u + zero(); x++) { let i = x / ${columns}u; let j = x % ${columns}u; ${body} }`;
  const load = (type: string, from: string, order: string, rows: number, columns: number): string => {
    const at = order === 'row' ? 'i * stride * 4u + j' : 'j * stride * 4u + i';
    return `fn load_${type}_${order}_${from}(at: u32, stride: u32) -> ${type} {
      var value: ${type};
      ${each(rows * columns, columns, `let p = at * 4u + ${at}; value[x] = bitcast<f32>(${from}[p / 4u][p % 4u]);`)}
      return value;
    }`;
  };
  const loads = ['row', 'col'].flatMap((order) => [load('Left', 'a_block', order, M, K), load('Right', 'b_block', order, K, N)]);
  const units = `
    alias Left = array<f32, ${M * K}>;
    alias Right = array<f32, ${K * N}>;
    alias Sum = array<f32, ${M * N}>;
    fn zero() -> u32 { return params.k >> 31u; }
    ${loads.join('\n')}
    fn multiply(a_value: Left, b_value: Right, sum: Sum) -> Sum {
      var left = a_value;
      var right = b_value;
      var s = sum;
      for (var k = 0u; k < ${K}u + zero(); k++) { ${each(M * N, N, `s[x] = fma(left[i * ${K}u + k], right[k * ${N}u + j], s[x]);`)} }
      return s;
    }
    fn store_sum(at: u32, sum: Sum, stride: u32) {
      var s = sum;
      ${each(M * N, N, 'results[at + i * stride + j / 4u][j % 4u] = s[x];')}
    }`;
  return `${expand({ ...defines, SG: 1 })
    .replaceAll(/^(enable|alias) .*$/gm, '')
    .replace(/,\s*@builtin\(subgroup_id\)[^{]*\{/, ') { let subgroup = local; let lane = 0u;')
    .replaceAll(/subgroupMatrixLoad<(\w+),\s*(\w+)_major>\(&(\w+),\s*/g, 'load_$1_$2_$3(')
    .replaceAll('subgroupMatrixMultiplyAccumulate', 'multiply')
    .replaceAll(/subgroupMatrixStore<row_major>\(&results,\s*/g, 'store_sum(')}
  ${units}`;
}

/** Workgroup memory for one block of each operand, but not for two. */
const LITTLE = 4096;

function planned(p: Product, variant: GemmVariant, splits: number, workgroupBytes = 16384): Plan {
  const tuner = new Tuner();
  tuner.force('gemm', variant.name);
  tuner.force('gemm.split', String(splits));
  const proven = new Set([variant.name]);
  const traits = { ...traitsOf(p.c.tensor.device), subgroupSize: 1, subgroupMatrix: [UNITS], proven, workgroupBytes };
  return planProduct(p, traits, tuner);
}

/** Records what `sums` would, by the kernel written out. */
function dispatchEmulated({ sums }: Plan, c: Tensor): void {
  const source = { file: 'emulated.wgsl', text: emulated(sums.defines), includes: [] };
  const { params, grid } = sums;
  kernel({ name: 'gemm.matrix emulated', source }).dispatch(c.device, { buffers: { ...sums.buffers, c }, params, grid });
}

type Case = {
  readonly variant: GemmVariant;
  readonly size: readonly [m: number, n: number, k: number];
  readonly transposeA?: true;
  readonly transposeB?: true;
  readonly workgroupBytes?: number;
};

eachDevice('gemm.matrix', (ctx) => {
  it.each<Case>([
    { variant: SMALL, size: [16, 32, 8], transposeB: true },
    { variant: SMALL, size: [23, 36, 40], transposeB: true },
    { variant: SMALL, size: [23, 36, 12] },
    { variant: SMALL, size: [20, 44, 37], transposeA: true },
    { variant: SMALL, size: [20, 37, 36], transposeA: true, transposeB: true },
    { variant: WIDE, size: [7, 36, 20], transposeB: true, workgroupBytes: LITTLE },
  ])(
    'finishes the right sums: $variant.name, $size',
    async ({ variant, size: [m, n, k], transposeA = false, transposeB = false, workgroupBytes }) => {
      const { device } = ctx;
      const batch = 2;
      const [a, b, r] = [random([batch, m, k], 1), random([batch, k, n], 2), random([batch, m, n], 3)];
      const [bias] = [random([n], 4)];
      using x = toDevice(device, transposeA ? transpose(a) : a);
      using y = toDevice(device, transposeB ? transpose(b) : b);
      using residual = toDevice(device, r);
      using added = toDevice(device, bias);
      using c = zeros([batch, m, n], { device });
      const [left, right] = [matricesOf(x, transposeA), matricesOf(y, transposeB)];
      const epilogue = { bias: { tensor: added, offset: 0, row: 0, col: 1 }, residual, alpha: 0.5, activation: 'relu' } as const;
      const p = { batch: [batch], m, n, k, a: left, b: right, c: matricesOf(c), epilogue };
      const plan = planned(p, variant, 1, workgroupBytes);
      expect(plan.reduce).toBeUndefined();
      expect(plan.sums.defines).toMatchObject({ CM: 4, CN: 8, CK: 4, BUFFERS: workgroupBytes ? 1 : 2 });
      dispatchEmulated(plan, c);
      const expected = oracle.matmul(a, b);
      const data = expected.data.map((sum, i) => Math.max(0, sum / 2 + bias.data[i % n]!) + r.data[i]!);
      expectClose({ shape: c.shape, data: await c.data() }, { ...expected, data }, { rel: 1e-5, abs: 2e-5 });
    },
  );

  it('leaves partial sums of a product that is split along k', async () => {
    const { device } = ctx;
    const [m, n, k, splits] = [20, 40, 96, 3];
    const [a, b] = [random([m, k], 1), random([k, n], 2)];
    using x = toDevice(device, a);
    using y = toDevice(device, b);
    using partial = zeros([splits, m, n], { device });
    using c = zeros([m, n], { device });
    const p = { batch: [], m, n, k, a: matricesOf(x), b: matricesOf(y), c: matricesOf(c), epilogue: {} };
    const plan = planned(p, SMALL, splits);
    expect(plan.reduce).toBeDefined();
    dispatchEmulated(plan, partial);
    const data = await partial.data();
    const sum = Array.from({ length: m * n }, (_, i) => data[i]! + data[i + m * n]! + data[i + 2 * m * n]!);
    expectClose({ shape: [m, n], data: sum }, oracle.matmul(a, b), { rel: 1e-5, abs: 2e-5 });
  });

  it('is no candidate before its gate, and where the adapter has no units its gate stays shut', async () => {
    const { device } = ctx;
    const isProven = (): boolean => MATRIX_VARIANTS.some(({ name }) => traitsOf(device).proven.has(name));
    expect(isProven()).toBe(false);
    expect(await checkMatrix(device)).toBe(device.adapter.subgroupMatrix.length > 0);
    expect(isProven()).toBe(device.adapter.subgroupMatrix.length > 0);
  });
});
