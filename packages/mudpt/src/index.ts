/** Prompt learning on CLIP: data sets, methods, training, reports. */
export * from './data/index.ts';
export * from './methods/index.ts';
export * from './train/index.ts';
