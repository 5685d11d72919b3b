/** Learning-rate schedules from training settings. */
import { constant, cosine, inSteps, perStep, type Schedule, warmUp } from '@mudpt/autograd';
import type { TrainingSettings } from '../methods/index.ts';

/**
 * The schedule of the settings. The default is Dassl's, which all published numbers of the family use: `warmupLr` for the warm-up
 * epochs, then half a cosine over `epochs` down to `finalLr`, which begins when the warm-up ends, so that it never reaches that. In closed form, with one
 * warm-up epoch and E epochs: epoch 0 has 1e-5, epoch e has lr (1 + cos(pi (e - 1) / E)) / 2 where finalLr is 0.
 *
 * With `iterations`, cosines fall over so many updates, at every one of them.
 *
 * Source: Dassl.pytorch, dassl/optim/lr_scheduler.py (ConstantWarmupScheduler around CosineAnnealingLR).
 */
export function scheduleOf(settings: TrainingSettings): Schedule {
  const { warmupEpochs, warmupLr } = settings;
  const main = mainSchedule(settings);
  return warmupEpochs === 0 ? main : warmUp(main, { epochs: warmupEpochs, kind: 'constant', lr: warmupLr });
}

function mainSchedule({ schedule, lr, epochs, iterations, finalLr }: TrainingSettings): Schedule {
  if (schedule === 'constant') return constant(lr);
  if (iterations > 0) return inSteps(cosine(lr, iterations, finalLr));
  const main = cosine(lr, epochs, finalLr);
  return schedule === 'cosine-per-step' ? perStep(main) : main;
}
