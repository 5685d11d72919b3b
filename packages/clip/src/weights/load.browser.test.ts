/** Weights in a page: bytes, a Blob, and the files of a folder that the user picked. Runs in Chromium only. */
import { expect, it } from 'vitest';
import { openSafetensors, tensor, toFloat32, toInt32 } from '@mudpt/tensor';
import { eachDevice } from '@mudpt/testing/support';
import { fixtureUrl } from '@mudpt/testing/fixtures';
import { distance } from '@mudpt/testing/numbers';
import { toHuggingFace } from './names/hugging-face-config.ts';
import type { ModelInput } from './files/files.ts';
import { loadClip } from './load.ts';
import { openWeights } from './open.ts';
import { serializeHuggingFace, weightsOf } from './save.ts';

async function fetched(name: string): Promise<Uint8Array<ArrayBuffer>> {
  const response = await fetch(fixtureUrl(`weights/${name}`));
  if (!response.ok) throw new Error(`${response.url}: ${response.status}`);
  return new Uint8Array(await response.arrayBuffer());
}

const config = async () => (await openWeights(await fetched('torchscript-f16.pt'))).config;

const INPUTS: Readonly<Record<string, () => Promise<ModelInput>>> = {
  'a TorchScript archive as a Blob': async () => new Blob([await fetched('torchscript-f16.pt')]),
  'a checkpoint as bytes': () => fetched('checkpoint-f16.pt'),
  'the files of a Hugging Face folder': async () => [
    new File([await fetched('hf-f16.safetensors')], 'model.safetensors'),
    new File([JSON.stringify(toHuggingFace(await config()))], 'config.json'),
  ],
};

eachDevice('loadClip in a page', (ctx) => {
  it.each(Object.keys(INPUTS))('%s', async (name) => {
    const input = await INPUTS[name]?.();
    if (input === undefined) throw new Error(`there is no ${name}`);
    using clip = await loadClip(input, { device: ctx.device });
    const expected = await openSafetensors(await fetched('expected.safetensors'));
    const floats = async (key: string) => toFloat32('F32', (await expected.read(key)).bytes);
    using images = tensor(await floats('image'), { shape: [2, 3, 8, 8], device: ctx.device });
    using image = await clip.encodeImage(images);
    const ids = await expected.read('text');
    using text = await clip.encodeText({ ids: toInt32(ids.dtype, ids.bytes), contextLength: 8 });
    expect(distance(await image.data(), await floats('image_features'))).toBeLessThan(1e-5);
    expect(distance(await text.data(), await floats('text_features'))).toBeLessThan(1e-5);

    const files = await serializeHuggingFace(weightsOf(clip));
    const saved = Object.entries(files).map(([file, bytes]) => new File([Uint8Array.from(bytes)], file));
    using again = await loadClip(saved, { device: ctx.device });
    expect(again.hash).toBe(clip.hash);
  });

  it('has no paths, and says what to give', async () => {
    await expect(loadClip('models/clip.pt/x', { device: ctx.device })).rejects.toThrow(/there is no file or folder/);
  });
});
