export { Adadelta, type AdadeltaOptions } from './adadelta.ts';
export { Adagrad, type AdagradOptions } from './adagrad.ts';
export { Adam, type AdamOptions, AdamW } from './adam.ts';
export { Adamax, type AdamaxOptions } from './adamax.ts';
export { clipGradNorm, clipGradValue } from './clip.ts';
export { EMA } from './ema.ts';
export { LAMB, type LAMBOptions } from './lamb.ts';
export { type LbfgsEvaluation, lbfgs, type LbfgsOptions, type LbfgsResult } from './lbfgs.ts';
export { Lion, type LionOptions } from './lion.ts';
export { minimize, type MinimizeOptions } from './minimize.ts';
export { NAdam, type NAdamOptions } from './nadam.ts';
export { Optimizer } from './optimizer.ts';
export type { CommonOptions, Group, Rate, StepOptions } from './options.ts';
export { Plateau, type PlateauOptions, type PlateauState } from './plateau.ts';
export { RAdam, type RAdamOptions } from './radam.ts';
export { RMSprop, type RMSpropOptions } from './rmsprop.ts';
export {
  constant,
  cosine,
  cosineRestarts,
  exponential,
  inSteps,
  linear as linearDecay,
  type OneCycle,
  oneCycle,
  perStep,
  polynomial,
  type Progress,
  type Schedule,
  sequence,
  stepDecay,
  type WarmUp,
  warmUp,
} from './schedule.ts';
export { SGD, type SGDOptions } from './sgd.ts';
