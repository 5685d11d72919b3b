export {
  type AttentionForwardOptions,
  CrossAttention,
  type CrossAttentionOptions,
  MultiHeadAttention,
  type MultiHeadAttentionOptions,
} from './attention.ts';
export { type BlockOptions, type BlockParts, TransformerBlock } from './block.ts';
export { ModuleDict, ModuleList } from './containers.ts';
export { type DecoderBlockOptions, type DecoderForwardOptions, TransformerDecoderBlock } from './decoder-block.ts';
export {
  BatchNorm1d,
  BatchNorm2d,
  type BatchNormOptions,
  type ChannelNormOptions,
  GroupNorm,
  InstanceNorm,
} from './channel-norm.ts';
export {
  Conv1d,
  type Conv1dModuleOptions,
  Conv2d,
  Conv3d,
  type Conv3dModuleOptions,
  type ConvModuleOptions,
  ConvTranspose1d,
  type ConvTranspose1dModuleOptions,
  ConvTranspose2d,
  type ConvTranspose2dModuleOptions,
} from './conv.ts';
export { Dropout, dropout, Dropout2d, type DropoutOptions } from './dropout.ts';
export { Embedding } from './embedding.ts';
export { feedForward, type FeedForwardOptions, type LinearWeights } from './feed-forward.ts';
export { freeze, type NameFilter, unfreeze } from './freeze.ts';
export { filled, type InitOptions, normal, uniform } from './init.ts';
export { type KeysAndValues, KVCache } from './kv-cache.ts';
export { AdaptiveAvgPool2d, AvgPool2d, Flatten, MaxPool2d, Upsample } from './image.ts';
export { loadModule, loadTensors, saveModule, saveTensors, serializeTensors } from './files.ts';
export { Linear, type LinearModuleOptions } from './linear.ts';
export { Module, type StateDict, type StateName } from './module.ts';
export { LayerNorm, type LayerNormOptions, type NormOptions, RMSNorm } from './norm.ts';
export {
  GRU,
  LSTM,
  type LSTMState,
  type RecurrentOptions,
  type RecurrentResult,
  RecurrentWeights,
  RNN,
  type RNNOptions,
} from './recurrent.ts';
export { type Layer, Sequential } from './sequential.ts';
export { type Summary, summary, type SummaryRow } from './summary.ts';
