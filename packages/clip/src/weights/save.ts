/** Writes a model as transformers reads it: config.json, model.safetensors, preprocessor_config.json, and the tokenizer's files if given. */
import {
  float32ToFloat16,
  InputError,
  type SafetensorsDType,
  serializeSafetensors,
  Tensor,
  type TensorToWrite,
  writeFileAtomic,
  writeSafetensors,
} from '@mudpt/tensor';
import { makeFolder } from '#files';
import type { Clip } from '../clip.ts';
import type { ClipConfig } from '../config.ts';
import { type HostTensor, type TowerName, TOWERS, weightShapes } from '../weight-shapes.ts';
import { toHuggingFace } from './names/hugging-face-config.ts';
import { huggingFaceNaming } from './names/naming.ts';
import { toPreprocessor } from './names/preprocessing.ts';
import { transpose } from './assemble.ts';

/** Weights by OpenAI's names: those of a model (`weightsOf`), or an open file of any format, so that one is converted into another. */
export type SavedWeights = {
  readonly config: ClipConfig;
  readonly towers: readonly TowerName[];
  /** F16 is written as F16, all else as F32. */
  readonly weights: ReadonlyMap<string, { readonly dtype: SafetensorsDType }>;
  read(name: string): Promise<HostTensor>;
};

/** The weights of a model, read from the device when they are asked for: it must live until then. */
export function weightsOf(clip: Clip): SavedWeights {
  const weights = new Map([...clip.weights()]);
  return {
    config: clip.config,
    towers: TOWERS.filter((tower) => clip[tower] !== undefined),
    weights: new Map([...weights].map(([name, { dtype }]) => [name, { dtype: dtype === 'f16' ? 'F16' : 'F32' }])),
    read: async (name) => {
      const weight = weights.get(name);
      if (!weight) throw new InputError('saveHuggingFace', `the model has no weight ${name}`, 'use the names of weightShapes');
      return weight instanceof Tensor ? download(weight) : weight;
    },
  };
}

async function download(weight: Tensor): Promise<HostTensor> {
  const { shape } = weight;
  const values = Float32Array.from(await weight.data());
  return weight.dtype === 'f16' ? { shape, dtype: 'f16', data: float32ToFloat16(values) } : { shape, dtype: 'f32', data: values };
}

/** What is written beside the weights. */
export type SaveOptions = {
  /** Files to put beside the weights, by their names: tokenizer.json, or vocab.json and merges.txt. */
  readonly tokenizer?: Readonly<Record<string, string | Uint8Array>> | undefined;
};

/**
 * Writes the folder (Node). Weights keep their dtype: f32, or f16. Each file appears whole or not at all.
 * @throws FormatError when the disk refuses
 */
export async function saveHuggingFace(folder: string, model: SavedWeights, options: SaveOptions = {}): Promise<void> {
  const beside = sideFiles(model, options);
  await makeFolder(folder);
  await writeSafetensors(`${folder}/model.safetensors`, huggingFaceTensors(model), METADATA);
  for (const [name, content] of Object.entries(beside)) await writeFileAtomic('saveHuggingFace', `${folder}/${name}`, content);
}

/** The same files as bytes, by their names, for a browser. */
export async function serializeHuggingFace(model: SavedWeights, options: SaveOptions = {}): Promise<Record<string, Uint8Array>> {
  const beside = sideFiles(model, options);
  const tensors: Record<string, TensorToWrite> = {};
  for (const [name, tensor] of Object.entries(huggingFaceTensors(model)))
    tensors[name] = { ...tensor, data: typeof tensor.data === 'function' ? await tensor.data() : tensor.data };
  return { 'model.safetensors': serializeSafetensors(tensors, METADATA), ...beside };
}

/** transformers asks for it. */
const METADATA = { metadata: { format: 'pt' } };

function sideFiles({ config }: SavedWeights, { tokenizer = {} }: SaveOptions): Record<string, Uint8Array> {
  const encoder = new TextEncoder();
  const json = (value: unknown) => encoder.encode(`${JSON.stringify(value, null, 2)}\n`);
  const files: Record<string, Uint8Array> = {
    'config.json': json(toHuggingFace(config)),
    'preprocessor_config.json': json(toPreprocessor(config)),
  };
  for (const [name, content] of Object.entries(tokenizer))
    files[name] = typeof content === 'string' ? encoder.encode(content) : content;
  return files;
}

function huggingFaceTensors({ config, towers, weights, read }: SavedWeights): Record<string, TensorToWrite> {
  const tensors: Record<string, TensorToWrite> = {};
  let last: { readonly name: string; readonly weight: Promise<HostTensor> } | undefined;
  // q, k and v come from one weight, one after the other.
  const readOnce = (name: string): Promise<HostTensor> => {
    if (last?.name !== name) last = { name, weight: read(name) };
    return last.weight;
  };
  const recipe = huggingFaceNaming(config);
  for (const [name, shape] of weightShapes(config, towers)) {
    const found = weights.get(name);
    if (!found && (name === 'logit_scale' || name === 'logit_bias')) continue;
    const { parts, transposed } = recipe(name);
    const [rows = 0, ...rest] = shape;
    const partShape = transposed ? shape.toReversed() : parts.length > 1 ? [rows / parts.length, ...rest] : shape;
    parts.forEach((part, index) => {
      const data = async () => {
        const whole = await readOnce(name);
        if (transposed) return transposeOf(whole, partShape);
        const count = whole.data.length / parts.length;
        return whole.data.subarray(index * count, (index + 1) * count);
      };
      tensors[part] = { dtype: found?.dtype === 'F16' ? 'F16' : 'F32', shape: partShape, data };
    });
  }
  return tensors;
}

function transposeOf({ dtype, data }: HostTensor, shape: readonly number[]): ArrayBufferView {
  return dtype === 'f16'
    ? transpose(data, shape, new Uint16Array(data.length))
    : transpose(data, shape, new Float32Array(data.length));
}
