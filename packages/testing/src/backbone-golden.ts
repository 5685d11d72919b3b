/** Numbers that PyTorch gave for a small backbone (fixtures/backbones), and how far a loaded model's features are from them. */
import type { Clip } from '@mudpt/clip';
import { openSafetensors, type Tensor, tensor, toFloat32, toInt32 } from '@mudpt/tensor';
import { fixturePath } from './files.ts';
import { distance } from './numbers.ts';

type Numbers = { readonly shape: readonly number[]; readonly data: Float32Array | Int32Array };

export type BackboneGolden = {
  readonly of: (name: string) => Numbers;
  readonly tensor: (name: string, device: Clip['device']) => Tensor;
  readonly ids: { readonly ids: Int32Array; readonly contextLength: number };
};

/** The golden numbers of fixtures/backbones/`backbone`-expected.safetensors. */
export async function backboneGolden(backbone: string): Promise<BackboneGolden> {
  const numbers = new Map<string, Numbers>();
  await using file = await openSafetensors(fixturePath(`backbones/${backbone}-expected.safetensors`));
  for (const name of file.tensors.keys()) {
    const { dtype, shape, bytes } = await file.read(name);
    numbers.set(name, { shape, data: dtype === 'I32' ? toInt32(dtype, bytes) : toFloat32(dtype, bytes) });
  }
  const of = (name: string): Numbers => {
    const found = numbers.get(name);
    if (!found) throw new Error(`the fixture has no ${name}`);
    return found;
  };
  return {
    of,
    tensor: (name, device) => tensor(of(name).data, { shape: of(name).shape, device }),
    ids: { ids: of('ids').data as Int32Array, contextLength: of('ids').shape[1] as number },
  };
}

/** Relative distances of image and text features from the golden's, by their names there. */
export async function featureGaps(clip: Clip, { of, tensor: take, ids }: BackboneGolden): Promise<[name: string, gap: number][]> {
  using images = take('images', clip.device);
  using imageFeatures = await clip.encodeImage(images);
  using textFeatures = await clip.encodeText(ids);
  const found = { image_features: imageFeatures, text_features: textFeatures };
  return Promise.all(
    Object.entries(found).map(
      async ([name, features]) => [name, distance(await features.data(), of(name).data)] as [string, number],
    ),
  );
}
