/**
 * Prompt learning without files: methods, few-shot selection, batches, the training step and the trainer. All of it runs in a page as well as in Node;
 * the main entry adds data sets in folders, whole runs and reports.
 */
export { fillTemplate, readableName } from './data/class-names.ts';
export { byLabel, type Dataset, type Item, type Split, SPLITS } from './data/dataset.ts';
export { type Batch, BatchLoader, type BatchLoaderOptions, type Unreadable } from './data/loader.ts';
export { PythonRandom } from './data/mt19937.ts';
export { type ClassSubset, epochOrder, fewShot, stepsPerEpoch, subsetClasses } from './data/sampling.ts';
export * from './methods/index.ts';
export { type Budget, heldBytes, type StepChoice, type StepPlan } from './memory/choice.ts';
export * from './train/index.ts';
