export type { BatchOptions, EncodedBatch } from './batch.ts';
export type { TokenizerMode } from './clean.ts';
export { reduceVocabulary, type ReducedVocabulary } from './reduce.ts';
export {
  createSentencePieceTokenizer,
  type SentencePieceFiles,
  SentencePieceTokenizer,
  type TextCleaning,
} from './sentencepiece.ts';
export type { EncodeOptions as TokenizerEncodeOptions, TextTokenizer } from './text-tokenizer.ts';
export { createTokenizer, Tokenizer, type TokenizerOptions } from './tokenizer.ts';
export type { VocabularyFiles } from './vocabulary.ts';
