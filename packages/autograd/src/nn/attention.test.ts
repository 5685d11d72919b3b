/** Modules of attention: caches, grouped heads, cross-attention, the decoder block, dropout of probabilities. */
import { describe, expect, it } from 'vitest';
import {
  attention,
  capture,
  cat,
  contiguousCopy,
  mseLoss,
  narrow,
  scope,
  stack,
  type Tensor,
  tensor,
  unbind,
} from '@mudpt/tensor';
import { ref } from '@mudpt/testing/reference/array';
import { expectClose } from '@mudpt/testing/reference/compare';
import { random, toF32 } from '@mudpt/testing/reference/inputs';
import { eachDevice } from '@mudpt/testing/support';
import {
  CrossAttention,
  gradcheck,
  KVCache,
  lossAndGradients,
  MultiHeadAttention,
  parameter,
  randomFrom,
  Tape,
  TransformerDecoderBlock,
  withSeed,
} from '../index.ts';

const close = { rel: 1e-5, abs: 1e-6 };

eachDevice('modules of attention', (ctx) => {
  const upload = (shape: readonly number[], seed: number): Tensor =>
    tensor(toF32(random(shape, seed)), { shape, device: ctx.device });
  const expectSame = async (found: Tensor, wanted: Tensor): Promise<void> => {
    expect(found.shape).toEqual(wanted.shape);
    expectClose(await found.data(), ref([wanted.size], Array.from(await wanted.data())), close);
  };
  const options = () => ({ device: ctx.device, random: randomFrom(3) });

  /** x in pieces of these lengths, each after those before. */
  const inPieces = (x: Tensor, lengths: readonly number[], run: (piece: Tensor) => Tensor): Tensor => {
    let start = 0;
    const pieces = lengths.map((length) => {
      start += length;
      return run(narrow(x, 1, start - length, length));
    });
    return cat(pieces, 1);
  };

  describe('KVCache', () => {
    it.each([4, 2, 1])('decoding token by token is the full causal pass, %i heads of keys', (keyHeads) =>
      scope(async () => {
        using attention = new MultiHeadAttention(16, 4, { ...options(), keyHeads });
        const x = upload([2, 6, 16], 1);
        using cache = new KVCache(1);
        const decoded = inPieces(x, [2, 1, 1, 1, 1], (piece) => attention.forward(piece, { cache }));
        expect(cache.length).toBe(6);
        const full = attention.forward(x, { causal: true });
        await expectSame(decoded, full);
        cache.clear();
        await expectSame(attention.forward(x, { cache }), full);
      }),
    );

    it('refuses rows that do not fit, and tapes that need a gradient', () =>
      scope(() => {
        using cache = new KVCache();
        const k = upload([1, 2, 2, 4], 1);
        cache.append(k, k);
        expect(() => cache.append(k, narrow(k, 1, 0, 1))).toThrow(/with the same T/);
        const other = upload([2, 2, 2, 4], 2);
        expect(() => cache.append(other, other)).toThrow(/k is f32 \[2, 2, 2, 4\], the rows so far are f32 \[1, 2, 2, 4\]/);
        using learnt = parameter(upload([1, 1, 2, 4], 3));
        expect(() => lossAndGradients(() => cache.attend(learnt, learnt, learnt).sum())).toThrow(/copyInto: /);
      }));
  });

  it('a head of keys for all heads of queries is as many equal heads', () =>
    scope(async () => {
      using shared = new MultiHeadAttention(8, 2, { ...options(), keyHeads: 1 });
      using plain = new MultiHeadAttention(8, 2, options());
      const rows = (from: number, x: Tensor): Tensor => narrow(x, 0, from, 4);
      const repeated = (x: Tensor): Tensor => cat([narrow(x, 0, 0, 8), rows(8, x), rows(8, x), rows(12, x), rows(12, x)], 0);
      const { weight, bias } = shared.qkv;
      plain.loadStateDict({
        ...plain.stateDict(),
        'qkv.weight': repeated(weight),
        'qkv.bias': repeated(bias as Tensor),
        'out.weight': shared.out.weight,
        'out.bias': shared.out.bias as Tensor,
      });
      const x = upload([1, 5, 8], 2);
      await expectSame(shared.forward(x), plain.forward(x));
      expect(() => new MultiHeadAttention(8, 2, { ...options(), keyHeads: 3 })).toThrow(/keyHeads 3 do not divide 2 heads/);
    }));

  it('cross-attention ignores padding of the memory, and has gradients of both', () =>
    scope(async () => {
      using cross = new CrossAttention(8, 2, { ...options(), memoryWidth: 6, keyHeads: 1 });
      const x = upload([1, 3, 8], 1);
      const memory = upload([1, 4, 6], 2);
      const padded = cat([memory, upload([1, 2, 6], 3)], 1);
      const mask = tensor([1, 1, 1, 1, 0, 0], { shape: [1, 1, 1, 6], dtype: 'bool', device: ctx.device });
      await expectSame(cross.forward(x, padded, { mask }), cross.forward(x, memory));
      await gradcheck((q: Tensor, m: Tensor) => cross.forward(q, m, { residual: q }), [x, memory]);
    }));

  it.each([true, false])('decoder block, pre-norm %s: causal, with a cache token by token, every weight learns', (preNorm) =>
    scope(async () => {
      using block = new TransformerDecoderBlock({ ...options(), width: 8, heads: 2, memoryWidth: 6, hidden: 12, preNorm });
      const [x, memory, wanted] = [upload([2, 4, 8], 1), upload([2, 3, 6], 2), upload([2, 4, 8], 3)];
      const full = block.forward(x, memory);
      using cache = new KVCache();
      await expectSame(
        inPieces(x, [1, 2, 1], (piece) => block.forward(piece, memory, { cache })),
        full,
      );
      const { value, gradients } = lossAndGradients(() => mseLoss(block.forward(x, memory), wanted));
      expect(await value.item()).toBeGreaterThan(0);
      for (const [name, weight] of block.namedTensors())
        expect(
          (await gradients.of(weight).data()).some((g) => g !== 0),
          name,
        ).toBe(true);
      gradients.dispose();
    }),
  );

  it.each([false, true])(
    'gradients of two parts of one projection are its gradient, without a copy; as a shared prefix: %s',
    (isPrefix) =>
      scope(async () => {
        const [q, rest, grad] = [upload([2, 6, 2, 8], 1), upload([2, 5, 2, 8], 2), upload([2, 6, 2, 8], 3)];
        const both = upload(isPrefix ? [5, 2, 2, 8] : [2, 5, 2, 2, 8], 4);
        const [k, v] = unbind(both, -3).map((part) => contiguousCopy(part)) as [Tensor, Tensor];
        const attend = (keys: Tensor, values: Tensor): Tensor =>
          isPrefix ? attention(q, rest, rest, { prefix: { k: keys, v: values } }) : attention(q, keys, values);
        const backward = (watched: readonly Tensor[], run: () => Tensor) => {
          using tape = new Tape();
          for (const one of watched) tape.watch(one);
          const out = run();
          const before = ctx.device.counters().dispatches;
          const gradients = tape.backward(out, grad);
          return { gradients, dispatches: ctx.device.counters().dispatches - before };
        };
        const apart = backward([k, v], () => attend(k, v));
        const whole = backward([both], () => attend(...(unbind(both, -3) as [Tensor, Tensor])));
        // Parts of a prefix that lie apart are copied together first.
        expect(whole.dispatches).toBe(apart.dispatches - (isPrefix ? 2 : 0));
        const wanted = stack([apart.gradients.of(k), apart.gradients.of(v)], -3);
        const found = whole.gradients.of(both);
        expect([found.isContiguous, found.shape]).toEqual([true, both.shape]);
        expect(await found.data()).toEqual(await wanted.data());
      }),
  );

  it('dropout of probabilities: none in evaluation, drawn anew by a captured step, the same in the backward', () =>
    scope(async () => {
      using module = new MultiHeadAttention(8, 2, { ...options(), dropout: 0.5 });
      const x = upload([1, 6, 8], 1);
      expect(() => module.forward(x)).toThrow(/withSeed/);
      using step = capture(({ seed }: { seed: Tensor }) => withSeed(seed, () => module.forward(x)), { device: ctx.device });
      const draw = async (seed: number) => [...(await step({ seed: { data: [seed], shape: [1], dtype: 'u32' } }).data())];
      const first = await draw(1);
      expect(await draw(2)).not.toEqual(first);
      expect(await draw(1)).toEqual(first);
      await gradcheck((t: Tensor) => withSeed(4, () => module.forward(t)), [x]);
      module.eval();
      using plain = new MultiHeadAttention(8, 2, { ...options(), qkv: module.qkv, out: module.out });
      await expectSame(module.forward(x), plain.forward(x));
    }));
});
