/** New CLIP models, initialised as OpenAI's code does it (CLIP, model.py, initialize_parameters; PyTorch's defaults for the rest). */
import { type Random, randomFrom } from '@mudpt/autograd';
import { type Shape, sizeOf } from '@mudpt/tensor';
import type { Clip } from './clip.ts';
import { type ClipConfig, hasLogitBias } from './config.ts';
import { type ClipOptions, clipFromTensors } from './clip-from-tensors.ts';
import { type HostTensor, TOWERS, weightShapes } from './weight-shapes.ts';

/**
 * A model with random weights; the same `random` gives the same ones.
 * @param random uniform numbers in 0..1. Default: seed 0
 */
export function randomClip(config: ClipConfig, random: Random | undefined, options: ClipOptions): Clip {
  const weights = randomWeights(config, random, options.towers);
  return clipFromTensors(config, weights, options);
}

/** The initial weights by OpenAI's names, in host memory: 600 MB for ViT-B/16. */
export function randomWeights(config: ClipConfig, random: Random = randomFrom(0), towers = TOWERS): Record<string, HostTensor> {
  const weights: Record<string, HostTensor> = {};
  for (const [name, shape] of weightShapes(config, towers))
    weights[name] = { shape, dtype: 'f32', data: initial(config, name, shape, random) };
  return weights;
}

function initial(config: ClipConfig, name: string, shape: Shape, random: Random): Float32Array {
  const size = sizeOf(shape);
  const constant = (value: number): Float32Array => new Float32Array(size).fill(value);
  if (name === 'logit_scale') return constant(Math.log(hasLogitBias(config) ? 10 : 1 / 0.07));
  if (name === 'logit_bias') return constant(-10);
  if (/\.bn\.(weight|running_var)$/.test(name)) return constant(1);
  if (/\.bn\.(bias|running_mean)$/.test(name)) return constant(0);
  if (/\bln(_\w+)?\.weight$/.test(name)) return constant(1);
  if (/\bln(_\w+)?\.bias$/.test(name) || /attn\.\w+[._]bias$/.test(name)) return constant(0);
  if (['text_projection_bias', 'visual.conv1.bias', 'visual.proj_bias'].includes(name)) return constant(0);
  const deviation = name.startsWith('visual.') ? imageDeviation(config, name) : textDeviation(config, name);
  if (deviation !== undefined) return normal(size, deviation, random);
  return uniform(size, uniformBound(config, name, shape), random);
}

/** Standard deviation where the text tower's weights are normal. */
function textDeviation({ text: { width, layers } }: ClipConfig, name: string): number | undefined {
  if (name === 'token_embedding.weight') return 0.02;
  if (name === 'positional_embedding') return 0.01;
  if (name === 'text_projection' || name.endsWith('attn.in_proj_weight')) return width ** -0.5;
  if (/(attn\.out_proj|mlp\.c_proj)\.weight$/.test(name)) return width ** -0.5 * (2 * layers) ** -0.5;
  return name.endsWith('mlp.c_fc.weight') ? (2 * width) ** -0.5 : undefined;
}

function imageDeviation({ image: { width } }: ClipConfig, name: string): number | undefined {
  return /class_embedding|positional_embedding|visual\.proj|probe/.test(name) ? width ** -0.5 : undefined;
}

/** Bound of PyTorch's uniform defaults: Xavier's for the fused projection, else 1 / sqrt(inputs). */
function uniformBound(config: ClipConfig, name: string, shape: Shape): number {
  if (name.endsWith('attn.in_proj_weight')) return Math.sqrt(6 / ((shape[0] ?? 1) + (shape[1] ?? 1)));
  const tower = name.startsWith('visual.') ? config.image : config.text;
  if (name.endsWith('c_proj.bias')) return tower.hidden ** -0.5;
  if (name.endsWith('c_fc.bias')) return tower.width ** -0.5;
  return sizeOf(shape.slice(1)) ** -0.5;
}

function uniform(size: number, limit: number, random: Random): Float32Array {
  const values = new Float32Array(size);
  for (let i = 0; i < size; i += 1) values[i] = (2 * random() - 1) * limit;
  return values;
}

/** Box and Muller's transform gives two normal numbers from two uniform ones. */
function normal(size: number, deviation: number, random: Random): Float32Array {
  const values = new Float32Array(size);
  for (let i = 0; i < size; i += 2) {
    const radius = deviation * Math.sqrt(-2 * Math.log(1 - random()));
    const angle = 2 * Math.PI * random();
    values[i] = radius * Math.cos(angle);
    if (i + 1 < size) values[i + 1] = radius * Math.sin(angle);
  }
  return values;
}
