/**
 * Golden files of methods: safetensors whose metadata names the `method`, every size and option, and `clip_weights_file`, the file beside
 * it with the CLIP weights as `clip.<OpenAI name>`. Tensors: `input.*`, `init.<p>`, and what is expected under every other name.
 */
import { dirname, join } from 'node:path';
import {
  checkConfig,
  type Clip,
  type ClipConfig,
  clipFromTensors,
  type HostTensor as Weight,
  type TokenIds,
  type TowerConfig,
} from '@mudpt/clip';
import { type Device, openSafetensors, type SafetensorsReader, type Tensor, tensor, toFloat32, toInt32 } from '@mudpt/tensor';
import { lastOf, nth } from '@mudpt/tensor/internal';
import type { HostTensor } from '../golden.ts';
import { Unsupported } from '../options.ts';

/** One golden with its model on the device. What the runner creates in its scope is disposed afterwards. */
export class MethodCase {
  constructor(
    readonly method: string,
    readonly metadata: Readonly<Record<string, string>>,
    /** All tensors of the file by name, on the host. */
    readonly tensors: ReadonlyMap<string, HostTensor>,
    readonly clip: Clip,
    readonly device: Device,
  ) {}

  /** A tensor of the file on the host. @throws Unsupported when it is not there */
  host(name: string): HostTensor {
    const found = this.tensors.get(name);
    if (!found) throw new Unsupported(`the file has no tensor ${name}`);
    return found;
  }

  /** A tensor of the file on the device. */
  tensor(name: string): Tensor {
    const { shape, values } = this.host(name);
    return tensor(values, { shape, device: this.device });
  }

  /** Token ids: the tensor's last axis is a text. */
  tokens(name: string): TokenIds {
    const { shape, values } = this.host(name);
    return { ids: Int32Array.from(values), contextLength: lastOf(shape) };
  }

  /** A number of the metadata. @throws Unsupported when it is none */
  number(name: string): number {
    return numberOf(this.metadata, name);
  }

  /** Names of the tensors that are neither inputs nor initial values: what is to be computed. */
  expected(): string[] {
    return [...this.tensors.keys()].filter(
      (name) => !/^(\w+\.)?input\./.test(name) && !name.startsWith('init.') && !isWeight(name),
    );
  }
}

/** Computes what a golden expects, by the names it has there. */
export type MethodRunner = (golden: MethodCase) => Promise<ReadonlyMap<string, Tensor | HostTensor>>;

/** Reads a golden and builds its model, which the caller disposes. */
export async function openMethodCase(path: string, device: Device): Promise<MethodCase> {
  await using file = await openSafetensors(path);
  const { metadata } = file;
  const tensors = await readAll(file, () => true);
  for (const [name, value] of termsOf(metadata)) if (!tensors.has(name)) tensors.set(name, value);
  const weightsFile = metadata['clip_weights_file'];
  const hasWeights = [...tensors.keys()].some(isWeight);
  if (weightsFile === undefined && !hasWeights) throw new Unsupported('the metadata has no clip_weights_file');
  const weights = weightsFile === undefined ? tensors : await readWeights(join(dirname(path), weightsFile));
  const named: Record<string, Weight> = {};
  for (const [name, { shape, values }] of weights)
    if (isWeight(name)) named[name.slice('clip.'.length)] = { shape, dtype: 'f32', data: Float32Array.from(values) };
  const clip = clipFromTensors(configOf(metadata, named), named, { device });
  return new MethodCase(metadata['method'] ?? '', metadata, tensors, clip, device);
}

async function readWeights(path: string): Promise<ReadonlyMap<string, HostTensor>> {
  await using file = await openSafetensors(path);
  return await readAll(file, isWeight);
}

async function readAll(file: SafetensorsReader, wanted: (name: string) => boolean): Promise<Map<string, HostTensor>> {
  const tensors = new Map<string, HostTensor>();
  for (const name of file.tensors.keys()) {
    if (!wanted(name)) continue;
    const { dtype, shape, bytes } = await file.read(name);
    tensors.set(name, { shape, values: dtype.startsWith('F') ? toFloat32(dtype, bytes) : toInt32(dtype, bytes) });
  }
  return tensors;
}

/** Terms of the loss that the metadata alone has, as if they were tensors of the file. */
function termsOf({ loss_terms_float64: terms = '{}' }: Readonly<Record<string, string>>): (readonly [string, HostTensor])[] {
  return Object.entries(JSON.parse(terms) as Record<string, number>).map(([name, value]) => [
    `expect.${name}`,
    { shape: [], values: Float32Array.of(value) },
  ]);
}

function isWeight(name: string): boolean {
  return name.startsWith('clip.');
}

/** Sizes from the metadata; the feed-forward width is that of the weights. */
function configOf(metadata: Readonly<Record<string, string>>, weights: Readonly<Record<string, Weight>>): ClipConfig {
  const activation = metadata['activation'] ?? 'quick_gelu';
  if (activation !== 'quick_gelu' && activation !== 'gelu') throw new Unsupported(`activation ${activation}`);
  const eps = metadata['layer_norm_eps'] === undefined ? 1e-5 : numberOf(metadata, 'layer_norm_eps');
  const weightOf = (name: string): Weight => {
    const weight = weights[name];
    if (!weight) throw new Unsupported(`the golden has no weight ${name}`);
    return weight;
  };
  const tower = (name: string, blocks: string): TowerConfig => ({
    width: numberOf(metadata, `${name}_width`),
    heads: numberOf(metadata, `${name}_heads`),
    layers: numberOf(metadata, `${name}_layers`),
    hidden: nth(weightOf(`${blocks}.resblocks.0.mlp.c_fc.weight`).shape, 0),
    activation,
    eps,
  });
  return checkConfig({
    embed: numberOf(metadata, 'embed_dim'),
    image: {
      ...tower('vision', 'visual.transformer'),
      size: numberOf(metadata, 'image_size'),
      patch: numberOf(metadata, 'patch'),
    },
    text: {
      ...tower('text', 'transformer'),
      context: numberOf(metadata, 'context_length'),
      vocabulary: numberOf(metadata, 'vocab'),
    },
  });
}

function numberOf(metadata: Readonly<Record<string, string>>, name: string): number {
  const value = Number(metadata[name] ?? Number.NaN);
  if (Number.isNaN(value)) throw new Unsupported(`the metadata says ${name} = ${metadata[name]}`);
  return value;
}
