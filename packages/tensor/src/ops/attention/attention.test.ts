import { describe, expect, it } from 'vitest';
import * as oracle from '@mudpt/testing/reference/attention';
import type { Ref } from '@mudpt/testing/reference/array';
import { expectNormClose } from '@mudpt/testing/reference/compare';
import { random, toF32 } from '@mudpt/testing/reference/inputs';
import { maskedAttention, maskedAttentionBackward } from '@mudpt/testing/reference/masked-attention';
import { eachDevice } from '@mudpt/testing/support';
import type { Device } from '../../device.ts';
import { scope } from '../../scope.ts';
import type { Tensor } from '../../tensor.ts';
import { tensor } from '../create/create.ts';
import { attentionBackward, attentionForward } from './attention.ts';
import { FLASH_TEMPLATES, isFlash } from '../../kernels/attention/flash.ts';
import { fusedVariants } from '../../kernels/attention/plan.ts';
import { packedSequences } from '../../kernels/attention/sequences.ts';

type Case = {
  readonly batch?: number;
  readonly queries?: number;
  readonly keys?: number;
  readonly heads?: number;
  readonly depth: number;
  readonly causal?: boolean;
  /** Lengths of packed sequences; then batch, queries and keys do not count. */
  readonly lengths?: readonly number[];
  /** Rows of a shared prefix. */
  readonly prefix?: number;
  /** Rows of a chunk of the prefix's gradient, forced. */
  readonly chunk?: number;
  readonly dtype?: 'f32' | 'f16';
  readonly spread?: number;
  /** Also without subgroups where there are some; every pipeline costs seconds of compilation on a CPU adapter. */
  readonly core?: boolean;
};

const NAMES = ['q', 'k', 'v', 'prefixK', 'prefixV'] as const;
const ALL = { q: true, k: true, v: true, prefixK: true, prefixV: true };

/** Inputs of a case and the results of the f64 oracle. */
function expected(wanted: Case) {
  const {
    batch = 2,
    queries = 5,
    keys = queries,
    heads = 2,
    depth,
    causal = false,
    lengths,
    prefix,
    dtype = 'f32',
    spread = 1,
  } = wanted;
  const total = lengths?.reduce((a, b) => a + b, 0) ?? 0;
  const shape = (rows: number): number[] => (lengths ? [total, heads, depth] : [batch, rows, heads, depth]);
  const options = { round: dtype, scale: spread } as const;
  const q = random(shape(queries), 1, options);
  const k = random(shape(keys), 2, options);
  const v = random(shape(keys), 3, options);
  const grad = random(shape(queries), 4, options);
  const prefixK = prefix === undefined ? undefined : random([prefix, heads, depth], 5, options);
  const prefixV = prefix === undefined ? undefined : random([prefix, heads, depth], 6, options);
  const shared = { causal, ...(prefixK && { prefixK }), ...(prefixV && { prefixV }) };
  if (lengths) {
    const cumulative = [0];
    for (const length of lengths) cumulative.push((cumulative.at(-1) ?? 0) + length);
    const { out } = oracle.raggedAttention(q, k, v, { ...shared, cumulative });
    return {
      q,
      k,
      v,
      grad,
      prefixK,
      prefixV,
      out,
      gradients: oracle.raggedAttentionBackward(q, k, v, grad, { ...shared, cumulative }),
    };
  }
  const { out } = oracle.attention(q, k, v, shared);
  return { q, k, v, grad, prefixK, prefixV, out, gradients: oracle.attentionBackward(q, k, v, grad, shared) };
}

const upload = (device: Device, x: Ref, dtype: 'f32' | 'f16' = 'f32'): Tensor =>
  tensor(toF32(x), { device, shape: x.shape, dtype });

/** Forward and every gradient of one case against the oracle. */
async function check(device: Device, wanted: Case, variant: string): Promise<void> {
  using forced = device.tuner.force('attention', variant);
  const { causal = false, lengths, dtype = 'f32', chunk } = wanted;
  using _ = chunk === undefined ? undefined : device.tuner.force('attention.chunk', String(chunk));
  const truth = expected(wanted);
  using q = upload(device, truth.q, dtype);
  using k = upload(device, truth.k, dtype);
  using v = upload(device, truth.v, dtype);
  using grad = upload(device, truth.grad, dtype);
  using prefixK = truth.prefixK && upload(device, truth.prefixK, dtype);
  using prefixV = truth.prefixV && upload(device, truth.prefixV, dtype);
  using cuSeqlens = lengths && packedSequences(device, lengths);
  const options = { causal, ...(cuSeqlens && { cuSeqlens }), ...(prefixK && prefixV && { prefix: { k: prefixK, v: prefixV } }) };
  const { out, lse } = attentionForward({ q, k, v }, options);
  if (isForwardOnly(variant)) forced[Symbol.dispose]();
  const gradients = attentionBackward({ q, k, v, out, lse, grad, needs: ALL }, options);
  const [forward, backward] = dtype === 'f16' ? [2e-3, 4e-3] : [1e-5, 1e-4];
  expectNormClose({ shape: out.shape, data: await out.data() }, truth.out, forward, 'out');
  for (const name of NAMES) {
    const gradient = gradients[name];
    const want = truth.gradients[name];
    expect(gradient === undefined, name).toBe(want === undefined);
    if (gradient && want)
      expectNormClose({ shape: gradient.shape, data: await gradient.data() }, want, backward, `gradient of ${name}`);
    gradient?.dispose();
  }
  out.dispose();
  lse.dispose();
}

/** Whether the backward passes lack a variant: there they run as the rules say. */
const isForwardOnly = (variant: string): boolean => variant === 'wide64';

/** Of the flash variants, those that run every case also on CPU adapters. */
const isStandIn = (variant: string): boolean => FLASH_TEMPLATES.includes(variant);

/**
 * A case as a variant runs it here, undefined where it does not. On CPU adapters, which compile a flash pipeline for seconds, its pipelines with a
 * prefix, and all of the second template, are those of heads of up to 32 elements, and the other flash variants have none.
 */
function caseFor(variant: string, wanted: Case, isGpu: boolean): Case | undefined {
  if (isGpu || !isFlash(variant)) return wanted;
  if (!isStandIn(variant) || (variant !== 'flash32' && wanted.dtype === 'f16')) return undefined;
  if (wanted.prefix !== undefined || variant !== 'flash32') return { ...wanted, depth: Math.min(wanted.depth, 32) };
  return wanted;
}

/** Variants of the forward. CPU adapters have workgroup memory for the wide one with heads of up to 32 elements only, as which its cases run there. */
function variantsFor(device: Device, { depth, queries = 5, lengths }: Case): readonly string[] {
  const of = (length: number): readonly string[] =>
    fusedVariants(device, { depth: length, queries, packed: lengths !== undefined }, 'forward');
  if (device.adapter.kind === 'gpu' || depth <= 32 || depth > 64) return of(depth);
  return [...of(depth), ...of(32).filter(isForwardOnly)];
}

/** The kernels that run on this device, each forced in turn; the first and the cheap ones run every case, the others the core cases. */
function eachVariant(ctx: { readonly device: Device }, cases: readonly Case[]): () => Promise<void> {
  return async () => {
    const { device } = ctx;
    for (const wanted of cases) {
      for (const [place, variant] of variantsFor(device, wanted).entries()) {
        const run = caseFor(variant, wanted, device.adapter.kind === 'gpu');
        if (!run || (place > 0 && !wanted.core && !isStandIn(variant))) continue;
        try {
          await check(device, run, variant);
        } catch (error) {
          throw new Error(`${variant} ${JSON.stringify(run)}: ${String(error)}`, { cause: error });
        }
      }
    }
  };
}

eachDevice('attention', (ctx) => {
  describe('against the f64 oracle, forward and gradients', () => {
    const lengths = [0, 1, 5, 17, 77];
    it(
      'full, any number of queries',
      eachVariant(
        ctx,
        lengths.map((queries) => ({ queries, depth: 64, core: true })),
      ),
    );
    it(
      'causal, any number of queries',
      eachVariant(
        ctx,
        lengths.map((queries) => ({ queries, depth: 64, causal: true })),
      ),
    );
    it(
      'more or fewer keys than queries, none at all',
      eachVariant(ctx, [
        { queries: 7, keys: 33, depth: 64 },
        { queries: 33, keys: 2, depth: 64 },
        { queries: 3, keys: 0, depth: 64 },
        { queries: 0, keys: 3, depth: 64 },
        { batch: 0, depth: 64 },
      ]),
    );
    it(
      'head dimensions of one slice',
      eachVariant(
        ctx,
        [8, 12, 32, 5, 1].map((depth) => ({ queries: 9, depth, core: true })),
      ),
    );
    it(
      'long head dimensions',
      eachVariant(
        ctx,
        [80, 128].map((depth) => ({ queries: 18, depth, heads: 1, core: depth === 80 })),
      ),
    );
    it(
      'several blocks of the tallest tile',
      eachVariant(ctx, [{ queries: 77, keys: 150, depth: 32, prefix: 35, heads: 1, core: true }]),
    );
    it('causal with more or fewer keys, from the first or to the last', async () => {
      const { device } = ctx;
      for (const [queries, keys, options, last] of [
        [5, 9, { causal: true }, 0],
        [9, 5, { causal: true }, 0],
        [5, 33, { causal: true, queryOffset: 'end' }, 28],
        [17, 17, { window: { right: 3 } }, 3],
      ] as const) {
        const [q, grad] = [1, 4].map((seed) => random([2, queries, 2, 64], seed)) as [Ref, Ref];
        const [k, v] = [2, 3].map((seed) => random([2, keys, 2, 64], seed)) as [Ref, Ref];
        const truth = { out: maskedAttention(q, k, v, { last }), ...maskedAttentionBackward(q, k, v, grad, { last }) };
        const variants = fusedVariants(device, { depth: 64, queries, packed: false }, 'forward');
        for (const variant of variants.filter((name) => !isFlash(name) || name === 'flash32' || device.adapter.kind === 'gpu')) {
          using forced = device.tuner.force('attention', variant);
          using tq = upload(device, q);
          using tk = upload(device, k);
          using tv = upload(device, v);
          using tg = upload(device, grad);
          const { out, lse } = attentionForward({ q: tq, k: tk, v: tv }, options);
          if (isForwardOnly(variant)) forced[Symbol.dispose]();
          const found = attentionBackward({ q: tq, k: tk, v: tv, out, lse, grad: tg, needs: ALL }, options);
          expectNormClose(await out.data(), truth.out, 1e-5, variant);
          for (const name of ['q', 'k', 'v'] as const)
            expectNormClose(await (found[name] as Tensor).data(), truth[name], 1e-4, `${variant}, ${name}`);
          for (const x of [out, lse, ...Object.values(found)]) x.dispose();
        }
      }
    });
    it('scores far apart', eachVariant(ctx, [{ queries: 40, depth: 64, spread: 6 }]));
    it(
      'packed sequences',
      eachVariant(ctx, [
        { lengths: [3, 0, 17, 1, 40], depth: 64, causal: true },
        { lengths: [3, 0, 17, 1, 40], depth: 64 },
        { lengths: [], depth: 64 },
        { lengths: [0, 0], depth: 64 },
      ]),
    );
    it(
      'a shared prefix',
      eachVariant(ctx, [
        { queries: 18, depth: 64, causal: true, prefix: 5 },
        { queries: 5, keys: 3, depth: 64, prefix: 19 },
        { queries: 5, keys: 0, depth: 64, prefix: 3 },
        { queries: 5, depth: 64, causal: true, prefix: 0 },
        { queries: 0, depth: 64, causal: true, prefix: 2 },
        { batch: 33, queries: 18, depth: 12, heads: 1, causal: true, prefix: 3, chunk: 512 },
      ]),
    );
    it(
      'packed sequences with a shared prefix',
      eachVariant(ctx, [
        { lengths: [3, 0, 17, 1, 40], depth: 64, causal: true, prefix: 9, core: true },
        { lengths: Array.from({ length: 60 }, (_, i) => 8 + (i % 5)), depth: 64, heads: 1, causal: true, prefix: 5, chunk: 512 },
      ]),
    );
    it('flash: scores of minus infinity have no weight, a query with no other gives 0', async () => {
      const { device } = ctx;
      const [tokens, depth] = [40, 8];
      const [q, v] = [random([1, tokens, 1, depth], 7), random([1, tokens, 1, depth], 8)];
      const positive = { shape: q.shape, data: q.data.map((x) => Math.abs(x) + 0.1) };
      // Keys 0 .. 34 give minus infinity to every query.
      const k = random([1, tokens, 1, depth], 9);
      const far = { shape: k.shape, data: k.data.map((x, i) => (i < 35 * depth ? Number.NEGATIVE_INFINITY : x)) };
      const last = (x: Ref): Ref => ({ shape: [1, 5, 1, depth], data: x.data.slice(35 * depth) });
      const flash = fusedVariants(device, { depth, queries: tokens, packed: false }, 'forward').filter(isFlash);
      for (const variant of flash.filter((name) => device.adapter.kind === 'gpu' || isStandIn(name))) {
        using _ = device.tuner.force('attention', variant);
        using tq = upload(device, positive);
        using tk = upload(device, far);
        using tv = upload(device, v);
        const seen = attentionForward({ q: tq, k: tk, v: tv });
        expectNormClose(await seen.out.data(), oracle.attention(positive, last(k), last(v), {}).out, 1e-5, variant);
        const hidden = attentionForward({ q: tq, k: tk, v: tv }, { causal: true });
        const rows = [...(await hidden.out.data())].slice(0, 35 * depth);
        expect(rows.every((value) => value === 0)).toBe(true);
        expect([...(await hidden.lse.data())].slice(0, 35).every((value) => value === Math.fround(1e30))).toBe(true);
        for (const { out, lse } of [seen, hidden]) for (const x of [out, lse]) x.dispose();
      }
    });
    it('a variant that only the forward has is none of the backward', ({ skip }) => {
      const { device } = ctx;
      skip(!fusedVariants(device, { depth: 8, queries: 5, packed: false }, 'forward').includes('wide64'), 'too little memory');
      using _ = device.tuner.force('attention', 'wide64');
      scope(() => {
        const x = upload(device, random([1, 5, 1, 8], 1));
        const { out, lse } = attentionForward({ q: x, k: x, v: x });
        expect(() => attentionBackward({ q: x, k: x, v: x, out, lse, grad: x, needs: ALL })).toThrow(
          /variant "wide64" is forced but cannot run here/,
        );
      });
    });
    it('f16', async ({ skip }) => {
      skip(!ctx.device.hasF16, 'the adapter has no shader-f16');
      await eachVariant(ctx, [
        { queries: 20, depth: 64, causal: true, dtype: 'f16' },
        { lengths: [3, 17], depth: 12, causal: true, dtype: 'f16', prefix: 3 },
      ])();
    });
  });
});
