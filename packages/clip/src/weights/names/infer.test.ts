import { expect, it } from 'vitest';
import { CLIP_CONFIGS, type ClipConfig } from '../../config.ts';
import { weightShapes } from '../../weight-shapes.ts';
import { inferConfig } from './infer.ts';
import { findNaming } from './naming.ts';

/** What shapes tell of a model of open_clip. */
function inferred(config: ClipConfig): ClipConfig {
  const shapes = new Map([...weightShapes(config)].map(([name, shape]) => [name, { shape }]));
  return inferConfig(shapes, findNaming(new Set(shapes.keys()), 'file'), 'file');
}

it.each([
  [1280, 16, 5120],
  [1408, 16, 6144],
  [1664, 16, 8192],
  [1024, 16, 4096],
])('an image tower of width %i has %i heads, as open_clip and OpenAI have it', (width, heads, hidden) => {
  const { image, text } = CLIP_CONFIGS['ViT-L/14'];
  const config = {
    embed: 1024,
    image: { ...image, width, heads, hidden, layers: 1 },
    text: { ...text, width: 1280, heads: 20, layers: 1 },
  };
  const found = inferred(config);
  expect(found.image).toEqual(config.image);
  expect(found.text).toMatchObject({ width: 1280, heads: 20 });
});
