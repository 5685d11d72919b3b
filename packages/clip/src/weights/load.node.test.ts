import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  float32ToFloat16,
  FormatError,
  openSafetensors,
  serializeSafetensors,
  tensor,
  type TensorToWrite,
  toFloat32,
  toInt32,
} from '@mudpt/tensor';
import { eachDevice } from '@mudpt/testing/support';
import { distance } from '@mudpt/testing/numbers';
import { fixturePath } from '@mudpt/testing/files';
import { failureOf } from '@mudpt/testing/failure';
import { fixture, FIXTURE_CONFIG, folder, sameBytes } from '@mudpt/testing/weights/models';
import { toHuggingFace } from './names/hugging-face-config.ts';
import { CLIP_MEAN, CLIP_STD } from '../preprocess/index.ts';
import { createTokenizer } from '../tokenizer/index.ts';
import { builtInVocabulary } from '../tokenizer/vocabulary.ts';
import type { Clip } from '../clip.ts';
import type { LoadProgress } from './hub/options.ts';
import { loadClip, type LoadClipOptions } from './load.ts';
import { openWeights } from './open.ts';
import { saveHuggingFace, serializeHuggingFace, weightsOf } from './save.ts';

let place: string;
beforeAll(async () => {
  place = await mkdtemp(join(tmpdir(), 'weights-'));
});
afterAll(() => rm(place, { recursive: true }));

/** The relative errors of both features against what PyTorch computes. */
async function errors(clip: Clip): Promise<number[]> {
  await using expected = await openSafetensors(await fixture('expected.safetensors'));
  const of = async (name: string) => {
    const { dtype, bytes } = await expected.read(name);
    return toFloat32(dtype, bytes);
  };
  const text = await expected.read('text');
  using images = tensor(await of('image'), { shape: [2, 3, 8, 8], device: clip.device });
  using image = await clip.encodeImage(images);
  using texts = await clip.encodeText({ ids: toInt32(text.dtype, text.bytes), contextLength: 8 });
  return [distance(await image.data(), await of('image_features')), distance(await texts.data(), await of('text_features'))];
}

const huggingFace = async (files: Record<string, string | Uint8Array> = {}) =>
  folder({
    'model.safetensors': await fixture('hf-f16.safetensors'),
    'config.json': JSON.stringify(toHuggingFace(FIXTURE_CONFIG)),
    ...files,
  });

eachDevice('loadClip', (ctx) => {
  const load = (input: Parameters<typeof loadClip>[0], options: Partial<LoadClipOptions> = {}) =>
    loadClip(input, { device: ctx.device, ...options });

  it.each(['state-dict-f32.pt', 'checkpoint-f16.pt', 'torchscript-f16.pt'])("gives PyTorch's features: %s", async (name) => {
    using clip = await load(fixturePath(`weights/${name}`));
    expect(Math.max(...(await errors(clip)))).toBeLessThan(1e-5);
    expect(clip.hash).toMatch(/^[0-9a-f]{64}$/);
  });

  it('tells every byte, and names the same model for every format', async () => {
    const seen: LoadProgress[] = [];
    using clip = await load(await huggingFace(), { onProgress: (progress) => seen.push(progress) });
    using other = await load(fixturePath('weights/state-dict-f32.pt'));
    expect(clip.hash).toBe(other.hash);
    expect(Math.max(...(await errors(clip)))).toBeLessThan(1e-5);
    expect(seen).toHaveLength(38);
    expect(seen.at(-1)).toEqual({ stage: 'load', item: 'ln_final.bias', loaded: 232_706, total: 232_706 });
  });

  it('another config, normalization or tokenizer makes another model of the same weights', async () => {
    using plain = await load(await huggingFace());
    const hashOf = async (files: Record<string, string>, options: Partial<LoadClipOptions> = {}): Promise<string | undefined> => {
      using clip = await load(await huggingFace(files), options);
      return clip.hash;
    };
    const config = toHuggingFace(FIXTURE_CONFIG) as { vision_config: object; text_config: object };
    const changed = (change: object) => JSON.stringify({ ...config, vision_config: { ...config.vision_config, ...change } });
    const standard = { image_mean: CLIP_MEAN, image_std: CLIP_STD };
    expect(await hashOf({ 'preprocessor_config.json': JSON.stringify(standard) })).toBe(plain.hash);
    const others = [
      await hashOf({ 'config.json': changed({ layer_norm_eps: 1e-3 }) }),
      await hashOf({ 'config.json': changed({ hidden_act: 'gelu' }) }),
      await hashOf({ 'preprocessor_config.json': JSON.stringify({ ...standard, image_mean: [0.5, 0.5, 0.5] }) }),
      await hashOf({}, { tokenizer: await createTokenizer({ mode: 'hf' }) }),
    ];
    expect(new Set([plain.hash, ...others]).size).toBe(5);
  });

  it('refuses weights that are not finite, or would not be as f16', async () => {
    const reader = await openSafetensors(await fixture('hf-f16.safetensors'));
    const changed = async (value: number, as: 'F16' | 'F32') => {
      const tensors = new Map<string, TensorToWrite>();
      for (const name of reader.tensors.keys()) {
        const { dtype, shape, bytes } = await reader.read(name);
        const values = toFloat32(dtype, bytes).slice();
        if (name === 'visual_projection.weight') values[3] = value;
        tensors.set(name, { dtype: as, shape, data: as === 'F16' ? float32ToFloat16(values) : values });
      }
      return huggingFace({ 'model.safetensors': serializeSafetensors(tensors) });
    };
    for (const [value, as] of [
      [Number.NaN, 'F16'],
      [Infinity, 'F16'],
      [Number.NaN, 'F32'],
      [-Infinity, 'F32'],
    ] as const) {
      const error = await failureOf(async () => load(await changed(value, as)));
      expect(error).toBeInstanceOf(FormatError);
      expect(error.message, `${value} ${as}`).toMatch(
        /: number 3 of visual_projection\.weight is (NaN|-Infinity|NaN or infinite)/,
      );
    }
    using large = await load(await changed(1e5, 'F32'));
    expect(large.config.embed).toBeGreaterThan(0);
    if (!ctx.device.hasF16) return;
    const error = await failureOf(async () => load(await changed(1e5, 'F32'), { dtype: 'f16' }));
    expect(error.message).toContain('is 100000, which f16 cannot hold');
  });

  it('keeps f16 where it is asked for and can be', async () => {
    if (!ctx.device.hasF16) {
      expect(String(await failureOf(() => load(fixturePath('weights/torchscript-f16.pt'), { dtype: 'f16' })))).toContain(
        'has no shader-f16',
      );
      return;
    }
    using clip = await load(fixturePath('weights/torchscript-f16.pt'), { dtype: 'f16' });
    const dtypes = new Map([...clip.weights()].map(([name, { dtype }]) => [name, dtype]));
    expect(dtypes.get('visual.proj')).toBe('f16');
    expect(dtypes.get('visual.transformer.resblocks.0.attn.in_proj_weight')).toBe('f16');
    expect(dtypes.get('ln_final.weight')).toBe('f32');
    expect(Math.max(...(await errors(clip)))).toBeLessThan(1e-2);
  });

  it('loads one tower, whose file may lack the factor between the two', async () => {
    using clip = await load(fixturePath('weights/checkpoint-f16.pt'), { towers: ['image'] });
    expect([clip.image === undefined, clip.text === undefined]).toEqual([false, true]);
    const file = await openSafetensors(await fixture('hf-f16.safetensors'));
    const tensors = new Map<string, TensorToWrite>();
    for (const name of file.tensors.keys()) {
      const { dtype, shape, bytes } = await file.read(name);
      if (name.startsWith('vis')) tensors.set(name, { dtype, shape, data: bytes });
    }
    using alone = await load(await huggingFace({ 'model.safetensors': serializeSafetensors(tensors) }));
    expect([alone.image === undefined, alone.text === undefined]).toEqual([false, true]);
    using images = tensor(new Float32Array(192).fill(0.5), { shape: [1, 3, 8, 8], device: ctx.device });
    using features = await alone.encodeImage(images);
    using whole = await clip.encodeImage(images);
    expect(await features.data()).toEqual(await whole.data());
  });

  it('makes the vocabulary table trainable on the device when asked', async () => {
    using clip = await load(fixturePath('weights/state-dict-f32.pt'), { trainable: true });
    expect(clip.text?.tokens.weight?.dtype).toBe('f32');
    expect(clip.parameters().length).toBe(38);
    expect(Math.max(...(await errors(clip)))).toBeLessThan(1e-5);
  });

  it("takes the folder's tokenizer when it fits the table", async () => {
    const { ids, merges } = await builtInVocabulary();
    const files = await huggingFace({
      'vocab.json': JSON.stringify(Object.fromEntries(ids)),
      'merges.txt': merges.map((pair) => pair.join(' ')).join('\n'),
    });
    const error = await failureOf(() => load(files));
    expect(error).toBeInstanceOf(FormatError);
    expect(error.message).toContain('its tokenizer has 49408 ids, its token table 60 rows');
  });

  it('stops when told to, and leaves nothing on the device', async () => {
    const stop = new AbortController();
    const onProgress = ({ loaded }: LoadProgress) => loaded > 100_000 && stop.abort(new Error('enough'));
    const error = await failureOf(() => load(fixturePath('weights/state-dict-f32.pt'), { signal: stop.signal, onProgress }));
    expect(error.message).toBe('enough');
  });

  it('a name that is neither a path nor on the hub', async () => {
    expect(String(await failureOf(() => load('nothing here')))).toContain('there is no file or folder "nothing here"');
  });

  it('what is saved loads again, bit by bit', async () => {
    using clip = await load(fixturePath('weights/state-dict-f32.pt'));
    const path = join(place, 'saved');
    await saveHuggingFace(path, weightsOf(clip), { tokenizer: { 'special_tokens_map.json': '{}' } });
    expect((await readdir(path)).sort()).toEqual([
      'config.json',
      'model.safetensors',
      'preprocessor_config.json',
      'special_tokens_map.json',
    ]);
    using again = await load(path);
    expect(again.hash).toBe(clip.hash);
    expect(again.config).toMatchObject(FIXTURE_CONFIG);
    expect(Math.max(...(await errors(again)))).toBeLessThan(1e-5);
  });

  it('f16 matrices are saved as f16', async ({ skip }) => {
    skip(!ctx.device.hasF16, 'the adapter has no shader-f16');
    using clip = await load(fixturePath('weights/checkpoint-f16.pt'), { dtype: 'f16' });
    const files = await serializeHuggingFace(weightsOf(clip));
    const file = await openSafetensors(files['model.safetensors'] ?? new Uint8Array());
    expect(file.tensors.get('visual_projection.weight')?.dtype).toBe('F16');
    expect(file.tensors.get('vision_model.post_layernorm.weight')?.dtype).toBe('F32');
    expect(file.metadata).toEqual({ format: 'pt' });
    expect((await openWeights(folder(files))).weights.size).toBe(38);
  });
});

describe('saveHuggingFace', () => {
  it("writes what PyTorch's converter writes, and one tower alone", async () => {
    const source = await openWeights(fixturePath('weights/torchscript-f16.pt'));
    const files = await serializeHuggingFace(source);
    const [written, reference] = [
      await openSafetensors(files['model.safetensors'] ?? new Uint8Array()),
      await openSafetensors(await fixture('hf-f16.safetensors')),
    ];
    const names = [...reference.tensors.keys()].filter((name) => !name.endsWith('position_ids'));
    expect([...written.tensors.keys()].sort()).toEqual(names.sort());
    for (const name of names) {
      const [a, b] = [await written.read(name), await reference.read(name)];
      expect(a.shape, name).toEqual(b.shape);
      expect(sameBytes(toFloat32(a.dtype, a.bytes), toFloat32(b.dtype, b.bytes)), name).toBe(true);
    }
    const image = await openWeights(fixturePath('weights/torchscript-f16.pt'), { towers: ['image'] });
    const half = await openWeights(folder(await serializeHuggingFace(image)));
    expect(half.towers).toEqual(['image']);
    await image.close();
    await source.close();
  });
});
