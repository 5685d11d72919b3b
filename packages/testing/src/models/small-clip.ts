/** A CLIP with random weights, small enough that software adapters train it in seconds. */
import { type Clip, type ClipConfig, type HostTensor, randomClip, randomWeights, saveHuggingFace } from '@mudpt/clip';
import { randomFrom } from '@mudpt/autograd';
import type { Device } from '@mudpt/tensor';

const tower = { width: 64, heads: 1, layers: 3, hidden: 128, activation: 'quick_gelu', eps: 1e-5 } as const;

export const TINY: ClipConfig = {
  embed: 32,
  image: { ...tower, size: 32, patch: 8 },
  // CLIP's own tokenizer has these ids.
  text: { ...tower, context: 32, vocabulary: 49408 },
};

export function tinyClip(device: Device): Clip {
  return randomClip(TINY, undefined, { device });
}

/** Such a model as a Hugging Face folder; another seed gives another one. */
export async function writeTinyModel(folder: string, seed = 0): Promise<void> {
  const weights = new Map(Object.entries(randomWeights(TINY, randomFrom(seed))));
  await saveHuggingFace(folder, {
    config: TINY,
    towers: ['image', 'text'],
    weights: new Map([...weights.keys()].map((name) => [name, { dtype: 'F32' }])),
    read: async (name) => weights.get(name) as HostTensor,
  });
}
