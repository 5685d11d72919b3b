import { describe, expect, it } from 'vitest';
import { BLOCK_NAMES } from './blocks.ts';
import { candidates, keyOf, splitsFor } from './candidates.ts';
import { accessOf, type Facts, loadModes, storesVectors, type Tiling, tilingOf } from './plan.ts';
import { normalize, type Operand, type Product } from './problem.ts';
import { chooseSplits, chunkOf, exactSplits } from './splits.ts';

/** A CPU adapter of 8 lanes with WebGPU's default limits. */
const CPU: Facts = { cpu: true, subgroupSize: 8, workgroupBytes: 16384, invocations: 256, matrix: false };
/** A large GPU. */
const GPU: Facts = { cpu: false, subgroupSize: 32, workgroupBytes: 49152, invocations: 1024, matrix: false };

/** Operands without memory: plans look at geometry only. */
const operand = (row: number, col: number, batch: readonly number[] = [], offset = 0): Operand =>
  ({ row, col, batch, offset }) as unknown as Operand;
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
    expect(loadModes(product({}))).toEqual({ VA: 'k', VB: 'n' });
    expect(loadModes(product({ a: operand(1, 16), b: operand(1, 12) }))).toEqual({ VA: 'm', VB: 'k' });
    expect(loadModes(product({ a: operand(13, 1), b: operand(8, 2) }))).toEqual({ VA: 's', VB: 's' });
    expect(loadModes(product({ a: operand(12, 1, [], 2), b: operand(8, 1, [6]) }))).toEqual({ VA: 's', VB: 's' });
    expect(loadModes(product({ m: 1, a: operand(13, 1) })).VA).toBe('k');
    expect(storesVectors(product({}))).toBe(true);
    expect(storesVectors(product({ n: 7 }))).toBe(false);
  });

  it('prefers what suits the adapter and offers what runs on it', () => {
    const high = product({ m: 64 });
    expect(candidates(high, CPU)[0]).toBe('broadcast');
    expect(candidates(high, { ...CPU, subgroupSize: 0 })).toEqual(['plain', 'tile', 'dot', ...BLOCK_NAMES]);
    expect(candidates(high, { ...CPU, invocations: 128 }).filter((name) => /128x128|wide/.test(name))).toEqual([]);
    expect(candidates(high, { ...CPU, workgroupBytes: 8192 }).filter((name) => /128/.test(name))).toEqual([]);
    expect(candidates(product({ m: 2 }), GPU)[0]).toBe('dot');
    expect(candidates(high, { ...GPU, matrix: true })[0]).toBe('matrix');
    expect(new Set(candidates(high, GPU))).toEqual(new Set(['tile', 'plain', 'dot', 'broadcast', ...BLOCK_NAMES]));
    const tile = (changes: Partial<Product>, subgroupSize: number, cpu = true): Tiling =>
      tilingOf('broadcast', product(changes), { ...CPU, cpu, subgroupSize });
    expect(tile({ m: 4 }, 8)).toMatchObject({ rows: 4, columns: 32 });
    expect(tile({ m: 5 }, 8)).toMatchObject({ rows: 96, columns: 32 });
    expect(tile({ m: 197 }, 8)).toMatchObject({ rows: 96, columns: 32 });
    expect(tile({ m: 5 }, 32)).toMatchObject({ rows: 64, columns: 128 });
    expect(tile({ m: 192 }, 4)).toMatchObject({ rows: 64, columns: 32 });
  });

  it('serves what is small and not aligned, or merely lies otherwise, with the same pipelines on CPU adapters of 8 lanes', () => {
    const facts = CPU;
    const odd = product({ n: 7, c: operand(7, 1) });
    expect(tilingOf('broadcast', odd, facts).rows).toBe(4);
    expect(tilingOf('broadcast', { ...odd, m: 1000, n: 1001 }, facts).rows).toBe(96);
    expect(tilingOf('broadcast', odd, { ...facts, cpu: false }).rows).toBe(96);
    expect(tilingOf('broadcast', odd, { ...facts, subgroupSize: 4 }).rows).toBe(64);
    const columns = product({ b: operand(1, 12) });
    expect(accessOf('broadcast', product({}), facts)).toEqual({ VA: 'k', VB: 'v', TAIL: 0, VC: 1 });
    expect(accessOf('broadcast', columns, facts)).toEqual(accessOf('broadcast', product({}), facts));
    expect(accessOf('broadcast', odd, facts)).toEqual(accessOf('broadcast', product({ m: 3 }), facts));
    for (const strict of [
      { ...facts, cpu: false },
      { ...facts, subgroupSize: 4 },
    ])
      expect(accessOf('broadcast', columns, strict)).toEqual({ VA: 'k', VB: 'k', TAIL: 0, VC: 1 });
  });

  it('has two buffers of workgroup memory where the limit allows', () => {
    const buffers = (workgroupBytes: number) =>
      tilingOf('block128x128', product({}), { ...GPU, workgroupBytes }).defines['BUFFERS'];
    expect([buffers(16384), buffers(32767), buffers(32768)]).toEqual([1, 1, 2]);
  });

  it('fills a GPU: large tiles when they are many, else smaller ones or splits of k', () => {
    const of = (m: number, n: number, k: number): Product =>
      product({ m, n, k, a: operand(k, 1), b: operand(1, k), c: operand(n, 1) });
    const groups = (p: Product): number => {
      const [variant] = candidates(p, GPU);
      if (!variant) throw new Error('no candidate');
      const { rows, columns } = tilingOf(variant, p, GPU);
      const tiles = Math.ceil(p.m / rows) * Math.ceil(p.n / columns);
      return tiles * splitsFor(variant, p, tiles, GPU, undefined);
    };
    expect(candidates(of(8224, 4096, 1024), GPU)[0]).toBe('block128x128');
    for (const [m, n, k] of [
      [197, 768, 768],
      [788, 768, 3072],
      [1024, 1024, 1024],
      [40, 768, 768],
    ] as const)
      expect(groups(of(m, n, k)), `${m} x ${n} x ${k}`).toBeGreaterThanOrEqual(100);
    // Without k to split a product of one tile stays one dispatch.
    expect(splitsFor('block32x32', of(32, 32, 64), 1, GPU, undefined)).toBe(1);
    expect(splitsFor('block32x32', of(32, 32, 64), 1, GPU, 3)).toBe(3);
  });

  it('tells the tuner classes: three sizes on CPU adapters, tiles and length of k on GPUs', () => {
    const of = (m: number, n: number, k: number): Product => product({ m, n, k, a: operand(k, 1), b: operand(1, k) });
    expect([keyOf(of(2, 768, 768), CPU), keyOf(of(64, 64, 8), CPU), keyOf(of(788, 768, 768), CPU)]).toEqual([
      'kk/few',
      'kk/small',
      'kk/large',
    ]);
    expect(keyOf(of(2, 768, 768), GPU)).toBe('kk/few/t16/k1024');
    expect(keyOf(of(16, 768, 512), GPU)).toBe('kk/flat/t16/k512');
    expect(keyOf(of(788, 768, 3072), GPU)).toBe('kk/tall/t128/k2048');
    expect(keyOf(of(6304, 3072, 768), GPU)).toBe(keyOf(of(8224, 4096, 1024), GPU));
    expect(keyOf(of(197, 768, 768), GPU)).not.toBe(keyOf(of(788, 768, 768), GPU));
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
