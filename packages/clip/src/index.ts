/** CLIP: tokenizer and preprocessing. */
export * from './tokenizer/index.ts';
