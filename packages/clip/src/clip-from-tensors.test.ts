import { randomFrom, Tape } from '@mudpt/autograd';
import {
  CLIP_CONFIGS,
  clipFromTensors,
  type ClipConfig,
  type HostTensor,
  randomClip,
  randomWeights,
  weightShapes,
} from '@mudpt/clip';
import { full, tensor, type Tensor } from '@mudpt/tensor';
import { describe, expect, it } from 'vitest';
import { eachDevice } from '@mudpt/testing/support';
import { distance, numbers } from '@mudpt/testing/numbers';
import { TINY, tinyClip, tinyWeights } from '@mudpt/testing/models/odd-clip';

const SIZE = TINY.image.size;

eachDevice('clipFromTensors', (ctx) => {
  const image = (): Tensor => tensor(numbers(3 * SIZE * SIZE, 8), { shape: [1, 3, SIZE, SIZE], device: ctx.device });

  it('takes over tensors on the device, and gives all weights back by name', async () => {
    const host = tinyWeights();
    const onDevice = Object.fromEntries(
      Object.entries(host).map(([name, { data, shape }]) => [name, tensor(data, { shape, device: ctx.device })]),
    );
    using clip = clipFromTensors(TINY, onDevice, { device: ctx.device });
    using other = tinyClip({ device: ctx.device });
    using x = image();
    using one = await clip.encodeImage(x);
    using two = await other.encodeImage(x);
    expect(await one.data()).toEqual(await two.data());
    const back = new Map([...other.weights()]);
    expect([...back.keys()].sort()).toEqual(Object.keys(host).sort());
    for (const [name, weight] of back) {
      expect(weight.shape, name).toEqual(host[name]?.shape);
      expect('storage' in weight ? await weight.data() : weight.data, name).toEqual(host[name]?.data);
    }
  });

  it('names what is missing, unknown or of another shape, and takes nothing over then', () => {
    const { 'visual.proj': _left, ...weights } = tinyWeights();
    using kept = tensor([1], { device: ctx.device });
    const create = (given: Record<string, HostTensor | Tensor>) => () => clipFromTensors(TINY, given, { device: ctx.device });
    expect(create({ ...weights, surprise: kept })).toThrow(/missing: visual\.proj; unknown: surprise/);
    expect(create({ ...weights, 'visual.proj': kept })).toThrow(
      /visual\.proj has shape \[1\] and 1 elements, \[24, 10\] is expected/,
    );
    const short = { shape: [24, 10], dtype: 'f32', data: new Float32Array(7) } as const;
    expect(create({ ...weights, 'visual.proj': short })).toThrow(/7 elements/);
    expect(kept.isDisposed).toBe(false);
    expect(() => clipFromTensors(TINY, {}, { device: ctx.device, towers: [] })).toThrow(/towers \(none\)/);
  });

  it('keeps matrices as f16 on request, and reads f16 words', async () => {
    if (!ctx.device.hasF16) {
      expect(() => tinyClip({ device: ctx.device, dtype: 'f16' })).toThrow(/shader-f16/);
      return;
    }
    using exact = tinyClip({ device: ctx.device });
    const before = ctx.device.memory().liveBytes;
    using half = tinyClip({ device: ctx.device, dtype: 'f16' });
    const bytes = ctx.device.memory().liveBytes - before;
    using x = image();
    using one = await half.encodeImage(x);
    using two = await exact.encodeImage(x);
    const gap = distance(await one.data(), await two.data());
    expect(gap).toBeGreaterThan(1e-6);
    expect(gap).toBeLessThan(1e-2);
    // Gradients pass through them, in f32.
    using prompt = tensor(numbers(2 * TINY.image.width, 9), { shape: [2, TINY.image.width], device: ctx.device });
    const slopes = [half, exact].map((clip) => {
      using tape = new Tape();
      tape.watch(prompt);
      using features = clip.image?.forward(x, { prompts: { at: 'end', layers: [prompt] } }) as Tensor;
      using ones = full(features.shape, 1, { device: ctx.device });
      return tape.backward(features, ones);
    });
    const [first = [], second = []] = await Promise.all(slopes.map((gradients) => gradients.of(prompt).data()));
    expect(distance(first, second)).toBeLessThan(2e-2);
    for (const gradients of slopes) gradients.dispose();
    using text = await half.encodeText([[28, 4, 29]]);
    using same = await exact.encodeText([[28, 4, 29]]);
    expect(distance(await text.data(), await same.data())).toBeLessThan(1e-2);
    const all = [...weightShapes(TINY)].filter(([name]) => name !== 'token_embedding.weight');
    const floats = all.reduce((sum, [, shape]) => sum + shape.reduce((product, size) => product * size, 1), 0);
    expect(bytes).toBeLessThan(4 * floats * 0.6);
    const words = Object.fromEntries(
      Object.entries(tinyWeights()).map(([name, { shape, data }]) => [
        name,
        { shape, dtype: 'f16', data: Uint16Array.from(data, (v) => (v === 0 ? 0 : v > 0 ? 0x3c00 : 0xbc00)) } as const,
      ]),
    );
    using fromWords = clipFromTensors(TINY, words, { device: ctx.device, dtype: 'f32' });
    const proj = fromWords.image?.projection;
    expect([...((await proj?.data()) ?? [])].every((v) => v === 1 || v === -1)).toBe(true);
    using row = fromWords.text?.tokens.rows(Int32Array.of(3, 3, 1)) as Tensor;
    expect(row.shape).toEqual([3, TINY.text.width]);
    expect([...(await row.data())].every((v) => v === 1 || v === -1)).toBe(true);
    using widened = clipFromTensors(TINY, words, { device: ctx.device, trainable: true });
    expect(new Set(widened.parameters().map(({ dtype }) => dtype))).toEqual(new Set(['f32']));
    expect(() => tinyClip({ device: ctx.device, dtype: 'f16', trainable: true })).toThrow(/cannot be f16/);
  });

  it('is frozen unless asked for otherwise', () => {
    using clip = tinyClip({ device: ctx.device });
    expect(clip.parameters()).toEqual([]);
    expect(clip.text?.tokens.weight).toBeUndefined();
    using learnt = tinyClip({ device: ctx.device, trainable: true });
    expect(learnt.parameters().length).toBe(weightShapes(TINY).size);
    using text = tinyClip({ device: ctx.device, towers: ['text'], trainable: true });
    expect(text.image).toBeUndefined();
    expect(text.parameters().length).toBe(weightShapes(TINY, ['text']).size);
  });

  it('of random weights is the same for the same seed', async () => {
    using a = randomClip(TINY, randomFrom(3), { device: ctx.device });
    using b = randomClip(TINY, randomFrom(3), { device: ctx.device });
    using x = image();
    using one = await a.encodeImage(x);
    using two = await b.encodeImage(x);
    expect(await one.data()).toEqual(await two.data());
    expect(await a.logitScale.item()).toBeCloseTo(Math.log(1 / 0.07), 6);
  });
});

describe('randomWeights', () => {
  it("have the spreads of OpenAI's initialisation", () => {
    const { text, image } = CLIP_CONFIGS['ViT-B/16'];
    const config: ClipConfig = { embed: 512, image: { ...image, layers: 1 }, text: { ...text, layers: 1, vocabulary: 500 } };
    const weights = randomWeights(config);
    const deviation = (name: string): number => {
      const data = Float32Array.from(weights[name]?.data ?? []);
      const mean = data.reduce((sum, v) => sum + v, 0) / data.length;
      return Math.sqrt(data.reduce((sum, v) => sum + (v - mean) ** 2, 0) / data.length);
    };
    const uniform = (bound: number): number => bound / Math.sqrt(3);
    const expected: Record<string, number> = {
      'token_embedding.weight': 0.02,
      positional_embedding: 0.01,
      text_projection: 512 ** -0.5,
      'visual.proj': 768 ** -0.5,
      'visual.class_embedding': 768 ** -0.5,
      'visual.positional_embedding': 768 ** -0.5,
      'visual.conv1.weight': uniform((3 * 256) ** -0.5),
      'transformer.resblocks.0.attn.in_proj_weight': 512 ** -0.5,
      'transformer.resblocks.0.attn.in_proj_bias': 0,
      'transformer.resblocks.0.attn.out_proj.weight': 512 ** -0.5 * 2 ** -0.5,
      'transformer.resblocks.0.attn.out_proj.bias': 0,
      'transformer.resblocks.0.mlp.c_fc.weight': 1024 ** -0.5,
      'transformer.resblocks.0.mlp.c_fc.bias': uniform(512 ** -0.5),
      'transformer.resblocks.0.mlp.c_proj.weight': 512 ** -0.5 * 2 ** -0.5,
      'transformer.resblocks.0.mlp.c_proj.bias': uniform(2048 ** -0.5),
      'visual.transformer.resblocks.0.attn.in_proj_weight': uniform(Math.sqrt(6 / (4 * 768))),
      'visual.transformer.resblocks.0.attn.out_proj.weight': uniform(768 ** -0.5),
      'visual.transformer.resblocks.0.mlp.c_fc.weight': uniform(768 ** -0.5),
      'visual.transformer.resblocks.0.mlp.c_proj.weight': uniform(3072 ** -0.5),
      'visual.ln_pre.weight': 0,
      'ln_final.bias': 0,
    };
    for (const [name, value] of Object.entries(expected)) {
      if (value === 0) expect(deviation(name), name).toBe(0);
      else expect(Math.abs(deviation(name) / value - 1), name).toBeLessThan(0.08);
    }
    expect(weights['visual.ln_post.weight']?.data.every((v) => v === 1)).toBe(true);
    expect(weights['ln_final.bias']?.data.every((v) => v === 0)).toBe(true);
  }, 60_000);
});
