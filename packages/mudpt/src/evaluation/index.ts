export { type Confusion, type ConfusionCell, confusionOf } from './confusion.ts';
export { NotFiniteError } from './finite.ts';
export { type ClassMetrics, type Metrics, metricsOf } from './metrics.ts';
export { harmonicMean } from './comparison.ts';
export { mean, type Spread, SPREADS, spreadOf } from './statistics.ts';
