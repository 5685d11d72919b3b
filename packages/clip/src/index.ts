/** CLIP: both towers, weights in all formats, tokenizer, preprocessing. */
export { Clip, type EncodeImageOptions, type EncodeOptions, type EncodeTextOptions, type ZeroShotOptions } from './clip.ts';
export {
  checkConfig,
  CLIP_CONFIGS,
  type ClipConfig,
  type ClipImageConfig,
  type ClipName,
  type ClipTextConfig,
  type EvaImageConfig,
  hasLogitBias,
  type ImageConfig,
  type MobileClipImageConfig,
  type ImageSizes,
  imageTokens,
  type SiglipImageConfig,
  type SiglipTextConfig,
  type TextConfig,
  type TextSizes,
  type TowerConfig,
} from './config.ts';
export { clipFromTensors, type ClipOptions } from './clip-from-tensors.ts';
export { BLOCK_PRODUCTS, type BlockAdapter, type BlockProduct, type LowRankUpdate } from './towers/adapters.ts';
export { ImageTower } from './towers/image-tower.ts';
export { csvLine, printable, printableJson } from './printable.ts';
export { randomClip, randomWeights } from './random-clip.ts';
export { type ClipWeights, type HostTensor, type TowerName, TOWERS, type WeightDType, weightShapes } from './weight-shapes.ts';
export type { PromptTokens } from './towers/prompt-tokens.ts';
export type { EmbeddedTexts, PackedInput } from './towers/text-inputs.ts';
export { TextTower } from './towers/text-tower.ts';
export type { PackedTexts, TokenIds } from './towers/token-ids.ts';
export type { TokenTable } from './towers/token-table.ts';
export type { BlockHook, Recompute, StackOptions } from './towers/transformer.ts';
export { type Descriptions, descriptionsFor, parseDescriptions } from './descriptions.ts';
export { sigmoidLoss } from './sigmoid-loss.ts';
export { DEFAULT_TEMPLATES, ensemble, meanOfRows, type Prediction } from './zero-shot.ts';
export * from './preprocess/index.ts';
export * from './tokenizer/index.ts';
export * from './weights/index.ts';
