/** The weights of a CLIP model by OpenAI's names: which there are, of which shapes, and how they get onto the device. */
import {
  cast,
  type Device,
  FormatError,
  keep,
  type Shape,
  sizeOf,
  Tensor,
  tensor,
  tensorFromBytes,
  toFloat32,
} from '@mudpt/tensor';
import { type ClipConfig, imageTokens } from './config.ts';

/** A weight in host memory: f32 values, or the 16-bit words of f16. */
export type HostTensor =
  | { readonly shape: Shape; readonly dtype: 'f32'; readonly data: Float32Array }
  | { readonly shape: Shape; readonly dtype: 'f16'; readonly data: Uint16Array };

/** OpenAI's name (`visual.proj`, `transformer.resblocks.0.ln_1.weight`, ...) to a weight, on the device or in host memory. */
export type ClipWeights = Readonly<Record<string, Tensor | HostTensor>>;

/** The two towers; each loads and runs alone. */
export type TowerName = 'image' | 'text';
export const TOWERS: readonly TowerName[] = ['image', 'text'];

/** How matrices are kept on the device. Vectors and embeddings of positions are always f32. */
export type WeightDType = 'f32' | 'f16';

/**
 * All weights of a model (or of one tower) with their shapes, in the order of OpenAI's state dict: for checking files by name.
 * `logit_scale` belongs to either tower.
 */
export function weightShapes(config: ClipConfig, towers: readonly TowerName[] = TOWERS): Map<string, Shape> {
  const { embed, image, text } = config;
  const shapes = new Map<string, Shape>();
  if (towers.includes('text')) {
    shapes.set('positional_embedding', [text.context, text.width]);
    shapes.set('text_projection', [text.width, embed]);
  }
  shapes.set('logit_scale', []);
  if (towers.includes('image')) {
    shapes.set('visual.class_embedding', [image.width]);
    shapes.set('visual.positional_embedding', [imageTokens(image), image.width]);
    shapes.set('visual.proj', [image.width, embed]);
    shapes.set('visual.conv1.weight', [image.width, 3, image.patch, image.patch]);
    addNorm(shapes, 'visual.ln_pre', image.width);
    addBlocks(shapes, 'visual.transformer', image);
    addNorm(shapes, 'visual.ln_post', image.width);
  }
  if (towers.includes('text')) {
    addBlocks(shapes, 'transformer', text);
    shapes.set('token_embedding.weight', [text.vocabulary, text.width]);
    addNorm(shapes, 'ln_final', text.width);
  }
  return shapes;
}

function addNorm(shapes: Map<string, Shape>, name: string, width: number): void {
  shapes.set(`${name}.weight`, [width]);
  shapes.set(`${name}.bias`, [width]);
}

function addBlocks(
  shapes: Map<string, Shape>,
  tower: string,
  { width, hidden, layers }: { readonly width: number; readonly hidden: number; readonly layers: number },
): void {
  for (let layer = 0; layer < layers; layer += 1) {
    const block = `${tower}.resblocks.${layer}`;
    shapes.set(`${block}.attn.in_proj_weight`, [3 * width, width]);
    shapes.set(`${block}.attn.in_proj_bias`, [3 * width]);
    shapes.set(`${block}.attn.out_proj.weight`, [width, width]);
    shapes.set(`${block}.attn.out_proj.bias`, [width]);
    addNorm(shapes, `${block}.ln_1`, width);
    shapes.set(`${block}.mlp.c_fc.weight`, [hidden, width]);
    shapes.set(`${block}.mlp.c_fc.bias`, [hidden]);
    shapes.set(`${block}.mlp.c_proj.weight`, [width, hidden]);
    shapes.set(`${block}.mlp.c_proj.bias`, [width]);
    addNorm(shapes, `${block}.ln_2`, width);
  }
}

/**
 * Hands out weights by name as the towers ask for them, checked. Tensors on the device are taken over as they are where their dtype
 * serves, else converted and released.
 */
export class WeightBox {
  constructor(
    private readonly weights: ClipWeights,
    private readonly device: Device,
    private readonly options: { readonly dtype?: WeightDType | undefined; readonly tokensOnDevice?: boolean | undefined } = {},
  ) {}

  /** @throws FormatError naming the first weight of another shape than it should have */
  check(shapes: ReadonlyMap<string, Shape>): void {
    for (const [name, shape] of shapes) this.find(name, shape);
  }

  /** A weight that products read: f32 or f16, as asked for or as it comes. */
  matrix(name: string, shape: Shape): Tensor {
    const found = this.find(name, shape);
    return this.take(found, this.options.dtype ?? (found.dtype === 'f16' && this.device.hasF16 ? 'f16' : 'f32'));
  }

  /** A weight that is added or scales: f32. */
  vector(name: string, shape: Shape): Tensor {
    return this.take(this.find(name, shape), 'f32');
  }

  /** A table of which single rows are read: one in host memory stays there, unless it is wanted on the device. */
  table(name: string, shape: Shape): Tensor | HostTensor {
    const found = this.find(name, shape);
    return found instanceof Tensor || this.options.tokensOnDevice ? this.matrix(name, shape) : found;
  }

  private find(name: string, shape: Shape): Tensor | HostTensor {
    const found = this.weights[name];
    if (!found)
      throw new FormatError('clipFromTensors', `the weight ${name} is missing`, `give it, of shape [${shape.join(', ')}]`);
    const count = found instanceof Tensor ? sizeOf(found.shape) : found.data.length;
    if (found.shape.join() !== shape.join() || count !== sizeOf(shape)) {
      throw new FormatError(
        'clipFromTensors',
        `${name} has shape [${found.shape.join(', ')}] and ${count} elements, [${shape.join(', ')}] is expected`,
        'give the weights and the config of one model',
      );
    }
    return found;
  }

  private take(found: Tensor | HostTensor, dtype: WeightDType): Tensor {
    if (!(found instanceof Tensor)) return keep(upload(found, dtype, this.device));
    if (found.dtype === dtype) return keep(found);
    const converted = keep(cast(found, dtype));
    found.dispose();
    return converted;
  }
}

/** A weight on the device. */
export function upload({ shape, dtype: from, data }: HostTensor, dtype: WeightDType, device: Device): Tensor {
  if (from === 'f16' && dtype === 'f16')
    return tensorFromBytes(new Uint8Array(Uint16Array.from(data).buffer), shape, 'f16', device);
  return tensor(from === 'f16' ? widen(data) : data, { shape, dtype, device });
}

/** f16 words as f32 values, exactly. */
export function widen(words: Uint16Array): Float32Array {
  return toFloat32('F16', new Uint8Array(words.buffer, words.byteOffset, words.byteLength));
}
