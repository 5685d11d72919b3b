/** CLIPs with odd sizes, so small that the f64 reference takes milliseconds. */
import {
  type Clip,
  type ClipConfig,
  type ClipOptions,
  clipFromTensors,
  type HostTensor,
  randomWeights,
  weightShapes,
} from '@mudpt/clip';
import { randomFrom } from '@mudpt/autograd';

export const TINY: ClipConfig = {
  embed: 10,
  image: { width: 24, heads: 3, layers: 3, hidden: 40, activation: 'quick_gelu', eps: 1e-5, size: 12, patch: 4 },
  text: { width: 16, heads: 2, layers: 3, hidden: 36, activation: 'gelu', eps: 1e-5, context: 11, vocabulary: 30 },
};

/** Random weights, larger than at the start of training and without zeros, so that no term is too small to be seen. */
export function tinyWeights(config: ClipConfig = TINY, seed = 1): Record<string, HostTensor> {
  const random = randomFrom(seed);
  const weights = randomWeights(config, random);
  for (const [name, { data }] of Object.entries(weights)) {
    const scale = name.endsWith('weight') && !name.includes('ln_') ? 2 : 1;
    for (let i = 0; i < data.length; i += 1) data[i] = data[i]! * scale + (name === 'logit_scale' ? 0 : (random() - 0.5) * 0.2);
  }
  return weights;
}

export function tinyClip(options: ClipOptions, config: ClipConfig = TINY): Clip {
  const all = tinyWeights(config);
  const wanted = weightShapes(config, options.towers);
  return clipFromTensors(config, Object.fromEntries(Object.entries(all).filter(([name]) => wanted.has(name))), options);
}
