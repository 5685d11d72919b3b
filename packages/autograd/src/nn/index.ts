export {
  type AttentionForwardOptions,
  CrossAttention,
  type CrossAttentionOptions,
  MultiHeadAttention,
  type MultiHeadAttentionOptions,
} from './attention.ts';
export { type BlockOptions, type BlockParts, TransformerBlock } from './block.ts';
export { ModuleDict, ModuleList } from './containers.ts';
export { Conv2d, type ConvModuleOptions } from './conv.ts';
export { type DecoderBlockOptions, type DecoderForwardOptions, TransformerDecoderBlock } from './decoder-block.ts';
export { Dropout, dropout, type DropoutOptions } from './dropout.ts';
export { Embedding } from './embedding.ts';
export { feedForward, type FeedForwardOptions, type LinearWeights } from './feed-forward.ts';
export { freeze, type NameFilter, unfreeze } from './freeze.ts';
export { filled, type InitOptions, normal, uniform } from './init.ts';
export { type KeysAndValues, KVCache } from './kv-cache.ts';
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
