/** One model in all common weight formats, at any size: tensors are written one by one. */
import { createWriteStream } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { ZipWriter } from '@zip.js/zip.js';
import { type ClipConfig, type HostTensor, saveHuggingFace, TOWERS } from '@mudpt/clip';
import { float32ToFloat16, type TensorToWrite, writeSafetensors } from '@mudpt/tensor';
import { writeTorch, type Written } from './torch-writer.ts';

/** Matrices as f16, the rest as it is: OpenAI's own files are so. */
export function halved(weights: Readonly<Record<string, HostTensor>>): Record<string, HostTensor> {
  const entries = Object.entries(weights).map(([name, weight]): [string, HostTensor] => {
    const isMatrix = weight.shape.length >= 2 && !name.includes('embedding');
    if (weight.dtype === 'f16' || !isMatrix) return [name, weight];
    return [name, { shape: weight.shape, dtype: 'f16', data: float32ToFloat16(weight.data) }];
  });
  return Object.fromEntries(entries);
}

/** Writes all three below `folder`. @returns what to give to `loadClip`, by the format's name */
export async function writeFormats(
  folder: string,
  config: ClipConfig,
  weights: Readonly<Record<string, HostTensor>>,
): Promise<ReadonlyMap<string, string>> {
  const all = new Map(Object.entries(weights));
  const at = (name: string): HostTensor => {
    const found = all.get(name);
    if (!found) throw new Error(`there is no weight ${name}`);
    return found;
  };
  const dtypes = new Map([...all].map(([name, { dtype }]) => [name, { dtype: dtype === 'f16' ? 'F16' : 'F32' } as const]));

  const huggingFace = join(folder, 'hugging-face');
  await saveHuggingFace(huggingFace, { config, towers: TOWERS, weights: dtypes, read: async (name) => at(name) });

  const openClip = join(folder, 'open_clip');
  await mkdir(openClip, { recursive: true });
  const tensors = new Map<string, TensorToWrite>();
  for (const [name, { shape, data }] of all) tensors.set(name, { dtype: dtypes.get(name)?.dtype ?? 'F32', shape, data });
  await writeSafetensors(join(openClip, 'open_clip_model.safetensors'), tensors);
  await writeFile(join(openClip, 'open_clip_config.json'), JSON.stringify(openClipConfig(config)));

  const archive = join(folder, 'openai.pt');
  const written = new Map<string, Written>();
  for (const [name, { shape, dtype, data }] of all) written.set(name, { shape, dtype, data: async () => data });
  const zip = new ZipWriter(Writable.toWeb(createWriteStream(archive)) as WritableStream<Uint8Array>, { level: 0 });
  await writeTorch(zip, written, { script: true });
  await zip.close();

  return new Map([
    ['Hugging Face', huggingFace],
    ['open_clip', openClip],
    ['TorchScript', archive],
  ]);
}

/** open_clip_config.json of a model. */
export function openClipConfig({ embed, image, text }: ClipConfig): object {
  return {
    model_cfg: {
      embed_dim: embed,
      quick_gelu: image.activation === 'quick_gelu',
      vision_cfg: {
        image_size: image.size,
        layers: image.layers,
        width: image.width,
        head_width: image.width / image.heads,
        patch_size: image.patch,
        mlp_ratio: image.hidden / image.width,
      },
      text_cfg: {
        context_length: text.context,
        vocab_size: text.vocabulary,
        width: text.width,
        heads: text.heads,
        layers: text.layers,
        mlp_ratio: text.hidden / text.width,
      },
    },
  };
}
