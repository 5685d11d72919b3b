/** Adapters, tokens of each text and inserted tokens: on packed and dense texts, with blocks computed twice, merged or not. */
import { Tape } from '@mudpt/autograd';
import { type BlockAdapter, type BlockProduct, type Clip, type HostTensor, type StackOptions } from '@mudpt/clip';
import { add, cat, expand, linear, mul, narrow, reshape, scope, sum, tensor, type Tensor } from '@mudpt/tensor';
import { expect, it } from 'vitest';
import { eachDevice } from '@mudpt/testing/support';
import { imageReference, textReference } from '@mudpt/testing/reference/clip';
import { distance, numbers, rowOf } from '@mudpt/testing/numbers';
import { TINY, tinyClip, tinyWeights } from '@mudpt/testing/models/odd-clip';

const { width, layers } = TINY.text;
const [SOT, EOT] = [28, 29];
const SHARED = [SOT, 5, 6];
const TEXTS = [[3], [7, 7, 2], [], [14, 3, 9, 9, 1]].map((name) => [...SHARED, ...name, EOT]);
const ENDS = TEXTS.map((text) => text.length - 1);
const SCALE = 0.7;

/** Where the rows of each product begin in a weight of OpenAI's layout, and how many there are. */
const ROWS: Readonly<Record<BlockProduct, (of: { width: number; hidden: number }) => readonly [string, number, number, number]>> =
  {
    q: ({ width: d }) => ['attn.in_proj_weight', 0, d, d],
    k: ({ width: d }) => ['attn.in_proj_weight', d, d, d],
    v: ({ width: d }) => ['attn.in_proj_weight', 2 * d, d, d],
    out: ({ width: d }) => ['attn.out_proj.weight', 0, d, d],
    up: ({ width: d, hidden }) => ['mlp.c_fc.weight', 0, hidden, d],
    down: ({ width: d, hidden }) => ['mlp.c_proj.weight', 0, d, hidden],
  };

/** Products of each block that have an update, of other ranks each. */
const UPDATED: readonly (readonly BlockProduct[])[] = [['q', 'k', 'v', 'out', 'up', 'down'], [], ['k', 'down']];

eachDevice('adapters', (ctx) => {
  const onDevice = (values: Float32Array, shape: readonly number[]): Tensor => tensor(values, { shape, device: ctx.device });

  /** Updates of a tower, and the weights that they amount to. */
  const updatesOf = (tower: 'text' | 'image') => {
    const merged: Record<string, HostTensor> = tinyWeights();
    const adapters = UPDATED.map((products, layer): BlockAdapter | undefined => {
      const updates = products.map((product, index) => {
        const [name, first, outputs, inputs] = ROWS[product](TINY[tower]);
        const rank = 1 + index;
        const [a, b] = [numbers(rank * inputs, 60 + layer * 9 + index), numbers(outputs * rank, 90 + layer * 9 + index)];
        const path = `${tower === 'image' ? 'visual.' : ''}transformer.resblocks.${layer}.${name}`;
        const { data } = merged[path] as { data: Float32Array };
        for (let row = 0; row < outputs; row += 1)
          for (let column = 0; column < inputs; column += 1)
            for (let inner = 0; inner < rank; inner += 1)
              data[(first + row) * inputs + column]! += SCALE * b[row * rank + inner]! * a[inner * inputs + column]!;
        return [product, { a: onDevice(a, [rank, inputs]), b: onDevice(b, [outputs, rank]), scale: SCALE }] as const;
      });
      return updates.length > 0 ? { lowRank: Object.fromEntries(updates) } : undefined;
    });
    const learnt = adapters.flatMap((one) => Object.values(one?.lowRank ?? {}).flatMap(({ a, b }) => [a, b]));
    return { adapters, learnt, merged };
  };
  const merging = (adapters: readonly (BlockAdapter | undefined)[]) => adapters.map((one) => one && { ...one, merge: true });

  /** Tables of packed texts: they live until the backward is done. */
  const tables: Disposable[] = [];
  const disposeTables = (): void => {
    for (const table of tables.splice(0)) table[Symbol.dispose]();
  };

  const packed = (clip: Clip, options: StackOptions, shared: number): Tensor => {
    const { text } = clip;
    if (!text) throw new Error('no text tower');
    return scope(() => {
      const { prefixIds, rowIds, sequences, eot } = text.pack(TEXTS, shared);
      tables.push(sequences);
      const [prefix, rows] = [text.tokens.rows(prefixIds), text.tokens.rows(rowIds)];
      return text.forwardPacked({ prefix, rows, sequences, eot }, options);
    });
  };

  /** Values of `forward`, and the gradients of `learnt`. */
  const learn = async (forward: () => Tensor, learnt: readonly Tensor[]) => {
    using tape = new Tape();
    for (const one of learnt) tape.watch(one);
    using features = forward();
    using loss = scope(() => sum(mul(features, onDevice(numbers(features.size, 51), features.shape))));
    using gradients = tape.backward(loss);
    const read = learnt.map(async (one) => Array.from(await gradients.of(one).data()));
    return { values: await features.data(), gradients: (await Promise.all(read)).flat() };
  };

  it('low-rank updates of any product are those of the merged weights, in texts and images', async () => {
    using clip = tinyClip({ device: ctx.device });
    const [text, image] = [clip.text!, clip.image!];
    await scope(async () => {
      const ofText = updatesOf('text');
      for (const adapters of [ofText.adapters, merging(ofText.adapters)]) {
        const values = await text.forward(TEXTS, { adapters }).data();
        for (const [index, ids] of TEXTS.entries())
          expect(
            distance(rowOf(values, index, TINY.embed), textReference(TINY, ofText.merged, ids, ids.length - 1)),
          ).toBeLessThan(2e-5);
      }
      const ofImage = updatesOf('image');
      const pixels = numbers(3 * TINY.image.size ** 2, 3);
      const images = onDevice(pixels, [1, 3, TINY.image.size, TINY.image.size]);
      for (const adapters of [ofImage.adapters, merging(ofImage.adapters)]) {
        const values = await image.forward(images, { adapters }).data();
        expect(distance(values, imageReference(TINY, ofImage.merged, pixels))).toBeLessThan(2e-5);
      }
    });
  });

  it('packed texts and blocks computed twice give the gradients of dense ones', async () => {
    using clip = tinyClip({ device: ctx.device });
    const text = clip.text!;
    await scope(async () => {
      const { adapters, learnt } = updatesOf('text');
      const beside = onDevice(numbers(width * width, 70), [width, width]);
      adapters[1] = { parallel: (normed, residual) => linear(normed, beside, undefined, { residual }) };
      const all = [...learnt, beside];
      const dense = await learn(() => text.forward(TEXTS, { adapters }), all);
      for (const recompute of [false, true, 'selective'] as const)
        for (const forward of [
          () => packed(clip, { adapters, recompute }, SHARED.length),
          () => packed(clip, { adapters, recompute }, 1),
          () => text.forward(TEXTS, { adapters, recompute }),
        ]) {
          const found = await learn(forward, all);
          expect(distance(found.values, dense.values)).toBeLessThan(2e-6);
          expect(distance(Float32Array.from(found.gradients), Float32Array.from(dense.gradients))).toBeLessThan(5e-6);
        }
      disposeTables();
    });
  });

  it('tokens of each text, and inserted ones, are those that a hook puts there', async () => {
    using clip = tinyClip({ device: ctx.device });
    const text = clip.text!;
    await scope(async () => {
      const [count, n] = [TEXTS.length, 2];
      const ofEach = onDevice(numbers(count * n * width, 31), [count, n, width]);
      const ofAll = onDevice(numbers(n * width, 32), [n, width]);
      const after = (x: Tensor, from: number): Tensor => narrow(x, 1, from, (x.shape[1] as number) - from);
      const replacing: StackOptions['hook'] = (x, layer) =>
        layer === 1 ? cat([narrow(x, 1, 0, 1), ofEach, after(x, 1 + n)], 1) : x;
      const spread = () => expand(reshape(ofAll, [1, n, width]), [count, n, width]);
      const inserting: StackOptions['hook'] = (x, layer) => {
        if (layer === 0) return x;
        return cat([narrow(x, 1, 0, 1), spread(), after(x, layer === 1 ? 1 : 1 + n)], 1);
      };
      const hooked = (hook: StackOptions['hook'], moved: number) => () =>
        scope(() =>
          text.project(
            text.hidden(text.embed(TEXTS), { ...(hook && { hook }) }),
            ENDS.map((end) => end + moved),
          ),
        );
      const each = { at: 1, layers: [undefined, ofEach] } as const;
      const inserted = {
        at: 1,
        inserted: true,
        layers: Array.from({ length: layers }, (_, layer) => (layer > 0 ? ofAll : undefined)),
      };
      const expected = [await learn(hooked(replacing, 0), [ofEach]), await learn(hooked(inserting, n), [ofAll])] as const;
      for (const recompute of [false, true, 'selective'] as const)
        for (const [index, prompts, shares] of [
          [0, each, [1]],
          [1, inserted, [1, 3]],
        ] as const) {
          const runs = [
            () => text.forward(TEXTS, { prompts, recompute }),
            ...shares.map((shared) => () => packed(clip, { prompts, recompute }, shared)),
          ];
          for (const run of runs) {
            const found = await learn(run, [index === 0 ? ofEach : ofAll]);
            expect(distance(found.values, expected[index].values)).toBeLessThan(2e-6);
            expect(distance(Float32Array.from(found.gradients), Float32Array.from(expected[index].gradients))).toBeLessThan(5e-6);
          }
        }
      expect(() => packed(clip, { prompts: each }, 2)).toThrow(
        /prompts of each text stand from place 1 on, and packed texts share/,
      );
      disposeTables();
      expect(() => text.forward(TEXTS, { prompts: { at: 1, layers: [narrow(ofEach, 0, 0, 2)] } })).toThrow(/\[2, 2, 16\]/);
    });
  });

  it('an adapter that does not fit is named', () => {
    using clip = tinyClip({ device: ctx.device });
    scope(() => {
      const a = onDevice(numbers(width, 1), [1, width]);
      const b = onDevice(numbers(width, 1), [width, 1]);
      const update = { a, b: add(b, 0), scale: 1 };
      expect(() => clip.text!.forward(TEXTS, { adapters: [undefined, { lowRank: { up: update } }] })).toThrow(
        /the update of up in block 1 has a \[1, 16\] and b \[16, 1\].*b \[36, rank\]/,
      );
      expect(() => clip.text!.forward(TEXTS, { adapters: Array.from({ length: layers + 1 }, () => undefined) })).toThrow(
        /adapters are given for 4 blocks/,
      );
    });
  });
});
