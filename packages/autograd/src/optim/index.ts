export { Adam, type AdamOptions, AdamW } from './adam.ts';
export { clipGradNorm } from './clip.ts';
export { EMA } from './ema.ts';
export { type CommonOptions, type Group, Optimizer, type Rate, type StepOptions } from './optimizer.ts';
export {
  constant,
  cosine,
  linear as linearDecay,
  perStep,
  type Progress,
  type Schedule,
  stepDecay,
  type WarmUp,
  warmUp,
} from './schedule.ts';
export { SGD, type SGDOptions } from './sgd.ts';
