import { describe, expect, it } from 'vitest';
import { permute, type Ref, ref, transpose } from '@mudpt/testing/reference/array';
import { expectClose, expectNormClose } from '@mudpt/testing/reference/compare';
import { random } from '@mudpt/testing/reference/inputs';
import * as oracle from '@mudpt/testing/reference/matmul';
import { applyView, batchPairs, matmulSizes, type ViewRecipe } from '@mudpt/testing/shapes';
import { eachDevice, hasDefaultLimits } from '@mudpt/testing/support';
import { toDevice, viewOf } from '@mudpt/testing/views';
import { checkMatrix, GEMM_VARIANTS, gemmTuning, type GemmVariant, gemmVariantsFor, tune } from '../../internal.ts';
import { type Device, matmul, tensor } from '../../index.ts';
import { view } from '../../kernels.ts';

/** All but those with a numeric gate, which take only some products: what these compute is in kernels/gemm/variants/matrix.node.test.ts. */
const TESTED = GEMM_VARIANTS.filter(({ provenBy }) => !provenBy);
/** Above the work for which unaligned products may take another tile. */
const LARGE_UNEVEN: typeof matmulSizes = [
  [131, 257, 137],
  [132, 258, 140],
];

type Size = readonly [m: number, k: number, n: number];
type Transposes = readonly [transposeA: boolean, transposeB: boolean];

/** Kernels with barriers and many registers: CPU adapters compile each of their pipelines for a second or more. */
const isSlow = (device: Device, { name, madeFor }: GemmVariant): boolean =>
  device.adapter.kind !== 'gpu' && (madeFor === 'gpu' || name === 'tile');

/** Sizes for a variant. Those made for GPUs take one of each kind: more than one tile and one block in every direction, aligned and not. */
function sizesFor(device: Device, variant: GemmVariant): readonly Size[] {
  const { name, madeFor } = variant;
  const uneven: readonly Size[] = [madeFor === 'gpu' ? [131, 69, 133] : [65, 63, 66]];
  // All that the default limits change is the number of buffers.
  if (isSlow(device, variant) && hasDefaultLimits) return uneven;
  if (madeFor === 'gpu') return [[132, 68, 196], ...uneven];
  if (name === 'tile') return [[4, 0, 4], [64, 64, 64], ...uneven, [3, 129, 257]];
  if (name === 'dot') return [[3, 0, 4], [1, 17, 1], [64, 64, 64], ...uneven, [3, 129, 257]];
  return [...matmulSizes, [197, 12, 36], ...(name === 'broadcast' ? LARGE_UNEVEN : [])];
}

const TURNED: Transposes = [true, true];
const ALL_FOUR: readonly Transposes[] = [[false, false], [false, true], [true, false], TURNED];

/**
 * Which operands a size is multiplied as. Unaligned ones share a pipeline; aligned ones have one for each of the four, in which each operand is loaded by
 * code of its own: of slow kernels those that the batches below do not have.
 */
function transposesFor(device: Device, variant: GemmVariant, size: Size): readonly Transposes[] {
  return isSlow(device, variant) && size.every((extent) => extent % 4 === 0) ? [TURNED] : ALL_FOUR;
}

/** Values that f16 has exactly. */
const HALF_A = random([20, 300], 20, { round: 'f16' });
const HALF_B = random([300, 36], 21, { round: 'f16' });

/** Sums of k products of order 1 in f32: the bound grows with the root of k, not with the single result. */
const close = { rel: 1e-5, abs: 2e-5 };

const canRun = (device: Device, variant: GemmVariant): boolean => gemmVariantsFor(device, [8, 8, 8]).includes(variant);

/** Forces `variant`, or skips the test where it cannot run. */
function force(device: Device, variant: GemmVariant, skip: (condition: boolean, note: string) => void): Disposable {
  skip(!canRun(device, variant), 'the adapter lacks the subgroups, the workgroup memory or the invocations');
  return device.tuner.force('gemm', variant.name);
}

async function expectProduct(device: Device, a: Ref, b: Ref, options: oracle.MatmulOptions, label: string): Promise<void> {
  using x = toDevice(device, a);
  using y = toDevice(device, b);
  using product = matmul(x, y, options);
  expectClose({ shape: product.shape, data: await product.data() }, oracle.matmul(a, b, options), close, label);
}

eachDevice('matmul', (ctx) => {
  describe.each(TESTED)('variant $name', (variant) => {
    it('agrees with the oracle in both layouts of both operands, at every edge of the tiles', async ({ skip }) => {
      using _forced = force(ctx.device, variant, skip);
      for (const size of sizesFor(ctx.device, variant)) {
        const [m, k, n] = size;
        const a = random([m, k], 1);
        const b = random([k, n], 2);
        for (const [transposeA, transposeB] of transposesFor(ctx.device, variant, size)) {
          const label = `${m}x${k}x${n} ${transposeA} ${transposeB}`;
          await expectProduct(
            ctx.device,
            transposeA ? transpose(a) : a,
            transposeB ? transpose(b) : b,
            { transposeA, transposeB },
            label,
          );
        }
      }
    });

    it('broadcasts batches and splits k', async ({ skip }) => {
      const slow = isSlow(ctx.device, variant);
      skip(slow && hasDefaultLimits, 'batches and splits are parameters, which no limit changes');
      using _forced = force(ctx.device, variant, skip);
      for (const [batchA, batchB] of batchPairs) {
        await expectProduct(
          ctx.device,
          random([...batchA, 5, 8], 3),
          random([...batchB, 8, 12], 4),
          {},
          `[${batchA}] x [${batchB}]`,
        );
      }
      using _ = ctx.device.tuner.force('gemm.split', '3');
      // More rows than columns, or no terms, are other pipelines.
      const others: readonly Size[] = slow ? [] : [[3, 40, 4]];
      const empty: readonly Size[] = slow && variant.name !== 'block16x64' ? [] : [[2, 0, 3]];
      for (const [m, k, n] of [[5, 301, 7] as const, [20, 96, 36] as const, ...others, ...empty]) {
        await expectProduct(ctx.device, random([2, m, k], 5), random([k, n], 6), {}, `split ${m}x${k}x${n}`);
      }
    });

    it('stores f16 and sums in f32', async ({ skip }) => {
      skip(!ctx.device.hasF16, 'the adapter has no shader-f16');
      using _forced = force(ctx.device, variant, skip);
      using x = toDevice(ctx.device, HALF_A, 'f16');
      using y = toDevice(ctx.device, HALF_B, 'f16');
      using half = matmul(x, y);
      expect(half.dtype).toBe('f16');
      expectClose(await half.data(), oracle.matmul(HALF_A, HALF_B), { rel: 1e-3, abs: 1e-3 });
    });

    it('gives the same bits twice', async ({ skip }) => {
      using _forced = force(ctx.device, variant, skip);
      using a = toDevice(ctx.device, random([65, 63], 7));
      using b = toDevice(ctx.device, random([63, 66], 8));
      using first = matmul(a, b);
      using second = matmul(a, b);
      expect(await second.data()).toEqual(await first.data());
    });
  });

  const VIEWS: readonly ViewRecipe[] = [
    { name: 'contiguous', base: [12, 16], steps: [], shape: [12, 16] },
    {
      name: 'columns from an aligned offset',
      base: [12, 24],
      steps: [{ op: 'slice', ranges: [null, { start: 4, stop: 20 }] }],
      shape: [12, 16],
    },
    {
      name: 'columns from an odd offset',
      base: [12, 23],
      steps: [{ op: 'slice', ranges: [null, { start: 3, stop: 19 }] }],
      shape: [12, 16],
    },
    {
      name: 'every other row and column',
      base: [24, 32],
      steps: [{ op: 'slice', ranges: [{ step: 2 }, { start: 1, step: 2 }] }],
      shape: [12, 16],
    },
    { name: 'reversed', base: [12, 16], steps: [{ op: 'slice', ranges: [{ step: -1 }, { step: -1 }] }], shape: [12, 16] },
    { name: 'transposed', base: [16, 12], steps: [{ op: 'permute', order: [1, 0] }], shape: [12, 16] },
    { name: 'one row repeated', base: [1, 16], steps: [{ op: 'expand', shape: [12, 16] }], shape: [12, 16] },
    { name: 'one column repeated', base: [12, 1], steps: [{ op: 'expand', shape: [12, 16] }], shape: [12, 16] },
  ];

  it.each(VIEWS)('reads a view in place: $name', async (recipe) => {
    const base = random(recipe.base, 9);
    const other = random([16, 20], 10);
    using x = viewOf(ctx.device, base, recipe);
    using y = toDevice(ctx.device, other);
    using left = matmul(x, y);
    expectClose(await left.data(), oracle.matmul(applyView(base, recipe), other), close, 'as a');
    using right = matmul(y, x, { transposeA: true, transposeB: true });
    expectClose(await right.data(), oracle.matmul(transpose(other), transpose(applyView(base, recipe))), close, 'as b');
  });

  it('reads heads of a fused projection in place and takes any number of batch axes', async () => {
    const heads: ViewRecipe = {
      name: 'heads',
      base: [2, 7, 3, 8],
      steps: [{ op: 'permute', order: [0, 2, 1, 3] }],
      shape: [2, 3, 7, 8],
    };
    const base = random(heads.base, 11);
    const q = permute(base, [0, 2, 1, 3]);
    using x = viewOf(ctx.device, base, heads);
    using scores = matmul(x, x, { transposeB: true });
    expectClose(await scores.data(), oracle.matmul(q, transpose(q)), close);
    // Six batch axes that alternate between broadcasting and not do not merge into the four that a kernel supports.
    await expectProduct(
      ctx.device,
      random([2, 1, 2, 1, 2, 1, 3, 5], 12),
      random([1, 3, 1, 2, 1, 2, 5, 2], 13),
      {},
      'alternating',
    );
  });

  it('takes vectors, alpha, and results with few columns', async () => {
    const a = random([37, 65], 14);
    const v = random([65], 15);
    using x = toDevice(ctx.device, a);
    using y = toDevice(ctx.device, v);
    using column = matmul(x, y, { alpha: -0.5 });
    const expected = oracle.matmul(a, ref([65, 1], v.data));
    expectClose(
      { shape: column.shape, data: await column.data() },
      ref(
        [37],
        expected.data.map((value) => -0.5 * value),
      ),
      close,
    );
    using row = matmul(y, x, { transposeB: true });
    expectClose({ shape: row.shape, data: await row.data() }, ref([37], expected.data), close);
    using dot = matmul(y, y);
    expectClose(
      { shape: dot.shape, data: await dot.data() },
      ref([], oracle.matmul(ref([1, 65], v.data), ref([65, 1], v.data)).data),
      { rel: 1e-5, abs: 1e-5 },
    );
    await expectProduct(ctx.device, random([130, 12], 16), random([12, 3], 17), {}, 'narrow');
  });

  it('splits a long k by itself and stays accurate', async () => {
    const a = random([3, 5000], 18);
    const b = random([5000, 20], 19);
    using x = toDevice(ctx.device, a);
    using y = toDevice(ctx.device, b);
    const before = ctx.device.counters().dispatches;
    using product = matmul(x, y);
    expectNormClose(await product.data(), oracle.matmul(a, b), 2e-6);
    expect(ctx.device.counters().dispatches - before).toBe(2);
  });

  it('keeps NaN and infinity of a row to that row, whatever lies beyond an edge', async () => {
    // Columns 5..7 of each row hold NaN and belong to the view's memory, not to the view.
    const values = Float32Array.from({ length: 6 * 8 }, (_, i) => (i % 8 < 5 ? i : Number.NaN));
    using whole = tensor(values, { device: ctx.device, shape: [6, 8] });
    using part = view(whole, { shape: [6, 5], strides: [8, 1] });
    using product = matmul(part, part, { transposeB: true });
    expect((await product.data()).every(Number.isFinite)).toBe(true);
    using rows = tensor([1, 2, Number.POSITIVE_INFINITY, 1, 3, 4], { device: ctx.device, shape: [3, 2] });
    using b = tensor([1, 1, 1, 1], { device: ctx.device, shape: [2, 2] });
    using sums = matmul(rows, b);
    expect([...(await sums.data())]).toEqual([3, 3, Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY, 7, 7]);
  });

  it('mixes f16 weights with f32 activations', async ({ skip }) => {
    skip(!ctx.device.hasF16, 'the adapter has no shader-f16');
    using activations = toDevice(ctx.device, HALF_A);
    using weights = toDevice(ctx.device, HALF_B, 'f16');
    using mixed = matmul(activations, weights);
    expect(mixed.dtype).toBe('f32');
    expectClose(await mixed.data(), oracle.matmul(HALF_A, HALF_B), close, 'mixed');
  });

  it('offers the tuner a problem for each class of product, which all variants solve alike', async () => {
    const problems = gemmTuning(ctx.device);
    const keys = problems.map(({ key }) => key);
    expect(new Set(keys).size).toBe(keys.length);
    if (ctx.device.adapter.kind === 'gpu')
      expect(keys).toEqual(expect.arrayContaining(['kk/tall/t128/k1024', 'kn/tall/t1024/k2048', 'kk/few/t16/k1024']));
    else
      expect(new Set(keys)).toEqual(
        new Set(['kk', 'kn', 'mn'].flatMap((modes) => ['few', 'small', 'large'].map((size) => `${modes}/${size}`))),
      );
    const small = problems.find(({ key }) => key.startsWith('kn/few'));
    if (!small) throw new Error('no problem of few rows');
    const [result] = await tune(ctx.device, [small]);
    expect(Object.keys(result?.ms ?? {})).toEqual(small.candidates);
    expect(Object.values(result?.ms ?? {}).every((ms) => ms !== undefined)).toBe(true);
    expect(await checkMatrix(ctx.device)).toBe(ctx.device.adapter.subgroupMatrix.length > 0);
  });

  it('refuses what does not fit, by name and with the fix', () => {
    using a = tensor([1, 2, 3, 4, 5, 6], { device: ctx.device, shape: [2, 3] });
    using v = tensor([1, 2, 3], { device: ctx.device });
    using s = tensor(1, { device: ctx.device });
    using i = tensor([1, 2, 3], { device: ctx.device, dtype: 'i32' });
    using batched = tensor(new Float32Array(3 * 3 * 2), { device: ctx.device, shape: [3, 3, 2] });
    using two = tensor(new Float32Array(2 * 2 * 3), { device: ctx.device, shape: [2, 2, 3] });
    expect(() => matmul(a, a)).toThrow(/matmul: a \[2, 3\] and b \[2, 3\] have inner sizes 3 and 2.*transposeA/s);
    expect(() => matmul(v, a, { transposeA: true })).toThrow(/no matrix to transpose/);
    expect(() => matmul(s, a)).toThrow(/a is a scalar/);
    expect(() => matmul(i, v)).toThrow(/dtype i32/);
    expect(() => matmul(two, batched)).toThrow(/do not broadcast/);
    const gone = tensor([1], { device: ctx.device });
    gone.dispose();
    expect(() => matmul(gone, v)).toThrow(/matmul: .*disposed/);
  });
});
