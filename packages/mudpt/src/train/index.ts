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
export { openRunData } from './prepare.ts';
export { scheduleOf } from './schedule.ts';
export { type Estimate, estimateRun } from './estimate.ts';
export { evaluateRun, type EvaluationResult, type FilePrediction, openRun, predictFiles, type TunedModel } from './evaluate.ts';
export { type FinishedRun, resumeRun, type RunObserver, type RunOptions, type RunResult, runFolderOf, train } from './run.ts';
export { type TrainingProgress } from './trainer.ts';
