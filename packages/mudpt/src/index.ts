/** Prompt learning on CLIP: data sets, methods, training, reports. */
export * from './data/index.ts';
