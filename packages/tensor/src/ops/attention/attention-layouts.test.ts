/** Attention layouts: strides of inputs and gradients must not change a bit; packing and sharing must not change the result. */
import { describe, expect, it } from 'vitest';
import { random, toF32 } from '@mudpt/testing/reference/inputs';
import { relativeError } from '@mudpt/testing/reference/compare';
import { eachDevice } from '@mudpt/testing/support';
import type { Device } from '../../device.ts';
import type { Tensor } from '../../tensor.ts';
import { view } from '../../definition/views.ts';
import { contiguousCopy } from '../views/copy.ts';
import { tensor } from '../create/create.ts';
import { scope } from '../../scope.ts';
import { attention, attentionBackward, attentionForward } from './attention.ts';
import { attentionQkv, attentionQkvBackward, attentionQkvForward } from './attention-qkv.ts';
import { attentionUnfused } from './attention-unfused.ts';
import { packedSequences, packedSequencesOnDevice } from '../../kernels/attention/sequences.ts';

const HEADS = 2;
const DEPTH = 64;
const make = (device: Device, shape: readonly number[], seed: number): Tensor =>
  tensor(toF32(random(shape, seed)), { device, shape });

/** Rows [first, last) along axis 0. */
const rows = (x: Tensor, first: number, last: number): Tensor =>
  view(x, { shape: [last - first, ...x.shape.slice(1)], strides: x.strides, offset: x.offset + first * (x.strides[0] ?? 0) });

/** The third of [..., 3, H, D] at `index`. */
function part(qkv: Tensor, index: number): Tensor {
  const axis = qkv.rank - 3;
  const without = <V>(list: readonly V[]): V[] => list.filter((_, i) => i !== axis);
  return view(qkv, {
    shape: without(qkv.shape),
    strides: without(qkv.strides),
    offset: qkv.offset + index * (qkv.strides[axis] ?? 0),
  });
}

eachDevice('attention layouts', (ctx) => {
  it('reads and writes views of a fused projection without changing a bit', () =>
    scope(async () => {
      const { device } = ctx;
      const qkv = make(device, [2, 11, 3, HEADS, DEPTH], 1);
      const grad = make(device, [2, 11, HEADS, DEPTH], 2);
      const options = { causal: true };
      const { out, lse } = attentionQkvForward(qkv, options);
      const fused = attentionQkvBackward({ qkv, out, lse, grad, needs: { qkv: true } }, options);
      const [q, k, v] = [0, 1, 2].map((index) => contiguousCopy(part(qkv, index))) as [Tensor, Tensor, Tensor];
      const apart = attentionForward({ q, k, v }, options);
      expect(await out.data()).toEqual(await apart.out.data());
      expect(await attentionQkv(qkv, options).data()).toEqual(await out.data());
      const gradients = attentionBackward({ q, k, v, ...apart, grad, needs: { q: true, k: true, v: true } }, options);
      for (const [index, name] of (['q', 'k', 'v'] as const).entries()) {
        expect(await part(fused.qkv as Tensor, index).data(), name).toEqual(await (gradients[name] as Tensor).data());
      }
    }));

  it('reads offsets and strides that are no whole quads, and writes gradients there', () =>
    scope(async () => {
      const { device } = ctx;
      const wide = make(device, [1, 9, HEADS, DEPTH + 3], 1);
      const odd = view(wide, { shape: [1, 9, HEADS, DEPTH], strides: wide.strides, offset: 1 });
      const straight = contiguousCopy(odd);
      const grad = make(device, odd.shape, 2);
      const a = attentionForward({ q: odd, k: odd, v: odd });
      const b = attentionForward({ q: straight, k: straight, v: straight });
      expect(await a.out.data()).toEqual(await b.out.data());
      const needs = { q: true, k: true, v: true };
      const targets = [3, 4, 5].map((seed) => make(device, [1, 9, HEADS, DEPTH + 3], seed));
      const [q, k, v] = targets.map((x) => view(x, { shape: odd.shape, strides: x.strides, offset: 2 })) as [
        Tensor,
        Tensor,
        Tensor,
      ];
      const into = attentionBackward({ q: odd, k: odd, v: odd, ...a, grad, needs, into: { q, k, v } });
      const plain = attentionBackward({ q: straight, k: straight, v: straight, ...b, grad, needs });
      for (const name of ['q', 'k', 'v'] as const) expect(await into[name]?.data(), name).toEqual(await plain[name]?.data());
    }));

  it('repeats bit for bit', () =>
    scope(async () => {
      const { device } = ctx;
      const [q, k, v, grad] = [1, 2, 3, 4].map((seed) => make(device, [40, 18, HEADS, DEPTH], seed)) as [
        Tensor,
        Tensor,
        Tensor,
        Tensor,
      ];
      const prefix = { k: make(device, [5, HEADS, DEPTH], 5), v: make(device, [5, HEADS, DEPTH], 6) };
      const options = { causal: true, prefix };
      const run = async (): Promise<unknown> => {
        const { out, lse } = attentionForward({ q, k, v }, options);
        const needs = { q: true, k: true, v: true, prefixK: true, prefixV: true };
        const gradients = attentionBackward({ q, k, v, out, lse, grad, needs }, options);
        return await Promise.all([out, ...Object.values(gradients)].map((x) => x.data()));
      };
      expect(await run()).toEqual(await run());
    }));

  it('packs sequences behind a shared prefix exactly as each alone with its own copy of the prefix', () =>
    scope(async () => {
      const { device } = ctx;
      const lengths = [4, 0, 19, 1];
      const total = 24;
      const [q, k, v] = [1, 2, 3].map((seed) => make(device, [total, HEADS, DEPTH], seed)) as [Tensor, Tensor, Tensor];
      const prefix = { k: make(device, [6, HEADS, DEPTH], 5), v: make(device, [6, HEADS, DEPTH], 6) };
      using sequences = packedSequences(device, lengths);
      const packed = await attention(q, k, v, { causal: true, prefix, cuSeqlens: sequences }).data();
      const numbers = await attention(q, k, v, { causal: true, prefix, cuSeqlens: [0, 4, 4, 23, 24] }).data();
      expect(numbers).toEqual(packed);
      using unknown = packedSequencesOnDevice(sequences.cuSeqlens, { total, maxLength: 21 });
      expect(await attention(q, k, v, { causal: true, prefix, cuSeqlens: unknown }).data()).toEqual(packed);
      let start = 0;
      for (const length of lengths) {
        const alone = (x: Tensor): Tensor => {
          const cut = rows(x, start, start + length);
          return view(cut, { shape: [1, ...cut.shape], strides: [0, ...cut.strides] });
        };
        const out = await attention(alone(q), alone(k), alone(v), { causal: true, prefix }).data();
        const width = HEADS * DEPTH;
        const error = relativeError(packed.slice(start * width, (start + length) * width), out);
        expect(error).toBeLessThan(1e-6);
        start += length;
      }
    }));

  it.each([false, true])('agrees with the path spelled out in public ops, causal %s', (causal) =>
    scope(async () => {
      const { device } = ctx;
      const [q, k, v] = [1, 2, 3].map((seed) => make(device, [2, 18, HEADS, DEPTH], seed)) as [Tensor, Tensor, Tensor];
      const prefix = { k: make(device, [5, HEADS, DEPTH], 5), v: make(device, [5, HEADS, DEPTH], 6) };
      for (const options of [{ causal }, { causal, prefix }]) {
        const spelled = await attentionUnfused(q, k, v, options).data();
        expect(relativeError(await attention(q, k, v, options).data(), spelled)).toBeLessThan(1e-5);
      }
    }),
  );

  describe('refuses with the argument named', () => {
    it('shapes, dtypes and lengths that do not fit', () =>
      scope(() => {
        const { device } = ctx;
        const q = make(device, [1, 3, HEADS, 8], 1);
        const longer = make(device, [1, 4, HEADS, 8], 2);
        const packed = make(device, [3, HEADS, 8], 3);
        expect(() => attention(q, longer, q)).toThrow(/k \[1, 4, 2, 8\] and v \[1, 3, 2, 8\] differ/);
        expect(() => attention(packed, packed, packed)).toThrow(/q has shape \[3, 2, 8\]; dense inputs are \[B, T, H, D\]/);
        expect(() => attention(packed, packed, packed, { cuSeqlens: [0, 2] })).toThrow(/ends at 2 but q has 3 rows/);
        expect(() => attention(packed, packed, packed, { cuSeqlens: [0, 2, 1] })).toThrow(/ascend/);
        expect(() => attention(q, q, q, { prefix: { k: packed, v: q } })).toThrow(/prefix.v \[1, 3, 2, 8\]/);
        const wide = make(device, [1, 1, 1, 132], 4);
        expect(() => attention(wide, wide, wide)).toThrow(/head dimension 132/);
        const whole = tensor(new Int32Array(48), { device, shape: [1, 3, HEADS, 8] });
        expect(() => attention(q, whole, whole)).toThrow(/k has dtype i32/);
        expect(() => attentionQkv(longer)).toThrow(/qkv has shape/);
      }));
  });
});
