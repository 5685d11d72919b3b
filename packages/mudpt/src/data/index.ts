export { byLabel, type Dataset, fillTemplate, fingerprint, type Item, readableName, type Split, SPLITS } from './dataset.ts';
export { PythonRandom } from './mt19937.ts';
export { type ClassSubset, epochOrder, fewShot, stepsPerEpoch, subsetClasses } from './sampling.ts';
