export { openCsv } from './csv.ts';
export { byLabel, type Dataset, fillTemplate, fingerprint, type Item, readableName, type Split, SPLITS } from './dataset.ts';
export { openFolder, type SourceOptions } from './folder.ts';
export { type Batch, BatchLoader, type BatchLoaderOptions, type Unreadable } from './loader.ts';
export { PythonRandom } from './mt19937.ts';
export { openPaperSet, PAPER_SETS } from './paper-sets.ts';
export { datasetNames, openDataset, type OpenOptions } from './registry.ts';
export { type ClassSubset, epochOrder, fewShot, stepsPerEpoch, subsetClasses } from './sampling.ts';
export { openSplitJson, type SplitJsonOptions } from './split-json.ts';
