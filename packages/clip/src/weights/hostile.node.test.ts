/** Files of every family of backbones with one thing wrong: each error says what, where, and how to mend it. */
import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { failureOf } from '@mudpt/testing/failure';
import { fixturePath } from '@mudpt/testing/files';
import { type EditedTensors, editedSafetensors, filled } from '@mudpt/testing/weights/edited';
import { FIXTURE_CONFIG, folder } from '@mudpt/testing/weights/models';
import type { ClipConfig } from '../config.ts';
import { fromOpenClip } from './names/open-clip-config.ts';
import { toHuggingFace } from './names/hugging-face-config.ts';
import { openWeights } from './open.ts';
import { expectUsableWeight } from './usable.ts';

const text = { width: 12, heads: 3, layers: 1, hidden: 48, activation: 'gelu', eps: 1e-5, context: 7, vocabulary: 30 } as const;
const image = { width: 16, heads: 2, layers: 2, activation: 'gelu', eps: 1e-6 } as const;

type Family = {
  readonly file: string;
  /** config.json, where it lies beside the weights. */
  readonly json?: () => Promise<string>;
  readonly config?: ClipConfig;
  /** A matrix that is not square. */
  readonly matrix: readonly [name: string, shape: string, transposed: string];
  /** A part of a weight that is joined, or lies transposed in the file. */
  readonly part: string;
};

const FAMILIES: Readonly<Record<string, Family>> = {
  'Hugging Face CLIP': {
    file: 'weights/hf-f16',
    json: async () => JSON.stringify(toHuggingFace(FIXTURE_CONFIG)),
    matrix: ['text_model.encoder.layers.0.mlp.fc1.weight', '256, 64', '64, 256'],
    part: 'vision_model.encoder.layers.0.self_attn.v_proj.weight',
  },
  'Hugging Face SigLIP': {
    file: 'backbones/siglip/model',
    json: () => readFile(fixturePath('backbones/siglip/config.json'), 'utf8'),
    matrix: ['vision_model.head.mlp.fc1.weight', '24, 16', '16, 24'],
    part: 'text_model.head.weight',
  },
  "open_clip's SigLIP": {
    file: 'backbones/siglip-open-clip/open_clip_model',
    config: {
      embed: 16,
      image: { ...image, hidden: 24, size: 11, patch: 5, architecture: 'siglip' },
      text: { ...text, layers: 2, hidden: 20, eps: 1e-6, architecture: 'siglip', pad: 1 },
    },
    matrix: ['visual.trunk.attn_pool.kv.weight', '32, 16', '16, 32'],
    part: 'visual.trunk.attn_pool.kv.weight',
  },
  'EVA-02': {
    file: 'backbones/eva02/open_clip_model',
    config: { embed: 10, image: { ...image, hidden: 11, size: 12, patch: 4, architecture: 'eva02', pretrainedSide: 2 }, text },
    matrix: ['visual.trunk.blocks.0.mlp.fc1_g.weight', '11, 16', '16, 11'],
    part: 'visual.trunk.blocks.1.attn.v_proj.bias',
  },
  'MobileCLIP-B': {
    file: 'backbones/mobileclip/open_clip_model',
    config: { embed: 10, image: { ...image, hidden: 28, size: 32, patch: 16, architecture: 'mobileclip' }, text },
    matrix: ['visual.trunk.blocks.0.mlp.fc1.weight', '28, 16', '16, 28'],
    part: 'visual.trunk.head.weight',
  },
};

/** Opens the family's file after a change to its tensors and looks at every number, as loading does. */
async function read({ file, json, config }: Family, change: (tensors: EditedTensors) => void): Promise<void> {
  const weights = await editedSafetensors(fixturePath(`${file}.safetensors`), change);
  const files = folder({ 'model.safetensors': weights, ...(json && { 'config.json': await json() }) });
  const source = await openWeights(files, { config });
  for (const name of source.weights.keys()) expectUsableWeight(source, name, await source.read(name), 'f32');
  await source.close();
}

describe.each(Object.entries(FAMILIES))('a file of %s', (_, family) => {
  const [matrix, shape, transposed] = family.matrix;
  const said = async (change: (tensors: EditedTensors) => void) => (await failureOf(() => read(family, change))).message;

  it('is read as it is', () => read(family, () => {}));

  it('without a tensor, with one transposed, with one too many', async () => {
    expect(await said((tensors) => tensors.delete(family.part))).toContain(`missing: ${family.part}. Give the config that`);
    const turned = await said((tensors) => tensors.set(matrix, filled(transposed.split(', ').map(Number))));
    expect(turned).toContain(`of another shape: ${matrix} [${transposed}] instead of [${shape}] (transposed). Give`);
    const extra = await said((tensors) => tensors.set('prompt_learner.ctx', filled([2])));
    expect(extra).toContain("not a CLIP's: prompt_learner.ctx. Leave the tensors out of the file");
  });

  it('with integers, with a number that is none, with a factor instead of its logarithm', async () => {
    const integers = await said((tensors) => {
      const { shape: of } = tensors.get(family.part)!;
      tensors.set(family.part, { dtype: 'I32', shape: of, data: new Int32Array(of.reduce((a, b) => a * b, 1)) });
    });
    expect(integers).toContain(`of integers: ${family.part} I32. Give weights of F16, BF16, F32, F64: quantized`);
    const broken = await said((tensors) => {
      const { shape: of } = tensors.get(family.part)!;
      const numbers = new Float32Array(of.reduce((a, b) => a * b, 1));
      numbers[13] = Number.NaN;
      tensors.set(family.part, { dtype: 'F32', shape: of, data: numbers });
    });
    expect(broken).toContain(`number 13 of ${family.part} is NaN. The weights are damaged: fetch the file again`);
    const factor = await said((tensors) => tensors.set('logit_scale', filled([], 100)));
    expect(factor).toContain('number 0 of logit_scale is 100, whose exponential is infinite. Store the logarithm');
  });
});

it('a variance below 0 is damage', async () => {
  const name = 'visual.trunk.patch_embed.backbone.1.bn.running_var';
  const negative = read(FAMILIES['MobileCLIP-B']!, (tensors) => tensors.set(name, filled([4], -1)));
  await expect(negative).rejects.toThrow(`number 0 of ${name} is -1, and it is a variance`);
});

it("timm's towers without a configuration say that they need one", async () => {
  for (const file of ['siglip-open-clip', 'eva02', 'mobileclip'])
    await expect(openWeights(fixturePath(`backbones/${file}`))).rejects.toThrow(
      /its sizes are not known: .*\. Give the configuration beside the weights \(config\.json, open_clip_config\.json\)/,
    );
});

describe('configurations of open_clip with one thing wrong', () => {
  const vision = { layers: 1, width: 64, head_width: 64, image_size: 8, patch_size: 4 };
  const texts = { context_length: 8, vocab_size: 60, width: 64, heads: 1, layers: 1 };
  const model = (change: object, ofText: object = {}) => ({
    model_cfg: { embed_dim: 64, vision_cfg: { ...vision, ...change }, text_cfg: { ...texts, ...ofText } },
  });

  it.each<[object, string]>([
    [{}, 'open_clip_config.json: vision_cfg is missing. Give the'],
    [model({ head_width: 63 }), 'vision_cfg.head_width is 63. Choose a divisor of the width 64'],
    [model({}, { heads: 5 }), 'open_clip_config.json: text_cfg.heads is 5. Choose a divisor of the width 64'],
    [model({}, { heads: undefined }), 'text_cfg.heads is missing'],
    [model({ layers: [3, 4, 6, 3] }), 'vision_cfg.layers is [3,4,6,3]'],
    [model({ patch_size: 3 }), 'vision_cfg.patch_size is 3. Choose a divisor of the image size 8'],
    [
      model({ act_kwargs: { approximate: 'erf' } }),
      'vision_cfg.act_kwargs.approximate is "erf". Use a model with "none" or "tanh"',
    ],
    [
      model({ norm_kwargs: { elementwise_affine: false } }),
      'vision_cfg.norm_kwargs.elementwise_affine is false. Use a model with eps',
    ],
    [model({}, { norm_kwargs: { eps: '1e-5' } }), 'text_cfg.norm_kwargs.eps is "1e-5"'],
  ])('%#', async (json, message) => {
    expect((await failureOf(async () => fromOpenClip(json))).message).toContain(message);
  });
});
