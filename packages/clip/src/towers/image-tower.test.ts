import { Tape } from '@mudpt/autograd';
import type { BlockHook, ImageTower } from '@mudpt/clip';
import { alias, capture, cat, expand, mul, narrow, reshape, scope, sum, tensor, type Tensor } from '@mudpt/tensor';
import { expect, it } from 'vitest';
import { eachDevice } from '@mudpt/testing/support';
import { imageReference, type Rows } from '@mudpt/testing/reference/clip';
import { distance, numbers, rowOf } from '@mudpt/testing/numbers';
import { TINY, tinyClip, tinyWeights } from '@mudpt/testing/models/odd-clip';

const { size, width, layers, patch } = TINY.image;
const AREA = 3 * size * size;

eachDevice('ImageTower', (ctx) => {
  const onDevice = (values: Float32Array, shape: readonly number[]): Tensor => tensor(values, { shape, device: ctx.device });
  const pixels = (count: number): Float32Array => numbers(count * AREA, 3);
  const images = (count: number): Tensor => onDevice(pixels(count), [count, 3, size, size]);
  const imageOf = (clip: { readonly image: ImageTower | undefined }): ImageTower => {
    if (!clip.image) throw new Error('the model has no image tower');
    return clip.image;
  };
  const rowsOf = (values: Float32Array): Rows =>
    Array.from({ length: values.length / width }, (_, row) => rowOf(values, row, width));

  for (const count of [1, 3]) {
    it(`gives the features of the f64 reference for ${count} images, both activations`, async () => {
      for (const activation of ['quick_gelu', 'gelu'] as const) {
        const config = { ...TINY, image: { ...TINY.image, activation } };
        using clip = tinyClip({ device: ctx.device, towers: ['image'] }, config);
        using x = images(count);
        using features = imageOf(clip).forward(x);
        const values = await features.data();
        for (let index = 0; index < count; index += 1) {
          const expected = imageReference(config, tinyWeights(), pixels(count).subarray(index * AREA, (index + 1) * AREA));
          expect(distance(rowOf(values, index, TINY.embed), expected)).toBeLessThan(1e-5);
        }
      }
    });
  }

  it('appends prompt tokens after the patches, lets a hook replace them, and gives both their gradients', async () => {
    using clip = tinyClip({ device: ctx.device });
    const tower = imageOf(clip);
    const [count, depth] = [2, 2];
    const patches = 1 + (size / patch) ** 2;
    using x = images(count);
    const prompts = Array.from({ length: layers }, (_, layer) => onDevice(numbers(depth * width, 20 + layer), [depth, width]));
    using cotangent = onDevice(numbers(count * TINY.embed, 30), [count, TINY.embed]);
    const hook: BlockHook = (tokens, layer) => {
      if (layer === 0) return tokens;
      const prompt = expand(reshape(prompts[layer] as Tensor, [1, depth, width]), [count, depth, width]);
      return cat([narrow(tokens, 1, 0, patches), prompt], 1);
    };
    const values = await Promise.all(prompts.map((prompt) => prompt.data()));
    const referenceAt = (step: number, direction: readonly Float32Array[]): Float64Array[] =>
      Array.from({ length: count }, (_, index) => {
        const moved = values.map((prompt, layer) =>
          rowsOf(Float32Array.from(prompt)).map((row, r) =>
            row.map((v, i) => v + step * (direction[layer]?.[r * width + i] ?? 0)),
          ),
        );
        return imageReference(TINY, tinyWeights(), pixels(count).subarray(index * AREA, (index + 1) * AREA), {
          append: moved[0] ?? [],
          hook: (rows, layer) => (layer === 0 ? rows : [...rows.slice(0, patches), ...(moved[layer] ?? [])]),
        });
      });

    const at = 'end';
    const shallow = { at, layers: prompts.slice(0, 1) } as const;
    using tape = new Tape();
    for (const prompt of prompts) tape.watch(prompt);
    using features = tower.forward(x, { prompts: shallow, hook });
    const saved = tape.savedBytes;
    using loss = scope(() => sum(mul(features, cotangent)));
    using gradients = tape.backward(loss);
    tape.dispose();
    using again = new Tape();
    for (const prompt of prompts) again.watch(prompt);
    using recomputed = tower.forward(x, { prompts: shallow, hook, recompute: true });
    const savedOfBlocks = again.savedBytes;
    using anew = again.backward(recomputed, cotangent);
    again.dispose();
    using third = new Tape();
    for (const prompt of prompts) third.watch(prompt);
    using inHalves = tower.forward(x, { prompts: shallow, hook, recompute: 'selective' });
    expect(third.savedBytes).toBeLessThan(saved);
    expect(savedOfBlocks).toBeLessThan(third.savedBytes);
    using selected = third.backward(inHalves, cotangent);
    third.dispose();
    for (const prompt of prompts)
      for (const other of [anew, selected]) expect(await other.of(prompt).data()).toEqual(await gradients.of(prompt).data());
    // The same without a hook: what blocks make of tokens that the next one replaces is left out.
    for (const [recompute, end] of [
      [false, layers],
      [true, layers],
      ['selective', layers],
      [false, layers - 1],
    ] as const) {
      using short = new Tape();
      for (const prompt of prompts) short.watch(prompt);
      const ends: BlockHook = (tokens, layer) => (layer < end ? hook(tokens, layer) : tokens);
      using expected = end === layers ? alias(features) : tower.forward(x, { prompts: shallow, hook: ends });
      using left = tower.forward(x, { prompts: { at, layers: prompts.slice(0, end) }, recompute });
      expect(distance(await left.data(), await expected.data())).toBeLessThan(1e-6);
      using shortGradients = short.backward(left, cotangent);
      if (end < layers) continue;
      for (const prompt of prompts)
        expect(distance(await shortGradients.of(prompt).data(), await gradients.of(prompt).data())).toBeLessThan(1e-5);
    }
    // Tokens may enter later, and may be given anew now and then.
    for (const some of [[0, 2], [1], [1, 2], [2]]) {
      const chosen = prompts.map((prompt, layer) => (some.includes(layer) ? prompt : undefined));
      using rows = scope(() => expand(reshape(prompts[0] as Tensor, [1, depth, width]), [count, depth, width]));
      const enters: BlockHook = (tokens, layer) => {
        if (layer === 0 || !chosen[layer]) return tokens;
        return hook(tokens.shape[1] === patches ? cat([tokens, rows], 1) : tokens, layer);
      };
      using expected = tower.forward(x, { ...(chosen[0] && { prompts: shallow }), hook: enters });
      using actual = tower.forward(x, { prompts: { at, layers: chosen } });
      expect(distance(await actual.data(), await expected.data()), some.join()).toBeLessThan(1e-6);
    }
    const seen: string[] = [];
    using watched = tower.forward(x, {
      prompts: { at, layers: prompts },
      hook: (tokens) => {
        seen.push(tokens.shape.join());
        return tokens;
      },
    });
    expect(seen).toEqual(Array.from({ length: layers }, () => [count, patches + depth, width].join()));
    expect(distance(await watched.data(), await features.data())).toBeLessThan(1e-6);
    using tokens = tower.patches(x);
    using hidden = tower.hidden(tokens, { prompts: shallow, hook });
    using hiddenLater = tower.hidden(tokens, { prompts: { at, layers: prompts } });
    expect(distance(await hiddenLater.data(), await hidden.data())).toBeLessThan(1e-5);
    using whole = tower.project(hidden);
    const actual = await features.data();
    expect(distance(await whole.data(), actual)).toBeLessThan(1e-6);
    for (const [index, expected] of referenceAt(0, []).entries())
      expect(distance(rowOf(actual, index, TINY.embed), expected)).toBeLessThan(1e-5);

    const cot = await cotangent.data();
    for (const [layer, prompt] of prompts.entries()) {
      const direction = prompts.map((_, other) =>
        other === layer ? numbers(depth * width, 70) : new Float32Array(depth * width),
      );
      const total = (step: number): number =>
        referenceAt(step, direction).reduce(
          (all, row, index) => all + row.reduce((part, v, i) => part + v * (cot[index * TINY.embed + i] ?? 0), 0),
          0,
        );
      const slope = (total(1e-5) - total(-1e-5)) / 2e-5;
      const gradient = Float32Array.from(await gradients.of(prompt).data());
      const product = gradient.reduce((all, v, i) => all + v * (direction[layer]?.[i] ?? 0), 0);
      expect(Math.abs(product - slope) / Math.abs(slope), `layer ${layer}`).toBeLessThan(1e-4);
    }
    for (const prompt of prompts) prompt.dispose();
  });

  it('costs no weight gradients while frozen: 7 kernels a block forward, 9 backward', async () => {
    using clip = tinyClip({ device: ctx.device });
    const tower = imageOf(clip);
    using prompt = onDevice(numbers(width, 4), [1, width]);
    using x = images(2);
    const promptsOf = ({ prompt: tokens }: { prompt: Tensor }) => ({ prompts: { at: 'end', layers: [tokens] } as const });
    using forward = capture((inputs: { x: Tensor; prompt: Tensor }) => tower.forward(inputs.x, promptsOf(inputs)));
    forward({ x, prompt });
    using both = capture((inputs: { x: Tensor; prompt: Tensor }) => {
      using tape = new Tape();
      tape.watch(inputs.prompt);
      const features = tower.forward(inputs.x, promptsOf(inputs));
      return [...tape.backward(features, features).values()];
    });
    expect(both({ x, prompt }).length).toBe(1);
    const before = forward.plans[0]?.steps ?? [];
    const all = both.plans[0]?.steps ?? [];
    // Around the blocks: copy, product, two joins, positions, norm; norm, product.
    expect(before.length, before.join('\n')).toBeLessThanOrEqual(7 * layers + 11);
    expect(all.length - before.length, all.join('\n')).toBeLessThanOrEqual(9 * layers + 14);
    expect(all.filter((step) => /norm\.parameters|gemm\.columns|VA=m/.test(step))).toEqual([]);
    const trainable = tinyClip({ device: ctx.device, trainable: true });
    using _owned = trainable;
    using tape = new Tape();
    using features = imageOf(trainable).forward(x);
    using gradients = tape.backward(features, features);
    // All but the key biases' exact zeros are seen; every weight of the tower has a gradient.
    expect(gradients.size).toBe(imageOf(trainable).parameters().length);
    expect(imageOf(trainable).parameters().length).toBe([...imageOf(trainable).weights()].length);
  });

  it('gives the same features of patches in any order, with the places that they have', async () => {
    using clip = tinyClip({ device: ctx.device });
    const tower = imageOf(clip);
    using x = images(2);
    using expected = tower.forward(x);
    const across = size / patch;
    const values = pixels(2);
    // The second image's patches come last first.
    const places = [0, 1].map((image) => Array.from({ length: across ** 2 }, (_, at) => (image ? across ** 2 - 1 - at : at)));
    const windows = places.flatMap((list, image) =>
      list.flatMap((place) =>
        Array.from({ length: 3 * patch * patch }, (_, at) => {
          const [channel, row, column] = [Math.floor(at / patch ** 2), Math.floor(at / patch) % patch, at % patch];
          const [top, left] = [Math.floor(place / across) * patch, (place % across) * patch];
          return values[((image * 3 + channel) * size + top + row) * size + left + column] ?? Number.NaN;
        }),
      ),
    );
    using rows = onDevice(Float32Array.from(windows), [2, across ** 2, 3 * patch * patch]);
    using order = tensor(Int32Array.from(places.flat()), { shape: [2, across ** 2], device: ctx.device });
    using tokens = tower.somePatches(rows, order);
    using features = tower.features(tokens);
    expect(distance(await features.data(), await expected.data())).toBeLessThan(1e-6);
    using one = narrow(rows, 1, 0, 1);
    expect(() => tower.somePatches(one, order)).toThrow(/places \[2, 9\]/);
  });

  it('says what is wrong with images and rows', () => {
    using clip = tinyClip({ device: ctx.device });
    const tower = imageOf(clip);
    using small = onDevice(numbers(3 * 16, 1), [1, 3, 4, 4]);
    using none = onDevice(new Float32Array(0), [0, 3, size, size]);
    using one = images(1);
    using rows = onDevice(numbers(5, 1), [1, 5]);
    expect(() => tower.forward(small)).toThrow(/images have shape \[1, 3, 4, 4\]\. Give at least one image: \[B, 3, 12, 12\]/);
    expect(() => tower.forward(none)).toThrow(/at least one image/);
    const prompted = (...prompts: (Tensor | undefined)[]) => tower.forward(one, { prompts: { at: 'end', layers: prompts } });
    expect(() => prompted(rows)).toThrow(/the prompt of block 0 has shape \[1, 5\]. Give tokens \[n, 24\]/);
    using prompt = onDevice(numbers(width, 1), [1, width]);
    using two = onDevice(numbers(2 * width, 1), [2, width]);
    expect(() => prompted(prompt, rows)).toThrow(/the prompt of block 1 has shape \[1, 5\]/);
    expect(() => prompted(prompt, undefined, two)).toThrow(/the prompt of block 2 has shape \[2, 24\], an earlier one \[1, 24\]/);
    expect(() => prompted(prompt, ...Array.from({ length: layers }, () => prompt))).toThrow(/4 blocks, and there are 3/);
    expect(() => tower.forward(one, { prompts: { at: -1, layers: [] } })).toThrow(/prompts stand at -1/);
  });
});
