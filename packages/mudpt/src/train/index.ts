export { identity, resolveConfig, type RunConfig, runFields, type RunInput, runName } from './config.ts';
export { type ClassMetrics, harmonicMean, meanAndInterval, type Metrics, metricsOf } from './metrics.ts';
export {
  type ClassFacts,
  type Evaluation,
  type MetricsLine,
  type Prediction,
  RESULT_COLUMNS,
  RunFolder,
  type RunSummary,
} from './run-folder.ts';
export { scheduleOf } from './schedule.ts';
