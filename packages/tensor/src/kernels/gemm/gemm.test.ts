import { describe, expect, it } from 'vitest';
import type { Tensor } from '../../tensor.ts';
import { Tuner } from '../../engine/tuner.ts';
import { exactAccess } from './problem/access.ts';
import { candidatesFor, chooseSplits, exactSplits, splitsOf, tuningKey } from './choices.ts';
import { chunkOf } from './problem/estimate.ts';
import { explainPlan } from './explain.ts';
import { type Plan, planProduct } from './gemm.ts';
import { normalize } from './problem/normal-form.ts';
import type { Operand, Product } from './problem/problem.ts';
import type { DeviceTraits } from './problem/traits.ts';
import { addVariant, GEMM_VARIANTS, type GemmVariant } from './variants/index.ts';
import { MATRIX_VARIANTS } from './variants/matrix.ts';

/** A CPU adapter with subgroups of 8 and WebGPU's default limits. */
const CPU: DeviceTraits = {
  cpu: true,
  subgroupSize: 8,
  workgroupBytes: 16384,
  invocations: 256,
  subgroupMatrix: [],
  proven: new Set(),
};
/** A large GPU. */
const GPU: DeviceTraits = { ...CPU, cpu: false, subgroupSize: 32, workgroupBytes: 49152, invocations: 1024 };
const UNITS = { componentType: 'f16', resultComponentType: 'f32', M: 16, N: 16, K: 16 } as const;
/** A GPU whose subgroup matrix units have passed their check. */
const MATRIX_GPU: DeviceTraits = { ...GPU, subgroupMatrix: [UNITS], proven: new Set(MATRIX_VARIANTS.map(({ name }) => name)) };

for (const variant of MATRIX_VARIANTS) addVariant(variant);

/** A plan with what tests force. */
function plan(p: Product, traits: DeviceTraits, forced: Readonly<Record<string, string>> = {}): Plan {
  const tuner = new Tuner();
  for (const [family, variant] of Object.entries(forced)) tuner.force(family, variant);
  return planProduct(p, traits, tuner);
}

function variantOf(name: string): GemmVariant {
  const found = GEMM_VARIANTS.find((variant) => variant.name === name);
  if (!found) throw new Error(`no variant ${name}`);
  return found;
}

const names = (p: Product, traits: DeviceTraits): string[] => candidatesFor(p, traits).map(({ name }) => name);

/** Operands without memory: plans look at geometry and dtype only. */
const operand = (row: number, col: number, batch: readonly number[] = [], offset = 0, dtype = 'f32'): Operand => ({
  row,
  col,
  batch,
  offset,
  tensor: { dtype } as Tensor,
});
const product = (changes: Partial<Product>): Product => ({
  batch: [],
  m: 16,
  n: 8,
  k: 12,
  a: operand(12, 1),
  b: operand(8, 1),
  c: operand(8, 1),
  epilogue: {},
  ...changes,
});

describe('normal form', () => {
  it('makes one product of [B, T, C] x [C, N]', () => {
    const p = normalize(
      product({ batch: [3, 5], m: 7, a: operand(12, 1, [420, 84]), b: operand(8, 1, [0, 0]), c: operand(8, 1, [280, 56]) }),
    );
    expect([p.batch, p.m, p.a.row, p.c.row]).toEqual([[], 105, 12, 8]);
  });

  it('keeps batches whose rows do not follow each other, and those with a bias along the rows', () => {
    const gaps = product({ batch: [3], m: 7, a: operand(12, 1, [100]), b: operand(8, 1, [0]), c: operand(8, 1, [56]) });
    expect(normalize(gaps).batch).toEqual([3]);
    const bias = { tensor: gaps.a.tensor, offset: 0, row: 1, col: 0 };
    const rows = product({
      batch: [3],
      m: 7,
      a: operand(12, 1, [84]),
      b: operand(8, 1, [0]),
      c: operand(8, 1, [56]),
      epilogue: { bias },
    });
    expect(normalize(rows).batch).toEqual([3]);
  });

  it('exchanges the operands of a product with few columns, bias included', () => {
    const bias = { tensor: operand(0, 0).tensor, offset: 2, row: 0, col: 1 };
    const p = normalize(product({ m: 100, n: 2, b: operand(2, 1), c: operand(2, 1), epilogue: { bias } }));
    expect([p.m, p.n, p.a.row, p.a.col, p.b.row, p.b.col, p.c.row, p.c.col]).toEqual([2, 100, 1, 2, 1, 12, 1, 2]);
    expect(p.epilogue.bias).toEqual({ ...bias, row: 1, col: 0 });
  });
});

describe('plan', () => {
  it('reads vectors where strides and offsets allow', () => {
    expect(exactAccess(product({}))).toEqual({ VA: 'k', VB: 'n', TAIL: 0, VC: 1 });
    expect(exactAccess(product({ a: operand(1, 16), b: operand(1, 12) }))).toMatchObject({ VA: 'm', VB: 'k' });
    expect(exactAccess(product({ a: operand(13, 1), b: operand(8, 2) }))).toMatchObject({ VA: 's', VB: 's' });
    expect(exactAccess(product({ a: operand(12, 1, [], 2), b: operand(8, 1, [6]) }))).toMatchObject({ VA: 's', VB: 's' });
    expect(exactAccess(product({ m: 1, a: operand(13, 1) })).VA).toBe('k');
    expect(exactAccess(product({ n: 7, k: 13 }))).toMatchObject({ VC: 0, TAIL: 1 });
  });

  it('prefers what suits the adapter and offers what runs on it', () => {
    const high = product({ m: 64 });
    expect(new Set(GEMM_VARIANTS.map(({ name }) => name)).size).toBe(GEMM_VARIANTS.length);
    expect(names(high, CPU)[0]).toBe('broadcast');
    const everywhere = GEMM_VARIANTS.filter((variant) => variant !== variantOf('broadcast') && !variant.provenBy);
    expect(names(high, { ...CPU, subgroupSize: 0 })).toEqual(everywhere.map(({ name }) => name));
    expect(names(high, { ...CPU, invocations: 128 }).filter((name) => /128x128|wide/.test(name))).toEqual([]);
    expect(names(high, { ...CPU, workgroupBytes: 8192 }).filter((name) => /128/.test(name))).toEqual([]);
    expect(names(product({ m: 2 }), GPU)[0]).toBe('dot');
    expect(names(high, GPU).sort()).toEqual(['broadcast', ...everywhere.map(({ name }) => name)].sort());
  });

  /** [m, k] x [n, k]^T in f16. */
  const halves = (m: number, n: number, k: number): Product =>
    product({ m, n, k, a: operand(k, 1, [], 0, 'f16'), b: operand(1, k, [], 0, 'f16'), c: operand(n, 1, [], 0, 'f16') });

  it('gives f16 products to proven matrix units, in tiles that fill the GPU, and finishes them in the same dispatch', () => {
    const of = plan(halves(6304, 2304, 768), MATRIX_GPU);
    expect([of.variant.name, of.reduce, of.sums.grid]).toEqual(['matrix128x128', undefined, [900, 1]]);
    expect(of.sums.defines).toMatchObject({
      CM: 16,
      CN: 16,
      CK: 16,
      SM: 2,
      SN: 4,
      BUFFERS: 2,
      HELD: 1,
      A_COL: 0,
      B_COL: 1,
      TC: 'f16',
    });
    expect(
      names(halves(788, 768, 3072), MATRIX_GPU)
        .slice(0, 3)
        .every((name) => name.startsWith('matrix')),
    ).toBe(true);
    expect(plan(halves(788, 768, 3072), MATRIX_GPU).splits).toBeGreaterThan(1);
    expect(tuningKey(halves(788, 768, 768), MATRIX_GPU)).toBe('kk/tall/t128/k1024/units-f16');
    expect(tuningKey(halves(788, 768, 768), GPU)).toBe('kk/tall/t128/k1024');
  });

  it('takes matrix units only where they are proven and fit', () => {
    const p = halves(128, 128, 64);
    const isCandidate = (other: Product, traits: DeviceTraits): boolean =>
      names(other, traits).some((name) => name.startsWith('matrix'));
    expect(isCandidate(p, MATRIX_GPU)).toBe(true);
    const transposed = { ...p, a: { ...p.a, row: 1, col: 128 }, b: { ...p.b, row: 128, col: 1 }, k: 67 };
    expect(isCandidate(transposed, MATRIX_GPU)).toBe(true);
    expect(isCandidate({ ...p, m: 67, n: 35 }, MATRIX_GPU)).toBe(true);
    for (const traits of [
      { ...MATRIX_GPU, proven: new Set<string>() },
      { ...MATRIX_GPU, subgroupMatrix: [] },
      { ...MATRIX_GPU, subgroupMatrix: [{ ...UNITS, M: 256 }] },
      { ...MATRIX_GPU, subgroupMatrix: [{ ...UNITS, K: 4 }] },
      { ...MATRIX_GPU, subgroupMatrix: [{ ...UNITS, componentType: 'f32' }] },
      { ...MATRIX_GPU, subgroupSize: 0 },
      { ...MATRIX_GPU, workgroupBytes: 8192 },
      { ...MATRIX_GPU, invocations: 64 },
    ])
      expect(isCandidate(p, traits)).toBe(false);
    const f32 = operand(64, 1);
    for (const other of [
      { ...p, a: f32 },
      { ...p, a: { ...p.a, row: 68 } },
      { ...p, a: { ...p.a, offset: 4 } },
      { ...p, b: { ...p.b, col: 2, row: 256 } },
      { ...p, k: 60 },
    ])
      expect(isCandidate(other, MATRIX_GPU)).toBe(false);
  });

  it('has two heights of the tile of broadcasts', () => {
    const tile = (changes: Partial<Product>, subgroupSize: number, cpu = true) =>
      plan(product(changes), { ...CPU, cpu, subgroupSize }, { gemm: 'broadcast' }).sums.tiling;
    expect(tile({ m: 4 }, 8)).toEqual({ rows: 4, columns: 32 });
    expect(tile({ m: 5 }, 8)).toEqual({ rows: 96, columns: 32 });
    expect(tile({ m: 197 }, 8)).toEqual({ rows: 96, columns: 32 });
    expect(tile({ m: 5 }, 32)).toEqual({ rows: 64, columns: 128 });
    expect(tile({ m: 192 }, 4)).toEqual({ rows: 64, columns: 32 });
  });

  it('serves what is small and not aligned, or merely lies otherwise, with the same pipelines on CPU adapters of 8 lanes', () => {
    const of = (p: Product, traits: DeviceTraits) => plan(p, traits, { gemm: 'broadcast' }).sums;
    const odd = product({ n: 7, c: operand(7, 1) });
    expect(of(odd, CPU).tiling.rows).toBe(4);
    expect(of({ ...odd, m: 1000, n: 1001 }, CPU).tiling.rows).toBe(96);
    expect(of(odd, { ...CPU, cpu: false }).tiling.rows).toBe(96);
    expect(of(odd, { ...CPU, subgroupSize: 4 }).tiling.rows).toBe(64);
    const columns = product({ b: operand(1, 12) });
    expect(of(product({}), CPU).access).toEqual({ VA: 'k', VB: 'v', TAIL: 0, VC: 1 });
    expect(of(columns, CPU).defines).toEqual(of(product({}), CPU).defines);
    expect(of(odd, CPU).defines).toEqual(of(product({ m: 3 }), CPU).defines);
    for (const strict of [
      { ...CPU, cpu: false },
      { ...CPU, subgroupSize: 4 },
    ])
      expect(of(columns, strict).access).toEqual({ VA: 'k', VB: 'k', TAIL: 0, VC: 1 });
  });

  it('can be read', () => {
    const bias = { tensor: operand(0, 0).tensor, offset: 0, row: 0, col: 1 };
    const p = product({ m: 197, n: 768, k: 768, a: operand(768, 1), b: operand(1, 768), c: operand(768, 1) });
    expect(explainPlan(plan({ ...p, epilogue: { bias, activation: 'quickGelu' } }, CPU))).toBe(
      [
        'product   197 x 768, k = 768, f32 x f32 -> f32, class kk/large',
        'variant   broadcast: tiles of 96 x 32, 72 x 1 workgroups',
        'reads     a vec4 along k, b vec4 along k or n',
        'sums      k in one, the result as vec4',
        'epilogue  bias along columns, quickGelu',
      ].join('\n'),
    );
    const narrow = product({ batch: [2], m: 5, n: 7, k: 301, a: operand(301, 1, [1505]), b: operand(7, 1, [2107]) });
    expect(explainPlan(plan({ ...narrow, c: operand(7, 1, [35]) }, GPU, { gemm: 'plain', 'gemm.split': '3' }))).toBe(
      [
        'product   [2] x 5 x 7, k = 301, f32 x f32 -> f32, class ss/flat/t2/k256',
        'variant   plain: tiles of 32 x 32, 6 x 1 workgroups',
        'reads     a scalars, b scalars, guarded at the end of k',
        'sums      k in 3 parts of 112, partial sums as scalars',
        'epilogue  none, in gemm.reduce: 1 x 1 workgroups',
      ].join('\n'),
    );
  });

  it('has two buffers of workgroup memory where the limit allows', () => {
    const buffers = (workgroupBytes: number) =>
      plan(product({}), { ...GPU, workgroupBytes }, { gemm: 'block128x128' }).sums.defines['BUFFERS'];
    expect([buffers(16384), buffers(32767), buffers(32768)]).toEqual([1, 1, 2]);
  });

  it('fills a GPU: large tiles when they are many, else smaller ones or splits of k', () => {
    const of = (m: number, n: number, k: number): Product =>
      product({ m, n, k, a: operand(k, 1), b: operand(1, k), c: operand(n, 1) });
    const groups = (p: Product): number => plan(p, GPU).sums.grid.reduce((product, size) => product * size, 1);
    expect(names(of(8224, 4096, 1024), GPU)[0]).toBe('block128x128');
    for (const [m, n, k] of [
      [197, 768, 768],
      [788, 768, 3072],
      [1024, 1024, 1024],
      [40, 768, 768],
    ] as const)
      expect(groups(of(m, n, k)), `${m} x ${n} x ${k}`).toBeGreaterThanOrEqual(100);
    // Without k to split a product of one tile stays one dispatch.
    expect(splitsOf(variantOf('block32x32'), of(32, 32, 64), GPU)).toBe(1);
    expect(splitsOf(variantOf('block32x32'), of(32, 32, 64), GPU, 3)).toBe(3);
  });

  it('tells the tuner classes: three sizes on CPU adapters, tiles and length of k on GPUs', () => {
    const of = (m: number, n: number, k: number): Product => product({ m, n, k, a: operand(k, 1), b: operand(1, k) });
    expect([tuningKey(of(2, 768, 768), CPU), tuningKey(of(64, 64, 8), CPU), tuningKey(of(788, 768, 768), CPU)]).toEqual([
      'kk/few',
      'kk/small',
      'kk/large',
    ]);
    expect(tuningKey(of(2, 768, 768), GPU)).toBe('kk/few/t16/k1024');
    expect(tuningKey(of(16, 768, 512), GPU)).toBe('kk/flat/t16/k512');
    expect(tuningKey(of(788, 768, 3072), GPU)).toBe('kk/tall/t128/k2048');
    expect(tuningKey(of(6304, 3072, 768), GPU)).toBe(tuningKey(of(8224, 4096, 1024), GPU));
    expect(tuningKey(of(197, 768, 768), GPU)).not.toBe(tuningKey(of(788, 768, 768), GPU));
  });

  it('splits k only when tiles are few and k is long, in chunks that cover it', () => {
    expect(chooseSplits(1, 100, true, undefined)).toBe(1);
    expect(chooseSplits(100, 10000, true, undefined)).toBe(1);
    expect(chooseSplits(1, 10000, true, undefined)).toBe(8);
    expect(chooseSplits(1, 10, true, 3)).toBe(1);
    expect([
      exactSplits(10_000, 1),
      exactSplits(100_000, 1),
      exactSplits(100_000, 2 ** 20),
      exactSplits(100_000, 2 ** 30),
    ]).toEqual([1, 98, 16, 1]);
    for (const [k, splits] of [
      [0, 1],
      [5, 1],
      [301, 3],
      [1000, 7],
    ] as const) {
      expect(chunkOf(k, splits) % 16).toBe(0);
      expect(chunkOf(k, splits) * splits).toBeGreaterThanOrEqual(k);
    }
  });
});
