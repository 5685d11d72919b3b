/** Attention with masks, windows, offsets and grouped heads: every kernel against the definition, forward and every gradient. */
import { describe, expect, it } from 'vitest';
import { map, type Ref } from '@mudpt/testing/reference/array';
import { expectNormClose } from '@mudpt/testing/reference/compare';
import { random, toF32 } from '@mudpt/testing/reference/inputs';
import { maskedAttention, maskedAttentionBackward, type MaskedOptions } from '@mudpt/testing/reference/masked-attention';
import { eachDevice } from '@mudpt/testing/support';
import type { AttentionOptions } from '../../kernels/attention/options.ts';
import { FLASH_TEMPLATES, isFlash } from '../../kernels/attention/flash.ts';
import { fusedVariants } from '../../kernels/attention/plan.ts';
import { scope } from '../../scope.ts';
import type { Tensor } from '../../tensor.ts';
import { attention, attentionBackward, attentionForward } from './attention.ts';
import { attentionMaskGradient } from './attention-mask.ts';
import { cast } from '../views/copy.ts';
import { tensor } from '../create/create.ts';
import { expand, reshape } from '../views/views.ts';

type Case = {
  readonly name: string;
  readonly q: readonly number[];
  /** Of k and v. */
  readonly k: readonly number[];
  readonly options: AttentionOptions;
  /** The same bounds for the definition. */
  readonly bounds: MaskedOptions;
  /** Shape of a mask; every seventh key is hidden, and all of the first query. */
  readonly mask?: readonly number[];
  readonly isBool?: boolean;
};

/** One head dimension for all: each of its pipelines takes seconds to compile on a CPU adapter. */
const D = 24;
/** A dozen pipelines, in the first case. */
const COMPILES = 600_000;
const CASES: readonly Case[] = [
  {
    name: 'grouped heads, an added mask, causal from the end',
    q: [2, 40, 4, D],
    k: [2, 70, 2, D],
    options: { causal: true, queryOffset: 'end' },
    bounds: { last: 30 },
    mask: [2, 4, 40, 70],
  },
  {
    name: 'a window, more queries than keys, a bool mask of keys',
    q: [2, 70, 2, D],
    k: [2, 40, 2, D],
    options: { window: { left: 35, right: 3 }, queryOffset: 'end' },
    bounds: { first: -65, last: -27 },
    mask: [2, 1, 1, 40],
    isBool: true,
  },
  { name: 'one head of keys', q: [1, 9, 3, D], k: [1, 5, 1, D], options: {}, bounds: {} },
];
eachDevice('masked attention', (ctx) => {
  const upload = (x: Ref): Tensor => tensor(toF32(x), { device: ctx.device, shape: x.shape });

  /** One flash variant stands for the others of its template on CPU adapters, which compile it for seconds. */
  const variantsFor = (queries: number, packed: boolean) =>
    fusedVariants(ctx.device, { depth: D, queries, packed }, 'forward').filter(
      (name) => !isFlash(name) || FLASH_TEMPLATES.includes(name) || ctx.device.adapter.kind === 'gpu',
    );

  const check = (wanted: Case, variant: string): Promise<void> =>
    scope(async () => {
      using forced = ctx.device.tuner.force('attention', variant);
      const { isBool = false, bounds } = wanted;
      const q = random(wanted.q, 1, { round: 'f32' });
      const [k, v] = [random(wanted.k, 2, { round: 'f32' }), random(wanted.k, 3, { round: 'f32' })];
      const cotangent = random(wanted.q, 4, { round: 'f32' });
      const keys = wanted.mask?.at(-1) ?? 1;
      const hides = (at: number): boolean => at % 7 === 3 || (!isBool && at < keys);
      const mask =
        wanted.mask && map(random(wanted.mask, 5, { round: 'f32' }), (x, at) => (hides(at) ? -Infinity : isBool ? 0 : x));
      const truth = { ...bounds, ...(mask && { mask }) };
      const given = mask && (isBool ? cast(upload(map(mask, (x) => (x === 0 ? 1 : 0))), 'bool') : upload(mask));
      const options = { ...wanted.options, ...(given && { mask: given }) };
      const inputs = { q: upload(q), k: upload(k), v: upload(v) };
      const { out, lse } = attentionForward(inputs, options);
      expectNormClose(await out.data(), maskedAttention(q, k, v, truth), 1e-5, 'out');
      const saved = { ...inputs, out, lse, grad: upload(cotangent) };
      if (variant === 'wide64') forced[Symbol.dispose](); // it is no variant of the backward
      const found = attentionBackward({ ...saved, needs: { q: true, k: true, v: true } }, options);
      const gradients = maskedAttentionBackward(q, k, v, cotangent, truth);
      for (const name of ['q', 'k', 'v'] as const)
        expectNormClose(await (found[name] as Tensor).data(), gradients[name], 1e-4, `gradient of ${name}`);
      if (!given || isBool) return;
      expectNormClose(await attentionMaskGradient(saved, options).data(), gradients.mask, 1e-4, 'gradient of the mask');
    });

  describe('against the definition, by every variant', () => {
    it.each(CASES)(
      '$name',
      async (wanted) => {
        const [queries = 0] = wanted.q.slice(1);
        for (const variant of variantsFor(queries, false)) {
          try {
            await check(wanted, variant);
          } catch (error) {
            throw new Error(`${variant}: ${String(error)}`, { cause: error });
          }
        }
      },
      COMPILES,
    );

    it('packed sequences: grouped heads in a window as each alone', () =>
      scope(async () => {
        const { device } = ctx;
        const cuSeqlens = [0, 3, 3, 20, 21, 61];
        const [q, k, v, grad] = [4, 2, 2, 4].map((heads, i) => upload(random([61, heads, D], i, { round: 'f32' }))) as [
          Tensor,
          Tensor,
          Tensor,
          Tensor,
        ];
        const window = { left: 4, right: 1 };
        for (const variant of variantsFor(61, true)) {
          using _ = device.tuner.force('attention', variant);
          const run = async (given: AttentionOptions, [start, end]: readonly [number, number]): Promise<ArrayLike<number>[]> => {
            const cut = (x: Tensor): Tensor => {
              const part = x.slice([{ start, stop: end }]);
              return given.cuSeqlens ? part : part.unsqueeze(0);
            };
            const inputs = { q: cut(q), k: cut(k), v: cut(v), grad: cut(grad) };
            const { out, lse } = attentionForward(inputs, given);
            const found = attentionBackward({ ...inputs, out, lse, needs: { q: true, k: true, v: true } }, given);
            return Promise.all([out, found.q, found.k, found.v].map((x) => (x as Tensor).data()));
          };
          const packed = await run({ window, cuSeqlens }, [0, 61]);
          const alone = await Promise.all(cuSeqlens.slice(1).map((end, s) => run({ window }, [cuSeqlens[s]!, end])));
          for (const [at, values] of packed.entries()) {
            const joined = alone.flatMap((parts) => Array.from(parts[at]!));
            expectNormClose(values, { shape: [joined.length], data: Float64Array.from(joined) }, 1e-6, `${variant} ${at}`);
          }
        }
      }));
  });

  it('a query with every key hidden gives zeros and passes no gradient', () =>
    scope(async () => {
      const shape = [1, 3, 2, D];
      const inputs = { q: upload(random(shape, 1)), k: upload(random(shape, 2)), v: upload(random(shape, 3)) };
      const grad = upload(random(shape, 4));
      for (const mask of [
        tensor([0, 0, 0], { device: ctx.device, dtype: 'bool' }),
        tensor([-Infinity], { device: ctx.device }),
      ]) {
        const { out, lse } = attentionForward(inputs, { mask });
        const found = attentionBackward({ ...inputs, out, lse, grad, needs: { q: true, k: true, v: true } }, { mask });
        for (const x of [out, ...Object.values(found), attentionMaskGradient({ ...inputs, out, lse, grad }, { mask })])
          expect(Array.from(await x.data()).every((value) => value === 0)).toBe(true);
      }
    }));

  it('masks may be views, and f16', ({ skip }) =>
    scope(async () => {
      const shape = [2, 5, 2, D];
      const [q, k, v] = [1, 2, 3].map((seed) => upload(random(shape, seed))) as [Tensor, Tensor, Tensor];
      const row = upload(random([5], 4, { round: 'f16' }));
      const wide = expand(reshape(row, [5, 1]), [5, 5]).transpose();
      const plain = await attention(q, k, v, { mask: wide.add(0) }).data();
      expect(await attention(q, k, v, { mask: wide }).data()).toEqual(plain);
      skip(!ctx.device.hasF16, 'the adapter has no shader-f16');
      expect(await attention(q, k, v, { mask: cast(row, 'f16') }).data()).toEqual(plain);
    }));

  it('refuses what does not fit, with the argument named', () =>
    scope(() => {
      const x = upload(random([1, 3, 4, 8], 1));
      const three = upload(random([1, 3, 3, 8], 2));
      const integers = tensor([1, 0, 1], { device: ctx.device, dtype: 'i32' });
      const bool = cast(integers, 'bool');
      expect(() => attention(x, three, three)).toThrow(/heads of k divide those of q/);
      expect(() => attention(x, x, three)).toThrow(/k \[1, 3, 4, 8\] and v \[1, 3, 3, 8\] differ/);
      expect(() => attention(x, x, x, { mask: integers })).toThrow(/mask has dtype i32/);
      expect(() => attention(x, x, x, { mask: upload(random([2, 3], 3)) })).toThrow(
        /mask \[2, 3\] does not broadcast to .*\[1, 4, 3, 3\]/,
      );
      expect(() => attention(x, x, x, { window: { left: -1 } })).toThrow(/window.left is -1/);
      expect(() => attention(x, x, x, { causal: true, queryOffset: 0.5 })).toThrow(/queryOffset is 0.5/);
      expect(() => attention(x, x, x, { softCap: 0 })).toThrow(/softCap is 0/);
      const rows = reshape(x, [3, 4, 8]);
      expect(() => attention(rows, rows, rows, { cuSeqlens: [0, 3], mask: bool })).toThrow(/packed sequences have no mask/);
    }));
});
