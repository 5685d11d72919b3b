export { loadCheckpoint, saveCheckpoint, serializeCheckpoint, type Trained } from './checkpoint.ts';
export { collate, type Collated, type CollateTypes, type HostBatch, type ItemValue } from './collate.ts';
export { DataLoader, type DataLoaderOptions, type Dataset, type DataSource, rowsOf } from './data-loader.ts';
export { fit } from './fit.ts';
export type {
  Batch as FitBatch,
  BatchSource,
  EarlyStopping,
  EpochReport,
  EpochSource,
  FitOptions,
  FitResult,
  FitState,
  Means as FitMeans,
  StepReport,
  TensorsOf,
  Watch as FitWatch,
} from './fit-options.ts';
