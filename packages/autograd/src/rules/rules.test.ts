/** Every rule against central differences of the f64 oracles. */
import { describe, expect, it } from 'vitest';
import * as ops from '@mudpt/tensor';
import { scope, type Tensor, tensor } from '@mudpt/tensor';
import * as attentionOracle from '../../../tensor/test/reference/attention.ts';
import * as array from '../../../tensor/test/reference/array.ts';
import * as conv from '../../../tensor/test/reference/conv.ts';
import * as distances from '../../../tensor/test/reference/distance.ts';
import * as indexing from '../../../tensor/test/reference/indexing.ts';
import * as products from '../../../tensor/test/reference/matmul.ts';
import * as nn from '../../../tensor/test/reference/nn.ts';
import * as reductions from '../../../tensor/test/reference/reduce.ts';
import { eachDevice } from '../../../tensor/test/support.ts';
import { type Case, checkRule } from '../../test/rule-check.ts';
import { gradcheck, Tape } from '../index.ts';

type Ref = array.Ref;

eachDevice('rules', (ctx) => {
  const check = async (wanted: Case): Promise<void> => await checkRule(ctx.device, wanted);
  const ids = (values: number[], shape: number[]): Tensor => tensor(values, { dtype: 'i32', shape, device: ctx.device });

  describe('views', () => {
    it('reshape, permute, transpose, expand', async () => {
      await check({
        shapes: [[2, 3, 4]],
        run: (x) => scope(() => ops.reshape(ops.permute(x, [2, 0, 1]), [8, 3])),
        reference: (x) => array.reshape(array.permute(x, [2, 0, 1]), [8, 3]),
      });
      await check({ shapes: [[3, 1]], run: (x) => ops.expand(x, [2, 3, 4]), reference: (x) => array.expand(x, [2, 3, 4]) });
    });
    it('slice, flip, split, select', async () => {
      await check({
        shapes: [[5, 4]],
        run: (x) =>
          ops.slice(x, [
            { start: 4, step: -2 },
            { start: 1, stop: 3 },
          ]),
        reference: (x) =>
          array.slice(x, [
            { start: 4, step: -2 },
            { start: 1, stop: 3 },
          ]),
      });
      await check({ shapes: [[5, 4]], run: (x) => ops.flip(x, 0), reference: (x) => indexing.flip(x, [0]) });
      await check({
        shapes: [[5, 2]],
        run: (x) => {
          const [a, b] = ops.split(x, [3, 2]) as [Tensor, Tensor];
          const first = ops.narrow(a, 0, 0, 2);
          const out = ops.mul(first, b);
          for (const t of [a, b, first]) t.dispose();
          return out;
        },
        reference: (x) => array.build([2, 2], ([i = 0, j = 0]) => array.get(x, [i, j]) * array.get(x, [i + 3, j])),
      });
    });
  });

  describe('reductions', () => {
    for (const [name, reference] of Object.entries({
      sum: reductions.sum,
      mean: reductions.mean,
      prod: reductions.prod,
      max: reductions.max,
      min: reductions.min,
      variance: reductions.variances,
      std: reductions.std,
      logsumexp: reductions.logsumexp,
      norm: reductions.norm,
    })) {
      const op = (ops as unknown as Record<string, typeof ops.sum>)[name] as typeof ops.sum;
      it(name, async () => {
        await check({
          shapes: [[3, 4, 5]],
          run: (x) => op(x, [0, -1]),
          reference: (x) => reference(x, { axes: [0, 2] }),
          domain: [[0.5, 2]],
        });
        await check({
          shapes: [[3, 4]],
          run: (x) => op(x, 1, { keepdim: true }),
          reference: (x) => reference(x, { axes: [1], keepdim: true }),
        });
        await check({ shapes: [[7]], run: (x) => op(x), reference: (x) => reference(x) });
      });
    }
    it('norms of order 1, 3 and infinity', async () => {
      for (const p of [1, 3, Infinity])
        await check({
          shapes: [[3, 4]],
          run: (x) => ops.norm(x, 1, { p }),
          reference: (x) => reductions.norm(x, { axes: [1], p }),
        });
    });
    it('prod with zeros', async () => {
      const run = async (values: number[]) => {
        using x = tensor(values, { device: ctx.device });
        await gradcheck((t) => ops.prod(t), [x], { reference: (v) => reductions.prod(v as unknown as Ref) });
      };
      await run([2, 0, 3]);
      await run([0, 0, 3]);
    });
  });

  describe('order', () => {
    it('cumsum', () => check({ shapes: [[3, 4]], run: (x) => ops.cumsum(x, 0), reference: (x) => reductions.cumsum(x, 0) }));
    it('sort and topk', async () => {
      const values = (sorted: { readonly values: Tensor; readonly indices: Tensor }): Tensor => {
        sorted.indices.dispose();
        return sorted.values;
      };
      await check({
        shapes: [[3, 5]],
        run: (x) => values(ops.sort(x, { axis: 0, descending: true })),
        reference: (x) => reductions.sort(x, { axis: 0, descending: true }).values,
      });
      await check({ shapes: [[3, 5]], run: (x) => values(ops.topk(x, 2)), reference: (x) => reductions.topk(x, 2).values });
    });
  });

  describe('distances', () => {
    it('cdist, batch broadcast', () =>
      check({
        shapes: [
          [2, 3, 4],
          [5, 4],
        ],
        run: ops.cdist,
        reference: distances.cdist,
      }));
    it('equal rows pass no gradient', async () => {
      using x = tensor(
        [
          [1, 2],
          [1, 2],
          [4, 6],
        ],
        { device: ctx.device },
      );
      using rows = tensor([[1, 2]], { device: ctx.device });
      using tape = new Tape();
      tape.watch(rows);
      using total = scope(() => ops.sum(ops.cdist(rows, x)));
      using gradients = tape.backward(total);
      expect(Array.from(await gradients.of(rows).data())).toEqual([Math.fround(-0.6), Math.fround(-0.8)]);
    });
  });

  describe('products', () => {
    for (const [transposeA, transposeB] of [
      [false, false],
      [true, false],
      [false, true],
      [true, true],
    ] as const) {
      it(`matmul${transposeA ? ' Aᵀ' : ''}${transposeB ? ' Bᵀ' : ''}, batch broadcast`, () =>
        check({
          shapes: [transposeA ? [2, 1, 5, 3] : [2, 1, 3, 5], transposeB ? [3, 4, 5] : [3, 5, 4]],
          run: (a, b) => ops.matmul(a, b, { transposeA, transposeB }),
          reference: (a, b) => products.matmul(a, b, { transposeA, transposeB }),
        }));
    }
    it('matmul of vectors', async () => {
      await check({
        shapes: [[5], [5]],
        run: (a, b) => ops.matmul(a, b),
        reference: (a, b) => array.ref([], [a.data.reduce((s, v, i) => s + v * b.data[i]!, 0)]),
      });
      await check({
        shapes: [[2, 3, 5], [5]],
        run: (a, b) => ops.matmul(a, b, { alpha: 2 }),
        reference: (a, b) =>
          array.build([2, 3], ([z = 0, i = 0]) => 2 * b.data.reduce((s, v, k) => s + v * array.get(a, [z, i, k]), 0)),
      });
      await check({
        shapes: [[5], [2, 5, 3]],
        run: (a, b) => ops.matmul(a, b),
        reference: (a, b) =>
          array.build([2, 3], ([z = 0, j = 0]) => a.data.reduce((s, v, k) => s + v * array.get(b, [z, k, j]), 0)),
      });
    });
    it('linear with bias, activation and residual', () =>
      check({
        shapes: [[2, 3, 5], [4, 5], [4], [2, 3, 4]],
        run: (x, w, b, r) => ops.linear(x, w, b, { activation: 'gelu', residual: r }),
        reference: (x, w, bias, residual) => nn.linear(x, w, { bias, activation: 'gelu', residual } as never).out,
      }));
    it('einsum', () =>
      check({
        shapes: [
          [2, 3, 4],
          [4, 3, 5],
        ],
        run: (a, b) => ops.einsum('bij,jik->bk', a, b),
        reference: (a, b) => products.einsum('bij,jik->bk', a, b),
      }));
  });

  describe('norms', () => {
    it('layerNorm', () =>
      check({
        shapes: [[3, 7], [7], [7]],
        run: (x, w, b) => ops.layerNorm(x, w, b),
        reference: (x, weight, bias) => nn.layerNorm(x, { weight, bias }).out,
      }));
    it('rmsNorm', () =>
      check({
        shapes: [[3, 7], [7]],
        run: (x, w) => ops.rmsNorm(x, w),
        reference: (x, weight) => nn.rmsNorm(x, { weight, eps: 1e-6 }).out,
      }));
    it('l2Normalize', () => check({ shapes: [[3, 7]], run: (x) => ops.l2Normalize(x), reference: (x) => nn.l2Normalize(x) }));
    it('addLayerNorm, both outputs used', () =>
      check({
        shapes: [[3, 8], [3, 8], [8], [8]],
        run: (x, r, w, b) => {
          const { sum, out } = ops.addLayerNorm(x, r, w, b);
          using a = sum;
          using o = out;
          return ops.mul(a, o);
        },
        reference: (x, r, weight, bias) => {
          const sum = array.map(x, (v, i) => v + r.data[i]!);
          const { out } = nn.layerNorm(sum, { weight, bias });
          return array.map(sum, (v, i) => v * out.data[i]!);
        },
      }));
  });

  describe('softmax and losses', () => {
    it('softmax and logSoftmax', async () => {
      await check({ shapes: [[3, 5]], run: (x) => ops.softmax(x), reference: (x) => nn.softmax(x) });
      await check({ shapes: [[3, 5]], run: (x) => ops.softmax(x, 0), reference: (x) => nn.softmax(x, 0) });
      await check({ shapes: [[3, 5]], run: (x) => ops.logSoftmax(x), reference: (x) => nn.logSoftmax(x) });
    });
    it('crossEntropy, every reduction', async () => {
      using labels = ids([1, 4, 0], [3]);
      const ref = array.ref([3], [1, 4, 0]);
      for (const reduction of ['mean', 'sum', 'none'] as const)
        await check({
          shapes: [[3, 5]],
          run: (x) => ops.crossEntropy(x, labels, { reduction, labelSmoothing: 0.1 }),
          reference: (x) => nn.crossEntropy(x, ref, { reduction, labelSmoothing: 0.1 }),
        });
    });
    it('mseLoss and l1Loss', async () => {
      const mean = (x: Ref, y: Ref, f: (d: number) => number): Ref =>
        array.ref([], [x.data.reduce((s, v, i) => s + f(v - y.data[i]!), 0) / x.data.length]);
      await check({
        shapes: [
          [3, 5],
          [3, 5],
        ],
        run: (x, y) => ops.mseLoss(x, y),
        reference: (x, y) => mean(x, y, (d) => d * d),
      });
      await check({
        shapes: [
          [3, 5],
          [3, 5],
        ],
        run: (x, y) => ops.l1Loss(x, y),
        reference: (x, y) => mean(x, y, Math.abs),
        domain: [
          [1, 2],
          [-1, 0],
        ],
      });
    });
    it('klDiv', async () => {
      using target = tensor([0.1, 0.5, -1, 0.3, 0.2, 0.9], { shape: [2, 3], device: ctx.device });
      const q = nn.softmax(array.ref([2, 3], [0.1, 0.5, -1, 0.3, 0.2, 0.9]));
      await check({
        shapes: [[2, 3]],
        run: (x) => ops.klDiv(x, target, { reduction: 'sum' }),
        reference: (x) => {
          const p = nn.logSoftmax(x);
          return array.ref([], [q.data.reduce((s, v, i) => s + v * (Math.log(v) - p.data[i]!), 0)]);
        },
      });
    });
  });

  describe('index and join', () => {
    it('gather, indexSelect, embedding, gatherRows', async () => {
      using index = ids([0, 2, 1, 1], [2, 2]);
      using list = ids([2, 0, 2], [3]);
      const indexRef = array.ref([2, 2], [0, 2, 1, 1]);
      const listRef = array.ref([3], [2, 0, 2]);
      await check({ shapes: [[2, 3]], run: (x) => ops.gather(x, 1, index), reference: (x) => indexing.gather(x, 1, indexRef) });
      await check({
        shapes: [[3, 4]],
        run: (x) => ops.indexSelect(x, 0, list),
        reference: (x) => indexing.indexSelect(x, 0, listRef),
      });
      await check({ shapes: [[3, 4]], run: (x) => ops.embedding(x, index), reference: (x) => nn.embedding(x, indexRef) });
      await check({
        shapes: [[3, 4, 2]],
        run: (x) => ops.gatherRows(x, list),
        reference: (x) => array.build([3, 2], ([n = 0, c = 0]) => array.get(x, [n, listRef.data[n]!, c])),
      });
    });
    it('scatterAdd, indexAdd', async () => {
      using index = ids([0, 2, 1, 1], [2, 2]);
      using list = ids([2, 0, 2], [3]);
      await check({
        shapes: [
          [2, 3],
          [2, 2],
        ],
        run: (x, s) => ops.scatterAdd(x, 1, index, s),
        reference: (x, s) => indexing.scatterAdd(x, 1, array.ref([2, 2], [0, 2, 1, 1]), s),
      });
      await check({
        shapes: [
          [3, 4],
          [3, 4],
        ],
        run: (x, s) => ops.indexAdd(x, 0, list, s),
        reference: (x, s) => indexing.indexAdd(x, 0, array.ref([3], [2, 0, 2]), s),
      });
    });
    it('cat, stack, pad, tril, maskedFill', async () => {
      await check({
        shapes: [
          [2, 3],
          [2, 1],
        ],
        run: (a, b) => ops.cat([a, b, a], -1),
        reference: (a, b) => indexing.cat([a, b, a], -1),
      });
      await check({
        shapes: [
          [2, 3],
          [2, 3],
        ],
        run: (a, b) => ops.stack([a, b], 1),
        reference: (a, b) => indexing.stack([a, b], 1),
      });
      await check({
        shapes: [[2, 3]],
        run: (x) =>
          ops.pad(
            x,
            [
              [1, 0],
              [2, 1],
            ],
            5,
          ),
        reference: (x) =>
          indexing.pad(
            x,
            [
              [1, 0],
              [2, 1],
            ],
            5,
          ),
      });
      await check({ shapes: [[4, 3]], run: (x) => ops.tril(x), reference: (x) => indexing.tril(x) });
      using mask = tensor([1, 0, 0, 1], { dtype: 'bool', shape: [2, 2], device: ctx.device });
      await check({
        shapes: [[2, 2]],
        run: (x) => ops.maskedFill(x, mask, 7),
        reference: (x) => array.map(x, (v, i) => (i === 0 || i === 3 ? 7 : v)),
      });
    });
  });

  describe('convolution', () => {
    it('conv2d with stride, padding, groups, bias', () =>
      check({
        shapes: [[2, 4, 5, 6], [6, 2, 3, 3], [6]],
        run: (x, w, b) => ops.conv2d(x, w, b, { stride: 2, padding: 1, groups: 2 }),
        reference: (x, w, bias) => conv.conv2d(x, w, { stride: 2, padding: 1, groups: 2, bias }),
      }));
    it('unfold', () =>
      check({
        shapes: [[1, 2, 4, 5]],
        run: (x) => ops.unfold(x, 2, { stride: 1 }),
        reference: (x) => conv.unfold(x, 2, { stride: 1 }),
      }));
  });

  describe('attention', () => {
    for (const causal of [false, true]) {
      it(`attention${causal ? ', causal' : ''}`, () =>
        check({
          shapes: [
            [2, 5, 2, 8],
            [2, 5, 2, 8],
            [2, 5, 2, 8],
          ],
          run: (q, k, v) => ops.attention(q, k, v, { causal }),
          reference: (q, k, v) => attentionOracle.attention(q, k, v, { causal }).out,
        }));
      it(`attentionQkv${causal ? ', causal' : ''}`, () =>
        check({
          shapes: [[2, 5, 3, 2, 8]],
          run: (qkv) => ops.attentionQkv(qkv, { causal }),
          reference: (qkv) => {
            const part = (i: number): Ref =>
              array.reshape(array.slice(qkv, [null, null, { start: i, stop: i + 1 }]), [2, 5, 2, 8]);
            return attentionOracle.attention(part(0), part(1), part(2), { causal }).out;
          },
        }));
    }
    it('a shared prefix', () =>
      check({
        shapes: [
          [2, 3, 1, 8],
          [2, 3, 1, 8],
          [2, 3, 1, 8],
          [2, 1, 8],
          [2, 1, 8],
        ],
        run: (q, k, v, pk, pv) => ops.attention(q, k, v, { causal: true, prefix: { k: pk, v: pv } }),
        reference: (q, k, v, prefixK, prefixV) => attentionOracle.attention(q, k, v, { causal: true, prefixK, prefixV }).out,
      }));
  });
});
