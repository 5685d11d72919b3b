import { Tape } from '@mudpt/autograd';
import type { StackOptions, TextTower } from '@mudpt/clip';
import {
  capture,
  cat,
  expand,
  keep,
  mul,
  narrow,
  type PackedSequences,
  reshape,
  scope,
  sum,
  tensor,
  type Tensor,
} from '@mudpt/tensor';
import { expect, it } from 'vitest';
import { eachDevice } from '@mudpt/testing/support';
import { textReference } from '@mudpt/testing/reference/clip';
import { distance, numbers, rowOf } from '@mudpt/testing/numbers';
import { TINY, tinyClip, tinyWeights } from '@mudpt/testing/models/odd-clip';

const { width, layers, context } = TINY.text;
const [SOT, EOT] = [28, 29];
/** Texts of one to nine tokens between start and end; the longest fills the context. */
const NAMES = [[3], [7, 7, 2], [], [1, 2, 3, 4, 5, 6, 7, 8, 9], [14, 3]];
const TEXTS = NAMES.map((name) => [SOT, ...name, EOT]);

eachDevice('TextTower', (ctx) => {
  const onDevice = (values: Float32Array, shape: readonly number[]): Tensor => tensor(values, { shape, device: ctx.device });
  const textOf = (clip: { readonly text: TextTower | undefined }): TextTower => {
    if (!clip.text) throw new Error('the model has no text tower');
    return clip.text;
  };

  it('gives the features of the f64 reference, for rows of any length', async () => {
    using clip = tinyClip({ device: ctx.device, towers: ['text'] }, TINY);
    const weights = tinyWeights();
    for (const texts of [TEXTS, [[EOT]], [[SOT, EOT]], [[SOT, 4, EOT, 9, 9]]]) {
      using features = textOf(clip).forward(texts);
      const values = await features.data();
      for (const [index, text] of texts.entries()) {
        const expected = textReference(TINY, weights, text, text.indexOf(EOT));
        expect(distance(rowOf(values, index, TINY.embed), expected), text.join()).toBeLessThan(1e-5);
      }
    }
  });

  it('does not depend on padding, its value, or the length of the rows', async () => {
    using clip = tinyClip({ device: ctx.device });
    const tower = textOf(clip);
    using short = tower.forward(TEXTS);
    const padded = TEXTS.map((text) => [...text, ...Array.from({ length: context - text.length }, (_, i) => i % 5)]);
    using long = tower.forward(padded);
    using ids = tensor(Int32Array.from(padded.flat()), { shape: [TEXTS.length, context], device: ctx.device });
    expect(distance(await long.data(), await short.data())).toBeLessThan(1e-6);
    expect(() => tower.forward(ids)).toThrow(/tokensOnDevice/);
    using other = tinyClip({ device: ctx.device, tokensOnDevice: true });
    using onlyIds = textOf(other).forward(ids);
    expect(await onlyIds.data()).toEqual(await long.data());
  });

  it('packs texts after any number of shared tokens, and without any', async () => {
    using clip = tinyClip({ device: ctx.device });
    const tower = textOf(clip);
    const shared = [SOT, 5, 6];
    const texts = NAMES.map((name) => [...shared, ...name, EOT]).filter((text) => text.length <= context);
    using dense = tower.forward(texts);
    for (const count of [0, 1, 2, 3]) {
      const { prefixIds, rowIds, sequences, eot } = tower.pack(texts, count);
      using _tables = sequences;
      using prefix = count > 0 ? tower.tokens.rows(prefixIds) : undefined;
      using rows = tower.tokens.rows(rowIds);
      using packed = tower.forwardPacked({ prefix, rows, sequences, eot });
      using whole = scope(() =>
        tower.project(
          tower.hidden(tower.embed(texts)),
          texts.map((text) => text.length - 1),
        ),
      );
      expect(distance(await whole.data(), await dense.data())).toBeLessThan(1e-6);
      using byDefault = tower.forwardPacked({ prefix, rows, sequences });
      expect(distance(await packed.data(), await dense.data()), `${count} shared`).toBeLessThan(1e-6);
      expect(await byDefault.data()).toEqual(await packed.data());
      using placed = tower.placed(rows, sequences.lengths ?? [], count);
      using again = tower.forwardPacked({ prefix, rows: placed, arePlaced: true, sequences });
      expect(await again.data()).toEqual(await packed.data());
    }
  });

  for (const recompute of [false, true, 'selective'] as const) {
    it(`gives prompts in a prefix that a hook replaces at every layer the gradients of the dense path${recompute ? `, recompute: ${recompute}` : ''}`, async () => {
      using clip = tinyClip({ device: ctx.device });
      const tower = textOf(clip);
      const depth = 3;
      const prompts = Array.from({ length: layers }, (_, layer) => onDevice(numbers(depth * width, 40 + layer), [depth, width]));
      const names = NAMES.filter((name) => name.length + depth + 2 <= context);
      const count = names.length;
      using cotangent = onDevice(numbers(count * TINY.embed, 50), [count, TINY.embed]);

      const run = (forward: () => Tensor) => {
        using tape = new Tape();
        for (const prompt of prompts) tape.watch(prompt);
        using features = forward();
        using loss = scope(() => sum(mul(features, cotangent)));
        const gradients = tape.backward(loss);
        return { values: features.data(), gradients };
      };
      const promptOf = (layer: number): Tensor => prompts[layer] as Tensor;

      const denseHook: StackOptions['hook'] = (x, layer) =>
        layer === 0
          ? x
          : cat(
              [
                narrow(x, 1, 0, 1),
                expand(reshape(promptOf(layer), [1, depth, width]), [count, depth, width]),
                narrow(x, 1, 1 + depth, (x.shape[1] ?? 0) - 1 - depth),
              ],
              1,
            );
      const texts = names.map((name) => [SOT, ...Array.from({ length: depth }, () => 0), ...name, EOT]);
      const dense = run(() =>
        scope(() => {
          const embedded = tower.embed(texts);
          const length = embedded.shape[1] ?? 0;
          const first = expand(reshape(promptOf(0), [1, depth, width]), [count, depth, width]);
          const rest = narrow(embedded, 1, 1 + depth, length - 1 - depth);
          const embeddings = cat([narrow(embedded, 1, 0, 1), first, rest], 1);
          return tower.forward({ embeddings, eot: texts.map((text) => text.length - 1) }, { hook: denseHook });
        }),
      );

      const { rowIds, prefixIds, sequences } = tower.pack(texts, 1 + depth);
      using _tables = sequences;
      const hook: StackOptions['hook'] = (x, layer) => (layer === 0 ? x : cat([narrow(x, 0, 0, 1), promptOf(layer)]));
      const packed = run(() =>
        scope(() => {
          const start = narrow(tower.tokens.rows(prefixIds), 0, 0, 1);
          const prefix = cat([start, promptOf(0)]);
          using shared = sequences.share(); // gone before the backward
          return tower.forwardPacked({ prefix, rows: tower.tokens.rows(rowIds), sequences: shared }, { hook, recompute });
        }),
      );
      expect(distance(await packed.values, await dense.values)).toBeLessThan(1e-6);
      // The tower replaces as the hooks do.
      const replaced = { prompts: { at: 1, layers: [undefined, ...prompts.slice(1)] }, recompute };
      const given = run(() =>
        scope(() => {
          const prefix = cat([narrow(tower.tokens.rows(prefixIds), 0, 0, 1), promptOf(0)]);
          return tower.forwardPacked({ prefix, rows: tower.tokens.rows(rowIds), sequences }, replaced);
        }),
      );
      expect(await given.values).toEqual(await packed.values);
      for (const prompt of prompts)
        expect(await given.gradients.of(prompt).data()).toEqual(await packed.gradients.of(prompt).data());
      given.gradients.dispose();
      const texted = scope(() => {
        const embedded = tower.embed(texts);
        const first = expand(reshape(promptOf(0), [1, depth, width]), [count, depth, width]);
        const rest = narrow(embedded, 1, 1 + depth, (embedded.shape[1] as number) - 1 - depth);
        const embeddings = cat([narrow(embedded, 1, 0, 1), first, rest], 1);
        return tower.forward({ embeddings, eot: texts.map((text) => text.length - 1) }, replaced);
      });
      expect(distance(await texted.data(), await dense.values)).toBeLessThan(1e-6);
      texted.dispose();
      for (const [layer, prompt] of prompts.entries()) {
        const [one, other] = [packed.gradients.of(prompt), dense.gradients.of(prompt)];
        expect(distance(await one.data(), await other.data()), `layer ${layer}`).toBeLessThan(1e-5);
      }

      // The same inputs without a hook: what blocks make of a prefix that the next one is given is left out.
      const first = tower.embed([[SOT]]);
      const starts: Tensor[] = [];
      const remember: StackOptions['hook'] = (x) => {
        starts.push(keep(reshape(x, [1, width])));
        return x;
      };
      tower.hidden(first, { hook: remember }).dispose();
      for (const given of [layers - 1, 1]) {
        const early: StackOptions['hook'] = (x, layer) => (layer > given ? x : hook(x, layer));
        const inputs = (texts: PackedSequences) => {
          const prefix = cat([narrow(tower.tokens.rows(prefixIds), 0, 0, 1), promptOf(0)]);
          return { prefix, rows: tower.tokens.rows(rowIds), sequences: texts };
        };
        const hooked = run(() => scope(() => tower.forwardPacked(inputs(sequences), { hook: early })));
        const short = run(() =>
          scope(() => {
            using shared = sequences.share();
            const whole = prompts.slice(1, 1 + given).map((prompt, index) => cat([starts[index + 1] as Tensor, prompt]));
            return tower.forwardPacked(inputs(shared), { prompts: { at: 0, layers: [undefined, ...whole] }, recompute });
          }),
        );
        expect(distance(await short.values, await hooked.values)).toBeLessThan(1e-6);
        for (const prompt of prompts.slice(0, 1 + given)) {
          const [one, other] = [short.gradients.of(prompt), hooked.gradients.of(prompt)];
          expect(distance(await one.data(), await other.data()), `${given} given`).toBeLessThan(1e-5);
        }
        short.gradients.dispose();
        hooked.gradients.dispose();
      }
      for (const start of [first, ...starts]) start.dispose();

      // And those of central differences of the f64 reference, in one direction through all prompts.
      const weights = tinyWeights();
      const direction = prompts.map((_, layer) => numbers(depth * width, 60 + layer));
      const start = await Promise.all(prompts.map((prompt) => prompt.data()));
      const cot = await cotangent.data();
      const table = weights['token_embedding.weight']?.data ?? new Float32Array();
      const lossAt = (step: number): number => {
        const moved = start.map((values, layer) => Float64Array.from(values, (v, i) => v + step * (direction[layer]?.[i] ?? 0)));
        const rowsAt = (layer: number) => Array.from({ length: depth }, (_, r) => rowOf(moved[layer] ?? [], r, width));
        return texts.reduce((total, text, index) => {
          const rows = text.map((id, place) => (place > 0 && place <= depth ? rowsAt(0)[place - 1] : rowOf(table, id, width)));
          const features = textReference(TINY, weights, rows as Float64Array[], text.length - 1, {
            hook: (x, layer) => (layer === 0 ? x : [...x.slice(0, 1), ...rowsAt(layer), ...x.slice(1 + depth)]),
          });
          return total + features.reduce((all, v, i) => all + v * (cot[index * TINY.embed + i] ?? 0), 0);
        }, 0);
      };
      const slope = (lossAt(1e-5) - lossAt(-1e-5)) / 2e-5;
      let product = 0;
      for (const [layer, prompt] of prompts.entries()) {
        const gradient = await packed.gradients.of(prompt).data();
        gradient.forEach((v: number, i: number) => (product += v * (direction[layer]?.[i] ?? 0)));
      }
      expect(Math.abs(product - slope) / Math.abs(slope)).toBeLessThan(1e-4);
      packed.gradients.dispose();
      dense.gradients.dispose();
      for (const prompt of prompts) prompt.dispose();
    });
  }

  it('runs few kernels after a shared prefix, and none for frozen weights', () => {
    using clip = tinyClip({ device: ctx.device });
    const tower = textOf(clip);
    const { rowIds, sequences } = tower.pack(TEXTS, 1);
    using _tables = sequences;
    using rows = tower.tokens.rows(rowIds);
    using first = onDevice(numbers(width, 3), [1, width]);
    using forward = capture(({ prefix }: { prefix: Tensor }) => tower.forwardPacked({ prefix, rows, sequences }));
    forward({ prefix: first });
    using both = capture(({ prefix }: { prefix: Tensor }) => {
      using tape = new Tape();
      tape.watch(prefix);
      const features = tower.forwardPacked({ prefix, rows, sequences });
      return [...tape.backward(features, features).values()];
    });
    expect(both({ prefix: first }).length).toBe(1);
    const before = forward.plans[0]?.steps ?? [];
    const backward = (both.plans[0]?.steps ?? []).slice(before.length);
    // A block over two streams: each as a block alone, and three small kernels for the gradients of the shared keys and values.
    expect(before.length, before.join('\n')).toBeLessThanOrEqual(14 * layers + 4);
    expect(backward.length, backward.join('\n')).toBeLessThanOrEqual((10 + 10 + 5) * layers);
    expect(backward.filter((step) => /norm\.parameters|gemm\.columns|VA=m/.test(step))).toEqual([]);
  });

  it('says what is wrong with ids, ends, prefixes and hooks', () => {
    using clip = tinyClip({ device: ctx.device });
    const tower = textOf(clip);
    const { rowIds, sequences } = tower.pack(TEXTS, 1);
    using _tables = sequences;
    using rows = tower.tokens.rows(rowIds);
    using wrong = onDevice(numbers(3 * 5, 1), [3, 5]);
    using embeddings = onDevice(numbers(2 * 4 * width, 2), [2, 4, width]);
    expect(() => tower.forward([])).toThrow(/no text is given/);
    expect(() => tower.forward([[]])).toThrow(/no text is given/);
    expect(() => tower.forward([[SOT, 30]])).toThrow(/token 30 at position 1 of text 0 is not in the vocabulary of 30/);
    expect(() => tower.forward([Array.from({ length: 12 }, () => 1)])).toThrow(/12 tokens, the context holds 11/);
    expect(() => tower.forward({ embeddings, eot: [1, 4] })).toThrow(/the ends \[1, 4\]/);
    expect(() => tower.forward({ embeddings: rows, eot: [1] })).toThrow(/embeddings have shape/);
    expect(() => tower.pack(TEXTS, 2)).toThrow(/text 2 ends at position 1/);
    expect(() => tower.forwardPacked({ prefix: wrong, rows, sequences })).toThrow(/prefix has shape \[3, 5\]/);
    expect(() => tower.forwardPacked({ rows: wrong, sequences })).toThrow(/rows have shape \[3, 5\]/);
    expect(() => tower.forwardPacked({ rows, sequences }, { hook: (x) => x })).toThrow(/a hook is given but no prefix/);
    using prefix = onDevice(numbers(2 * width, 3), [2, width]);
    expect(() => tower.forwardPacked({ prefix, rows, sequences })).toThrow(/longest text has 12 rows/);
    using first = onDevice(numbers(width, 3), [1, width]);
    const packed = { prefix: first, rows, sequences };
    const prompted = (at: number | 'end', ...prompts: (Tensor | undefined)[]) =>
      tower.forwardPacked(packed, { prompts: { at, layers: prompts } });
    expect(() => prompted(0, undefined, wrong)).toThrow(/the prompt of block 1 has shape \[3, 5\]/);
    expect(() => prompted(0, ...Array.from({ length: layers + 1 }, () => first))).toThrow(/prompts are given for/);
    expect(() => prompted(1, first)).toThrow(/1 prompt tokens from place 1 on do not fit into 1 tokens/);
    expect(() => prompted('end', first)).toThrow(/under the causal mask no text sees them/);
    const unplaced = { prompts: { at: 0, layers: [first] } };
    expect(() => tower.forwardPacked({ rows, sequences }, unplaced)).toThrow(/do not fit into 0 tokens/);
    expect(() => tower.forwardPacked({ prefix: first, rows, sequences }, { hook: () => wrong })).toThrow(
      /hook gave a prefix of shape \[3, 5\]/,
    );
  });
});
