export { datasetDefinitions, datasetNames, openDataset, registerDataset } from './registry.ts';
