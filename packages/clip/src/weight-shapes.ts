/** The weights of a model and their shapes, by OpenAI's names (and names like them for parts that OpenAI's models do not have). */
import type { Shape, Tensor } from '@mudpt/tensor';
import { type ClipConfig, hasLogitBias, type ImageConfig, imageTokens, type MobileClipImageConfig } from './config.ts';

/** A weight in host memory: f32 values, or the 16-bit words of f16. */
export type HostTensor =
  | { readonly shape: Shape; readonly dtype: 'f32'; readonly data: Float32Array }
  | { readonly shape: Shape; readonly dtype: 'f16'; readonly data: Uint16Array };

/** OpenAI's name (`visual.proj`, `transformer.resblocks.0.ln_1.weight`, ...) to a weight, on the device or in host memory. */
export type ClipWeights = Readonly<Record<string, Tensor | HostTensor>>;

/** The two towers; each loads and runs alone. */
export type TowerName = 'image' | 'text';
/** Both towers, in the order of a model's parts. */
export const TOWERS: readonly TowerName[] = ['image', 'text'];

/** How matrices are kept on the device. Vectors and embeddings of positions are always f32. */
export type WeightDType = 'f32' | 'f16';

/**
 * All weights of a model (or of one tower) with their shapes, in the order of OpenAI's state dict: for checking files by name.
 * `logit_scale` and `logit_bias` belong to either tower.
 */
export function weightShapes(config: ClipConfig, towers: readonly TowerName[] = TOWERS): Map<string, Shape> {
  const { embed, text } = config;
  const shapes = new Map<string, Shape>();
  if (towers.includes('text')) {
    shapes.set('positional_embedding', [text.context, text.width]);
    shapes.set('text_projection', [text.width, embed]);
    if (text.architecture === 'siglip') shapes.set('text_projection_bias', [embed]);
  }
  shapes.set('logit_scale', []);
  if (hasLogitBias(config)) shapes.set('logit_bias', []);
  if (towers.includes('image')) addImageTower(shapes, config);
  if (towers.includes('text')) {
    addBlocks(shapes, 'transformer', text);
    shapes.set('token_embedding.weight', [text.vocabulary, text.width]);
    addNorm(shapes, 'ln_final', text.width);
  }
  return shapes;
}

function addImageTower(shapes: Map<string, Shape>, { embed, image }: ClipConfig): void {
  const { width, patch } = image;
  const { architecture = 'clip' } = image;
  const isSiglip = architecture === 'siglip';
  if (!isSiglip) shapes.set('visual.class_embedding', [width]);
  shapes.set('visual.positional_embedding', [imageTokens(image) - (architecture === 'mobileclip' ? 1 : 0), width]);
  if (!isSiglip) shapes.set('visual.proj', [width, embed]);
  if (architecture === 'eva02' || architecture === 'mobileclip') shapes.set('visual.proj_bias', [embed]);
  if (image.architecture === 'mobileclip') addStem(shapes, image);
  else shapes.set('visual.conv1.weight', [width, 3, patch, patch]);
  if (isSiglip || architecture === 'eva02') shapes.set('visual.conv1.bias', [width]);
  if (architecture === 'clip') addNorm(shapes, 'visual.ln_pre', width);
  addBlocks(shapes, 'visual.transformer', image);
  addNorm(shapes, 'visual.ln_post', width);
  if (isSiglip) addPooling(shapes, image);
}

/** A convolution of MobileCLIP's stem. */
export type StemLayer = {
  readonly name: string;
  readonly inputs: number;
  readonly outputs: number;
  readonly kernel: number;
  /** The last convolution: no batch norm and activation, but a bias. */
  readonly isLast: boolean;
};

/** The convolutions that embed a patch of 16. */
export function stemLayers({ width }: Pick<MobileClipImageConfig, 'width'>): readonly StemLayer[] {
  const quarter = width / 4;
  return [
    { name: 'visual.stem.0', inputs: 3, outputs: quarter, kernel: 4, isLast: false },
    { name: 'visual.stem.1', inputs: quarter, outputs: quarter, kernel: 2, isLast: false },
    { name: 'visual.stem.2', inputs: quarter, outputs: width, kernel: 2, isLast: true },
  ];
}

function addStem(shapes: Map<string, Shape>, config: MobileClipImageConfig): void {
  for (const { name, inputs, outputs, kernel, isLast } of stemLayers(config)) {
    shapes.set(`${name}.conv.weight`, [outputs, inputs, kernel, kernel]);
    if (isLast) shapes.set(`${name}.conv.bias`, [outputs]);
    else for (const part of ['weight', 'bias', 'running_mean', 'running_var']) shapes.set(`${name}.bn.${part}`, [outputs]);
  }
}

function addPooling(shapes: Map<string, Shape>, { width, hidden }: ImageConfig): void {
  const pool = 'visual.attn_pool';
  shapes.set(`${pool}.probe`, [1, 1, width]);
  addAttentionWeights(shapes, `${pool}.attn`, width);
  addNorm(shapes, `${pool}.ln`, width);
  addFeedForward(shapes, `${pool}.mlp`, width, hidden);
}

function addAttentionWeights(shapes: Map<string, Shape>, name: string, width: number): void {
  shapes.set(`${name}.in_proj_weight`, [3 * width, width]);
  shapes.set(`${name}.in_proj_bias`, [3 * width]);
  shapes.set(`${name}.out_proj.weight`, [width, width]);
  shapes.set(`${name}.out_proj.bias`, [width]);
}

/** @param outputs of the first product: twice the hidden channels where it is gated */
function addFeedForward(shapes: Map<string, Shape>, name: string, width: number, hidden: number, outputs = hidden): void {
  shapes.set(`${name}.c_fc.weight`, [outputs, width]);
  shapes.set(`${name}.c_fc.bias`, [outputs]);
  shapes.set(`${name}.c_proj.weight`, [width, hidden]);
  shapes.set(`${name}.c_proj.bias`, [width]);
}

function addNorm(shapes: Map<string, Shape>, name: string, width: number): void {
  shapes.set(`${name}.weight`, [width]);
  shapes.set(`${name}.bias`, [width]);
}

function addBlocks(
  shapes: Map<string, Shape>,
  tower: string,
  { width, hidden, layers, architecture }: ClipConfig['image'] | ClipConfig['text'],
): void {
  const isEva = architecture === 'eva02';
  for (let layer = 0; layer < layers; layer += 1) {
    const block = `${tower}.resblocks.${layer}`;
    addAttentionWeights(shapes, `${block}.attn`, width);
    if (isEva) addNorm(shapes, `${block}.attn.ln`, width);
    addNorm(shapes, `${block}.ln_1`, width);
    addFeedForward(shapes, `${block}.mlp`, width, hidden, isEva ? 2 * hidden : hidden);
    if (isEva) addNorm(shapes, `${block}.mlp.ln`, hidden);
    addNorm(shapes, `${block}.ln_2`, width);
  }
}
