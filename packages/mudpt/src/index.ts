/** Prompt learning on CLIP: data sets, methods, training, runs in folders. */
export * from './core.ts';
export * from './data/index.ts';
export * from './datasets/index.ts';
export * from './evaluation/index.ts';
export * from './memory/index.ts';
export * from './runs/index.ts';
export { loadPlugin, type PluginRecord } from './plugins/load.ts';
