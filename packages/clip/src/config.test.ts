import { describe, expect, it } from 'vitest';
import {
  checkConfig,
  CLIP_CONFIGS,
  type ClipConfig,
  fromHuggingFace,
  imageTokens,
  toHuggingFace,
  weightShapes,
} from '@mudpt/clip';
import { sizeOf } from '@mudpt/tensor';

const parameters = (config: ClipConfig, tower: 'image' | 'text'): number =>
  [...weightShapes(config, [tower])].reduce((sum, [name, shape]) => sum + (name === 'logit_scale' ? 0 : sizeOf(shape)), 0);

describe('configurations', () => {
  it('have the published numbers of parameters and tokens', () => {
    const base = CLIP_CONFIGS['ViT-B/16'];
    expect([parameters(base, 'image'), parameters(base, 'text'), imageTokens(base.image)]).toEqual([86_192_640, 63_428_096, 197]);
    const total = (config: ClipConfig) => parameters(config, 'image') + parameters(config, 'text') + 1;
    expect(total(base)).toBe(149_620_737);
    expect(total(CLIP_CONFIGS['ViT-B/32'])).toBe(151_277_313);
    expect(total(CLIP_CONFIGS['ViT-L/14'])).toBe(427_616_513);
    expect(total(CLIP_CONFIGS['ViT-L/14@336'])).toBe(427_944_193);
    for (const config of Object.values(CLIP_CONFIGS)) expect(checkConfig(config)).toBe(config);
  });

  it('survive the way through config.json', () => {
    for (const config of Object.values(CLIP_CONFIGS))
      expect(fromHuggingFace(JSON.parse(JSON.stringify(toHuggingFace(config))))).toEqual(config);
    const odd: ClipConfig = {
      ...CLIP_CONFIGS['ViT-B/16'],
      text: { ...CLIP_CONFIGS['ViT-B/16'].text, activation: 'gelu', eps: 1e-6, heads: 4, hidden: 100 },
    };
    expect(fromHuggingFace(toHuggingFace(odd))).toEqual(odd);
  });

  it('take what config.json leaves out from transformers, and let the old *_dict win', () => {
    expect(fromHuggingFace({ model_type: 'clip' })).toEqual(CLIP_CONFIGS['ViT-B/32']);
    const large = fromHuggingFace({
      projection_dim: 768,
      text_config: { hidden_size: 512 },
      text_config_dict: { hidden_size: 768, intermediate_size: 3072, num_attention_heads: 12 },
      vision_config: null,
      vision_config_dict: {
        hidden_size: 1024,
        intermediate_size: 4096,
        num_hidden_layers: 24,
        num_attention_heads: 16,
        patch_size: 14,
      },
    });
    expect(large).toEqual(CLIP_CONFIGS['ViT-L/14']);
  });

  it.each([
    [[], /not a JSON object/],
    [{ model_type: 'blip' }, /model_type is "blip"/],
    [{ vision_config: { hidden_act: 'relu' } }, /vision_config\.hidden_act is "relu"/],
    [{ text_config: { hidden_size: '512' } }, /text_config\.hidden_size is "512"/],
    [
      { text_config: { num_attention_heads: 7 } },
      /config\.json: text_config\.num_attention_heads is 7\. Choose a divisor of the width 512/,
    ],
    [{ vision_config: { patch_size: 15 } }, /vision_config\.patch_size is 15/],
    [{ vision_config: { num_hidden_layers: 0 } }, /vision_config\.num_hidden_layers is 0/],
    [{ projection_dim: 1.5 }, /projection_dim is 1\.5/],
    [{ text_config: { layer_norm_eps: 0 } }, /text_config\.layer_norm_eps is 0/],
  ])('refuse %j', (json, message) => {
    expect(() => fromHuggingFace(json)).toThrow(message);
  });
});
