export { adviceFor, describeDivergence, DivergedError, type Divergence } from './diverged.ts';
export type { MetricsLine } from './metrics-line.ts';
export { countLearnt, type FeatureKeeper, fitFeatures, type FitOptions } from './fit.ts';
export { optimizerOf, type StepOptimizer } from './optimizer.ts';
export { scheduleOf } from './schedule.ts';
export { type Extent, type TrainingRecorder, type TrainingState, UNRECORDED } from './state.ts';
export { trainPrompts } from './trainer.ts';
export type { LoopSettings, TrainerOptions, TrainingProgress, TrainingReached, TrainingResult } from './trainer-options.ts';
export { Stepper, type StepStats } from './step.ts';
