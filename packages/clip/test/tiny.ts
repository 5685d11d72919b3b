/** CLIPs so small that the f64 reference takes milliseconds, with odd sizes. */
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
    for (let i = 0; i < data.length; i += 1)
      data[i] = (data[i] ?? 0) * scale + (name === 'logit_scale' ? 0 : (random() - 0.5) * 0.2);
  }
  return weights;
}

export function tinyClip(options: ClipOptions, config: ClipConfig = TINY): Clip {
  const all = tinyWeights(config);
  const wanted = weightShapes(config, options.towers);
  return clipFromTensors(config, Object.fromEntries(Object.entries(all).filter(([name]) => wanted.has(name))), options);
}

/** Numbers in -1..1. */
export function numbers(count: number, seed: number): Float32Array {
  const random = randomFrom(seed);
  return Float32Array.from({ length: count }, () => 2 * random() - 1);
}

/** Row `index` of values with rows of `width`. */
export function rowOf(values: ArrayLike<number>, index: number, width: number): Float64Array {
  return Float64Array.from({ length: width }, (_, i) => values[index * width + i] ?? Number.NaN);
}

/** ||a - b|| / ||b|| */
export function distance(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  const { length } = expected;
  if (actual.length !== length) throw new Error(`${actual.length} values are compared with ${length}`);
  const gaps = Array.from(expected, (value, i) => value - (actual[i] ?? Number.NaN));
  return Math.hypot(...gaps) / Math.max(Math.hypot(...Array.from(expected)), 1e-30);
}
