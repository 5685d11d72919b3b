/** CLIP: tokenizer and preprocessing. */
export * from './preprocess/index.ts';
export * from './tokenizer/index.ts';
