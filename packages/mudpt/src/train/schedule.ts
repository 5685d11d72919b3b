/** Learning-rate schedules from training settings. */
import { constant, cosine, perStep, type Schedule, warmUp } from '@mudpt/autograd';
import type { TrainingSettings } from '../methods/index.ts';

/**
 * The schedule of the settings. The default is Dassl's, which all published numbers of the family use: `warmupLr` for the warm-up
 * epochs, then half a cosine over `epochs` down to `finalLr`, which begins when the warm-up ends, so that it never reaches that. In closed form, with one
 * warm-up epoch and E epochs: epoch 0 has 1e-5, epoch e has lr (1 + cos(pi (e - 1) / E)) / 2 where finalLr is 0.
 *
 * Source: Dassl.pytorch, dassl/optim/lr_scheduler.py (ConstantWarmupScheduler around CosineAnnealingLR).
 */
export function scheduleOf({ schedule, lr, epochs, finalLr, warmupEpochs, warmupLr }: TrainingSettings): Schedule {
  const main = schedule === 'constant' ? constant(lr) : cosine(lr, epochs, finalLr);
  const shaped = schedule === 'cosine-per-step' ? perStep(main) : main;
  return warmupEpochs === 0 ? shaped : warmUp(shaped, { epochs: warmupEpochs, kind: 'constant', lr: warmupLr });
}
