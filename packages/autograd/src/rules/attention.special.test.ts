/**
 * Attention where scores are minus infinity or far below any mask: a row without an admissible key gives zeros and passes no gradient, minus
 * infinity from the user is honoured, finite scores of any size are right. Every variant, dense and packed, against unfused attention.
 */
import { describe, expect, it } from 'vitest';
import { attention, type AttentionOptions, attentionUnfused, reshape, scope, type Tensor, tensor } from '@mudpt/tensor';
import { fusedVariants } from '@mudpt/tensor/internal';
import { ref } from '@mudpt/testing/reference/array';
import { expectClose } from '@mudpt/testing/reference/compare';
import { eachDevice } from '@mudpt/testing/support';
import { Tape } from '../index.ts';

type Rows = readonly (readonly number[])[];
type Case = {
  readonly name: string;
  /** One head of 4 channels. */
  readonly q: Rows;
  readonly k: Rows;
  readonly v: Rows;
  readonly prefix?: { readonly k: Rows; readonly v: Rows };
  readonly causal?: boolean;
  readonly scale?: number;
  /** Rows of the result that are known without computing. */
  readonly out: Rows;
  /** Gradients of such scores are not compared: in f32 the saved logarithm of their sum is too coarse. */
  readonly forwardOnly?: boolean;
};

const low = [-1e20, 0.5, -0.3, 0.2];
const high = [1e20, 0.1, 0.4, -0.2];
const plain = [0, 0.3, -0.6, 0.9];
const values = [
  [1, 2, 3, 4],
  [5, 7, 6, 8],
  [9, 11, 13, 10],
];
const zero = [0, 0, 0, 0];

const cases: readonly Case[] = [
  { name: 'no admissible key', q: [high], k: [low, low, low], v: values, out: [zero] },
  {
    name: 'no admissible key in a row',
    q: [high, high, high],
    k: [low, low, low],
    v: values,
    causal: true,
    out: [zero, zero, zero],
  },
  { name: 'one admissible key', q: [high], k: [low, plain, low], v: values, out: [values[1]!] },
  {
    name: 'causal: the first row sees no admissible key',
    q: [high, high],
    k: [low, plain],
    v: values.slice(1),
    causal: true,
    out: [zero, values[2]!],
  },
  {
    name: 'no admissible key in the prefix',
    q: [high],
    k: [plain],
    v: [values[0]!],
    prefix: { k: [low, low], v: values.slice(1) },
    out: [values[0]!],
  },
  {
    name: 'none in the prefix nor beside it',
    q: [high],
    k: [low],
    v: [values[0]!],
    prefix: { k: [low], v: values.slice(1, 2) },
    out: [zero],
  },
  {
    name: 'finite scores of -1e31 and -4e31',
    q: [[1e16, 0, 0, 0]],
    k: [
      [-1e15, 0, 0, 0],
      [-4e15, 0, 0, 0],
    ],
    v: values.slice(0, 2),
    scale: 1,
    out: [values[0]!],
    forwardOnly: true,
  },
  {
    name: 'causal: a row of score -1e31 sees its own key alone',
    q: [[1e16, 0, 0, 0], zero],
    k: [[-1e15, 0, 0, 0], zero],
    v: values.slice(0, 2),
    causal: true,
    scale: 1,
    out: [values[0]!, [3, 4.5, 4.5, 6]],
    forwardOnly: true,
  },
  {
    name: 'finite scores of 1e31',
    q: [[1e16, 0, 0, 0]],
    k: [
      [1e15, 0, 0, 0],
      [4e15, 0, 0, 0],
    ],
    v: values.slice(0, 2),
    scale: 1,
    out: [values[1]!],
    forwardOnly: true,
  },
];

eachDevice('attention at special scores', (ctx) => {
  const upload = (rows: Rows): Tensor => tensor(rows.flat(), { shape: [1, rows.length, 1, 4], device: ctx.device });

  /** Value and gradients of q, k, v, and of the prefix. */
  async function run(wanted: Case, how: 'unfused' | 'dense' | 'packed'): Promise<Float32Array[]> {
    const qkv = [upload(wanted.q), upload(wanted.k), upload(wanted.v)] as const;
    const prefix = wanted.prefix && {
      k: tensor(wanted.prefix.k.flat(), { shape: [wanted.prefix.k.length, 1, 4], device: ctx.device }),
      v: tensor(wanted.prefix.v.flat(), { shape: [wanted.prefix.v.length, 1, 4], device: ctx.device }),
    };
    const inputs = [...qkv, ...(prefix ? [prefix.k, prefix.v] : [])];
    const { causal = false, scale = 0.5 } = wanted;
    const options: AttentionOptions = { causal, scale, ...(prefix && { prefix }) };
    using tape = new Tape();
    for (const x of inputs) tape.watch(x);
    using out = scope(() => {
      if (how === 'unfused') return attentionUnfused(...qkv, options);
      if (how === 'dense') return attention(...qkv, options);
      const [q, k, v] = qkv.map((x) => reshape(x, [x.shape[1]!, 1, 4])) as [Tensor, Tensor, Tensor];
      return reshape(attention(q, k, v, { ...options, cuSeqlens: [0, wanted.q.length] }), [1, wanted.q.length, 1, 4]);
    });
    using cotangent = tensor(
      Float32Array.from({ length: out.size }, (_, i) => (i % 3) - 0.7),
      { shape: out.shape, device: ctx.device },
    );
    using gradients = tape.backward(out, cotangent);
    const results = [out, ...inputs.map((x) => gradients.of(x))];
    const read = await Promise.all(results.map((x) => x.data()));
    for (const x of inputs) x.dispose();
    return read as Float32Array[];
  }

  for (const wanted of cases) {
    const close = { rel: 1e-5, abs: 1e-5 };
    const out = ref([wanted.out.length * 4], wanted.out.flat());
    const check = async (how: 'unfused' | 'dense' | 'packed'): Promise<void> => {
      const plainly = await run(wanted, 'unfused');
      const [value, ...gradients] = how === 'unfused' ? plainly : await run(wanted, how);
      expectClose(value!, out, close, wanted.name);
      if (wanted.forwardOnly) return;
      for (const [at, gradient] of gradients.entries()) {
        expectClose(gradient, ref([gradient.length], Array.from(plainly[at + 1]!)), close, `${wanted.name}, gradient ${at}`);
        expect(gradient.every(Number.isFinite)).toBe(true);
        if (wanted.out.every((row) => row === zero)) expect(gradient.every((x) => x === 0)).toBe(true);
      }
    };
    describe(wanted.name, () => {
      it('unfused', () => check('unfused'));
      it('fused, by every variant', async () => {
        for (const how of wanted.q.length === wanted.k.length ? (['dense', 'packed'] as const) : (['dense'] as const)) {
          const extent = { depth: 4, queries: wanted.q.length, packed: how === 'packed' };
          for (const variant of fusedVariants(ctx.device, extent, 'dkv')) {
            using _ = ctx.device.tuner.force('attention', variant);
            await check(how);
          }
        }
      });
    });
  }

  it('no keys at all: zeros, fused and spelled out', async () => {
    using q = upload([high]);
    using none = tensor([], { shape: [1, 0, 1, 4], device: ctx.device });
    using fused = attention(q, none, none);
    using plainly = attentionUnfused(q, none, none);
    expect([...(await fused.data()), ...(await plainly.data())]).toEqual([...zero, ...zero]);
  });
});
