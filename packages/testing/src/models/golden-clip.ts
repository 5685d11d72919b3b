/** The small CLIP of the goldens, and the outputs of OpenAI's code for it. */
import { type Clip, type ClipConfig, type ClipOptions, clipFromTensors, type HostTensor } from '@mudpt/clip';
import { openSafetensors, toFloat32, toInt32 } from '@mudpt/tensor';
import { fixtureUrl } from '../fixtures.ts';

export const GOLDEN_CONFIG: ClipConfig = {
  embed: 64,
  image: { width: 128, heads: 2, layers: 4, hidden: 512, activation: 'quick_gelu', eps: 1e-5, size: 32, patch: 8 },
  text: { width: 64, heads: 1, layers: 4, hidden: 256, activation: 'quick_gelu', eps: 1e-5, context: 16, vocabulary: 400 },
};

/** The tensors of a file in fixtures/methods in host memory: read from the file in Node, by HTTP in a browser. */
export async function readFixture(
  name: string,
): Promise<Map<string, { shape: readonly number[]; data: Float32Array | Int32Array }>> {
  await using file = await openSafetensors(fixtureUrl(`methods/${name}`));
  const found = new Map<string, { shape: readonly number[]; data: Float32Array | Int32Array }>();
  for (const tensor of file.tensors.keys()) {
    const { dtype, shape, bytes } = await file.read(tensor);
    found.set(tensor, { shape, data: dtype === 'I32' ? toInt32(dtype, bytes) : toFloat32(dtype, bytes) });
  }
  return found;
}

/** Weights of the golden CLIP by OpenAI's names. */
export async function goldenWeights(): Promise<Record<string, HostTensor>> {
  const weights: Record<string, HostTensor> = {};
  for (const [name, { shape, data }] of await readFixture('clip_a.safetensors'))
    weights[name.replace(/^clip\./, '')] = { shape, dtype: 'f32', data: Float32Array.from(data) };
  return weights;
}

export async function goldenClip(options: ClipOptions): Promise<Clip> {
  return clipFromTensors(GOLDEN_CONFIG, await goldenWeights(), options);
}
