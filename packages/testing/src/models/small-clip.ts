/** A CLIP with random weights, small enough that software adapters train it in seconds. */
import { type Clip, type ClipConfig, clipFromTensors, type HostTensor, randomWeights, saveHuggingFace } from '@mudpt/clip';
import { randomFrom } from '@mudpt/autograd';
import type { Device } from '@mudpt/tensor';

const tower = { width: 64, heads: 1, layers: 3, hidden: 128, activation: 'quick_gelu', eps: 1e-5 } as const;

export const TINY: ClipConfig = {
  embed: 32,
  image: { ...tower, size: 32, patch: 8 },
  // CLIP's own tokenizer has these ids.
  text: { ...tower, context: 32, vocabulary: 49408 },
};

/** Drawn once a process: three million numbers of the token embedding take a quarter of a second. */
const drawn = new Map<number, Record<string, HostTensor>>();

/** The weights of a seed, which callers only read. */
export function tinyWeights(seed = 0): Readonly<Record<string, HostTensor>> {
  const known = drawn.get(seed) ?? randomWeights(TINY, randomFrom(seed));
  drawn.set(seed, known);
  return known;
}

export function tinyClip(device: Device): Clip {
  return clipFromTensors(TINY, tinyWeights(), { device });
}

/** Such a model as a Hugging Face folder; another seed gives another one. */
export async function writeTinyModel(folder: string, seed = 0): Promise<void> {
  const weights = tinyWeights(seed);
  await saveHuggingFace(folder, {
    config: TINY,
    towers: ['image', 'text'],
    weights: new Map(Object.keys(weights).map((name) => [name, { dtype: 'F32' }])),
    read: async (name) => weights[name] as HostTensor,
  });
}
