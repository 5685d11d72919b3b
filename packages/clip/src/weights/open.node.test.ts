import { describe, expect, it } from 'vitest';
import { FormatError, openSafetensors, serializeSafetensors, type TensorToWrite, toFloat32 } from '@mudpt/tensor';
import { fixturePath } from '@mudpt/testing/files';
import { failureOf } from '@mudpt/testing/failure';
import {
  fixture,
  FIXTURE_CONFIG,
  folder,
  readAll,
  sameBytes,
  TINY_CONFIG,
  tinyWeights,
  written,
} from '@mudpt/testing/weights/models';
import { readTensors } from '@mudpt/testing/weights/edited';
import { torchBytes } from '@mudpt/testing/weights/torch-writer';
import { toHuggingFace } from './names/hugging-face-config.ts';
import { widen } from '../weight-box.ts';
import { weightShapes } from '../weight-shapes.ts';
import { randomWeights } from '../random-clip.ts';
import { openWeights } from './open.ts';
import { huggingFaceNaming } from './names/naming.ts';

const CONFIG_JSON = JSON.stringify(toHuggingFace(FIXTURE_CONFIG));
const huggingFace = async (files: Record<string, string | Uint8Array> = {}) =>
  folder({ 'model.safetensors': await fixture('hf-f16.safetensors'), 'config.json': CONFIG_JSON, ...files });

/** The fixture of Hugging Face's names, tensor by tensor, to be changed and written again. */
const huggingFaceTensors = async () => readTensors(await fixture('hf-f16.safetensors'));

async function huggingFaceWith(
  change: (tensors: Map<string, TensorToWrite>) => Map<string, TensorToWrite> | void,
  config = CONFIG_JSON,
) {
  const tensors = await huggingFaceTensors();
  return folder({ 'model.safetensors': serializeSafetensors(change(tensors) ?? tensors), 'config.json': config });
}

const stateDict = fixturePath('weights/state-dict-f32.pt');

describe('every format gives the same weights', () => {
  it.each<[string, () => Parameters<typeof openWeights>[0] | Promise<Parameters<typeof openWeights>[0]>]>([
    ['a nested checkpoint with module. before its names', () => fixturePath('weights/checkpoint-f16.pt')],
    ['a TorchScript archive of mixed types', () => fixturePath('weights/torchscript-f16.pt')],
    ['the same as bytes', () => fixture('torchscript-f16.pt')],
    ['the same as a Blob', async () => new Blob([await fixture('torchscript-f16.pt')])],
    ['a Hugging Face folder', () => huggingFace()],
    [
      'files picked in a browser',
      async () => [new File([await fixture('hf-f16.safetensors')], 'model.safetensors'), new File([CONFIG_JSON], 'config.json')],
    ],
    ['shards', async () => shards()],
    ['an archive in names of Hugging Face (pytorch_model.bin)', async () => pytorchModel()],
    ['open_clip', async () => openClip(true)],
  ])('%s', async (_, input) => {
    const expected = await openWeights(stateDict);
    const source = await openWeights(await input());
    expect(source.config).toEqual(FIXTURE_CONFIG);
    expect([...source.weights.keys()]).toEqual([...weightShapes(FIXTURE_CONFIG).keys()]);
    for (const [name, weight] of await readAll(source)) {
      const { data } = await expected.read(name);
      expect(sameBytes(weight.dtype === 'f16' ? widen(weight.data) : weight.data, data), name).toBe(true);
    }
    expect(await source.hash()).toBe(await expected.hash());
    await source.close();
    await expected.close();
  });

  it('f16 stays f16', async () => {
    const source = await openWeights(await fixture('torchscript-f16.pt'));
    const dtypes = new Map([...(await readAll(source))].map(([name, { dtype }]) => [name, dtype]));
    expect(dtypes.get('text_projection')).toBe('f16');
    expect(dtypes.get('transformer.resblocks.0.attn.in_proj_weight')).toBe('f16');
    expect(dtypes.get('ln_final.weight')).toBe('f32');
    expect(source.bytes).toBe(243_972);
  });

  it('parts of several dtypes are joined as f32', async () => {
    const part = (letter: string) => `text_model.encoder.layers.0.self_attn.${letter}_proj.weight`;
    const files = await huggingFaceWith((tensors) => {
      for (const [letter, dtype] of [
        ['q', 'F32'],
        ['v', 'F64'],
      ] as const) {
        const { shape, data } = tensors.get(part(letter)) ?? {};
        if (!shape || !(data instanceof Uint8Array)) throw new Error(`the fixture has no ${part(letter)}`);
        const values = toFloat32('F16', data);
        tensors.set(part(letter), { dtype, shape, data: dtype === 'F32' ? values : Float64Array.from(values) });
      }
    });
    const source = await openWeights(files);
    const expected = await openWeights(stateDict);
    const name = 'transformer.resblocks.0.attn.in_proj_weight';
    const weight = await source.read(name);
    expect(weight.dtype).toBe('f32');
    expect(source.weights.get(name)?.bytes).toBe(64 * 64 * (4 + 2 + 8));
    expect(sameBytes(weight.data, (await expected.read(name)).data)).toBe(true);
    expect(await source.hash()).toBe(await expected.hash());
    await expected.close();
  });

  it('the square projection of Hugging Face is transposed', async () => {
    const raw = await openSafetensors(await fixture('hf-f16.safetensors'));
    const stored = await raw.read('text_projection.weight');
    const values = toFloat32(stored.dtype, stored.bytes);
    const source = await openWeights(await huggingFace());
    const weight = await source.read('text_projection');
    const read = weight.dtype === 'f16' ? widen(weight.data) : weight.data;
    expect(read[1]).toBe(values[64]);
    expect(read[64 * 3 + 7]).toBe(values[64 * 7 + 3]);
    expect(read[1]).not.toBe(values[1]);
  });
});

async function shards() {
  const tensors = [...(await huggingFaceTensors())];
  const [first, second] = [tensors.slice(0, 20), tensors.slice(20)];
  const weightMap = Object.fromEntries([
    ...first.map(([name]) => [name, 'model-00001-of-00002.safetensors']),
    ...second.map(([name]) => [name, 'model-00002-of-00002.safetensors']),
  ]);
  return folder({
    'config.json': CONFIG_JSON,
    'model.safetensors.index.json': JSON.stringify({ metadata: { total_size: 1 }, weight_map: weightMap }),
    'model-00001-of-00002.safetensors': serializeSafetensors(new Map(first)),
    'model-00002-of-00002.safetensors': serializeSafetensors(new Map(second)),
  });
}

async function pytorchModel() {
  const tensors = new Map<string, Parameters<typeof torchBytes>[0] extends ReadonlyMap<string, infer W> ? W : never>();
  for (const [name, { dtype, shape, data }] of await huggingFaceTensors()) {
    if (dtype === 'F16' && typeof data !== 'function')
      tensors.set(name, { dtype: 'f16', shape, data: async () => new Uint16Array(Uint8Array.from(data as Uint8Array).buffer) });
  }
  return folder({ 'pytorch_model.bin': await torchBytes(tensors), 'config.json': CONFIG_JSON });
}

const openClipConfig = (quickGelu?: boolean) => ({
  model_cfg: {
    embed_dim: 64,
    ...(quickGelu === undefined ? {} : { quick_gelu: quickGelu }),
    vision_cfg: { image_size: 8, layers: 1, width: 64, head_width: 64, patch_size: 4 },
    text_cfg: { context_length: 8, vocab_size: 60, width: 64, heads: 1, layers: 1 },
  },
});

async function openClip(quickGelu?: boolean) {
  const source = await openWeights(stateDict);
  const tensors = new Map<string, TensorToWrite>();
  for (const [name, { shape, data }] of await readAll(source)) tensors.set(name, { dtype: 'F32', shape, data });
  await source.close();
  return folder({
    'open_clip_model.safetensors': serializeSafetensors(tensors),
    'open_clip_config.json': JSON.stringify(openClipConfig(quickGelu)),
  });
}

describe('what the configuration says', () => {
  it('weights that do not say their activation bring a warning that names both', async () => {
    const warnings = async (input: Parameters<typeof openWeights>[0], config?: typeof FIXTURE_CONFIG): Promise<string[]> => {
      const told: string[] = [];
      const source = await openWeights(input, { config, onWarning: (warning) => told.push(warning) });
      await source.close();
      return told;
    };
    expect(await warnings(stateDict)).toEqual([expect.stringMatching(/quick_gelu is taken.*gelu.*open_clip_config\.json/)]);
    expect(await warnings(stateDict, FIXTURE_CONFIG)).toEqual([]);
    expect(await warnings(await openClip(false))).toEqual([]);
    expect(await warnings(await huggingFace())).toEqual([]);
    // OpenAI's archives have their sizes in them, and are quick_gelu.
    const sizes = ['input_resolution', 'context_length', 'vocab_size'].map(
      (name) => [name, { shape: [1], dtype: 'f32', data: async () => Float32Array.of(8) }] as const,
    );
    const weights = new Map(
      Object.entries(randomWeights(FIXTURE_CONFIG)).map(
        ([name, weight]) => [name, { ...weight, data: async () => weight.data }] as const,
      ),
    );
    expect(await warnings(await torchBytes(new Map([...weights, ...sizes]), { script: true }))).toEqual([]);
  });

  it("open_clip means exact gelu unless it says otherwise, and may bring the images' mean", async () => {
    expect((await openWeights(await openClip())).config.image.activation).toBe('gelu');
    const { names, open, name } = await openClip();
    const preprocess = { preprocess_cfg: { mean: [0.5, 0.25, 0.5], std: [1, 2, 3] }, ...openClipConfig() };
    const files = {
      name,
      names,
      open: async (file: string) => (file.endsWith('.json') ? new TextEncoder().encode(JSON.stringify(preprocess)) : open(file)),
    };
    expect((await openWeights(files)).config.normalization).toEqual({ mean: [0.5, 0.25, 0.5], std: [1, 2, 3] });
  });

  it('models that are no vision transformers are refused by what makes them so', async () => {
    const { names, open, name } = await openClip();
    const other = openClipConfig();
    Object.assign(other.model_cfg.vision_cfg, { timm_model_name: 'convnext_base' });
    const files = {
      name,
      names,
      open: async (file: string) => (file.endsWith('.json') ? new TextEncoder().encode(JSON.stringify(other)) : open(file)),
    };
    expect(String(await failureOf(() => openWeights(files)))).toContain('timm_model_name is "convnext_base"');
  });

  it("a Hugging Face folder may bring the images' mean", async () => {
    const files = await huggingFace({ 'preprocessor_config.json': '{"image_mean":[0.5,0.25,0.5],"image_std":[1,2,3]}' });
    expect((await openWeights(files)).config.normalization).toEqual({ mean: [0.5, 0.25, 0.5], std: [1, 2, 3] });
  });

  it('a config that is given comes first; heads that shapes do not tell need one', async () => {
    const bytes = await torchBytes(written(tinyWeights()));
    expect(String(await failureOf(() => openWeights(bytes)))).toContain('the width 4 is not a multiple of 64');
    const source = await openWeights(bytes, { config: TINY_CONFIG });
    expect(source.config).toBe(TINY_CONFIG);
    expect((await source.read('visual.proj')).data).toEqual(tinyWeights().get('visual.proj')?.data);
  });

  it('Hugging Face names without config.json are refused', async () => {
    expect(String(await failureOf(() => openWeights(fixturePath('weights/hf-f16.safetensors'))))).toContain(
      'has no config.json beside it',
    );
  });
});

describe('one tower', () => {
  it('is taken from a whole model', async () => {
    const source = await openWeights(stateDict, { towers: ['image'] });
    expect([...source.weights.keys()]).toEqual([...weightShapes(FIXTURE_CONFIG, ['image']).keys()]);
    await source.close();
  });

  it.each<[string, (name: string) => boolean, string, object]>([
    ['text', (name) => name.startsWith('text_'), 'text_config', { model_type: 'clip_text_model' }],
    ['image', (name) => name.startsWith('vis'), 'vision_config', { model_type: 'clip_vision_model' }],
  ])('saved by itself (%s), with its own prefix and without', async (tower, belongs, section, type) => {
    const config = { ...(toHuggingFace(FIXTURE_CONFIG)[section] as object), ...type };
    for (const prefix of [/^$/, /^(text|vision)_model\./]) {
      const files = await huggingFaceWith(
        (tensors) =>
          new Map([...tensors].filter(([name]) => belongs(name)).map(([name, tensor]) => [name.replace(prefix, ''), tensor])),
        JSON.stringify(config),
      );
      const source = await openWeights(files);
      expect(source.towers).toEqual([tower]);
      expect(source.weights.size).toBe(weightShapes(FIXTURE_CONFIG, source.towers).size - 1);
      const whole = await openWeights(await huggingFace());
      for (const [name, weight] of await readAll(source))
        expect(sameBytes(weight.data, (await whole.read(name)).data), name).toBe(true);
    }
  });

  it('that is not there is refused', async () => {
    const files = await huggingFaceWith((tensors) => new Map([...tensors].filter(([name]) => !name.startsWith('text'))));
    expect(String(await failureOf(() => openWeights(files, { towers: ['text'] })))).toContain('it has no text tower');
    expect(String(await failureOf(() => openWeights(files, { towers: [] })))).toContain('no tower is asked for');
  });
});

describe('all that does not fit is listed by name', () => {
  it('missing, misshapen and extra tensors at once', async () => {
    const files = await huggingFaceWith((tensors) => {
      tensors.delete('text_model.encoder.layers.0.self_attn.k_proj.bias');
      tensors.delete('logit_scale');
      tensors.set('visual_projection.weight', { dtype: 'F16', shape: [32, 64], data: new Uint16Array(2048) });
      tensors.set('text_model.encoder.layers.0.self_attn.q_proj.weight', {
        dtype: 'F16',
        shape: [64, 63],
        data: new Uint16Array(64 * 63),
      });
      tensors.set('prompt_learner.ctx', { dtype: 'F16', shape: [4], data: new Uint16Array(4) });
    });
    const { message } = await failureOf(() => openWeights(files));
    expect(message).toContain('missing: logit_scale, text_model.encoder.layers.0.self_attn.k_proj.bias;');
    expect(message).toContain('visual_projection.weight [32, 64] instead of [64, 64]');
    expect(message).toContain('self_attn.q_proj.weight [64, 63] instead of [64, 64]');
    expect(message).toContain("not a CLIP's: prompt_learner.ctx.");
  });

  it('extra tensors are ignored when asked for', async () => {
    const files = await huggingFaceWith((tensors) => {
      tensors.set('prompt_learner.ctx', { dtype: 'F16', shape: [4], data: new Uint16Array(4) });
    });
    expect(String(await failureOf(() => openWeights(files)))).toContain('prompt_learner.ctx');
    expect((await openWeights(files, { onExtra: 'ignore' })).weights.size).toBe(38);
  });

  it('a block too few', async () => {
    const config = { ...FIXTURE_CONFIG, image: { ...FIXTURE_CONFIG.image, layers: 2 } };
    const { message } = await failureOf(() => openWeights(stateDict, { config }));
    expect(message).toMatch(/missing: visual\.transformer\.resblocks\.1\.attn\.in_proj_weight, .*resblocks\.1\.ln_2\.bias/);
  });

  it('more layers than there can be are refused before their names are made', async () => {
    const config = { ...FIXTURE_CONFIG, image: { ...FIXTURE_CONFIG.image, layers: 1e9 } };
    expect(String(await failureOf(() => openWeights(stateDict, { config })))).toContain('more layers than the file has tensors');
  });

  it('two models in one file, and none', async () => {
    const twice = await huggingFaceWith(
      (tensors) =>
        new Map(
          [...tensors].flatMap(([name, tensor]) => [
            [name, tensor],
            [`ema.${name}`, tensor],
          ]),
        ),
    );
    expect(String(await failureOf(() => openWeights(twice)))).toContain('it holds 2 models');
    const none = folder({
      'model.safetensors': serializeSafetensors({ a: { dtype: 'U8', shape: [1], data: Uint8Array.of(1) } }),
    });
    expect(String(await failureOf(() => openWeights(none)))).toContain("(a) none is named like a CLIP's");
  });
});

describe('what is no CLIP is refused by what it is', () => {
  const text = (content: string) => new TextEncoder().encode(content);
  it.each<[string, () => Uint8Array | Promise<Uint8Array>, RegExp]>([
    [
      'a pickle of PyTorch 1.5',
      () => fixture('legacy-not-zip.pt'),
      /bare pickle, as PyTorch wrote before version 1\.6.*save it again/i,
    ],
    [
      'a hostile pickle',
      () => fixture('hostile-pickle.pt'),
      /byte 23 of its pickle: it names posix system, which runs code where Python loads it.*nothing was run/,
    ],
    [
      'a Git LFS pointer',
      () => text('version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n'),
      /pointer of Git LFS.*git lfs pull/i,
    ],
    ['a web page', () => text('<!DOCTYPE html><html></html>'), /is a web page/],
    ['a gzip file', () => Uint8Array.of(0x1f, 0x8b, 8, 0), /packed by gzip/],
    ['an HDF5 file', () => Uint8Array.of(0x89, 0x48, 0x44, 0x46, 0x0d), /is an HDF5 file/],
    ['an empty file', () => new Uint8Array(0), /is empty/],
    [
      'a zip archive of something else',
      () => torchBytes(new Map()).then((bytes) => bytes),
      /one dict of tensors is needed, the checkpoint holds none/,
    ],
  ])('%s', async (_, bytes, says) => {
    const error = await failureOf(async () => openWeights(await bytes()));
    expect(error).toBeInstanceOf(FormatError);
    expect(error.message).toMatch(says);
  });

  it('a path that is not there, a folder without weights, one with several', async () => {
    expect(String(await failureOf(() => openWeights('no/such/file.pt')))).toContain(
      'there is no file or folder "no/such/file.pt"',
    );
    expect(String(await failureOf(() => openWeights(folder({ 'README.md': 'x' }))))).toContain('it holds only README.md');
    expect(String(await failureOf(() => openWeights(folder({ 'a.pt': 'x', 'b.pt': 'x' }))))).toContain(
      'it holds several: a.pt, b.pt',
    );
  });

  it('a config.json that is no JSON, or another model', async () => {
    expect(String(await failureOf(async () => openWeights(await huggingFace({ 'config.json': '{' }))))).toContain(
      'config.json is not valid JSON',
    );
    expect(
      String(await failureOf(async () => openWeights(await huggingFace({ 'config.json': '{"model_type":"bert"}' })))),
    ).toContain('"bert"');
  });
});

it('a shard that is missing is named', async () => {
  const files = await shards();
  const without = {
    ...files,
    open: async (name: string) => (name.includes('00002-of') ? Promise.reject(new Error('gone')) : files.open(name)),
  };
  expect(String(await failureOf(() => openWeights(without)))).toContain(
    '"model-00002-of-00002.safetensors" cannot be opened (gone)',
  );
});

it('names of Hugging Face are one to one', () => {
  const parts = [...weightShapes(FIXTURE_CONFIG).keys()].flatMap((name) => huggingFaceNaming(FIXTURE_CONFIG)(name).parts);
  expect(new Set(parts).size).toBe(parts.length);
});
