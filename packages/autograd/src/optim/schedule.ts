/**
 * Learning-rate schedules as pure functions of epoch and step. Pass the number to a captured step as an input, or to `step(gradients, { lr })`.
 */

/** Epoch and step of training; both count from 0. `steps` is the number of steps in an epoch. */
export type Progress = { readonly epoch: number; readonly step: number; readonly steps: number };

/** Learning rate as a function of progress. */
export type Schedule = (progress: Progress) => number;

/** `lr` at every step. */
export function constant(lr: number): Schedule {
  return () => lr;
}

/** From `lr` at the first epoch straight down to `end` after the last of `epochs`. */
export function linear(lr: number, epochs: number, end = 0): Schedule {
  return ({ epoch }) => lr + (end - lr) * Math.min(1, epoch / epochs);
}

/** Half a cosine from `lr` to `end` over `epochs`, one value per epoch (torch's CosineAnnealingLR). */
export function cosine(lr: number, epochs: number, end = 0): Schedule {
  return ({ epoch }) => end + ((lr - end) * (1 + Math.cos((Math.PI * epoch) / epochs))) / 2;
}

/** `lr` times `gamma` for every `size` epochs that have passed, or for every milestone reached. */
export function stepDecay(lr: number, sizeOrMilestones: number | readonly number[], gamma = 0.1): Schedule {
  return ({ epoch }) => {
    const passed =
      typeof sizeOrMilestones === 'number'
        ? Math.floor(epoch / sizeOrMilestones)
        : sizeOrMilestones.filter((milestone) => epoch >= milestone).length;
    return lr * gamma ** passed;
  };
}

/** Options of {@link warmUp}. */
export type WarmUp = {
  /** Epochs of warm-up. */
  readonly epochs: number;
  /** 'constant' stays at `lr`; 'linear' climbs from `lr` to the schedule's value by step. */
  readonly kind: 'constant' | 'linear';
  readonly lr: number;
  /**
   * Whether the schedule begins when the warm-up ends (Dassl's rule, which CoOp and its successors use). Default true.
   */
  readonly shift?: boolean;
};

/** `schedule` with another beginning. */
export function warmUp(schedule: Schedule, { epochs, kind, lr, shift = true }: WarmUp): Schedule {
  return (progress) => {
    const { epoch, step, steps } = progress;
    if (epoch >= epochs) return schedule(shift ? { ...progress, epoch: epoch - epochs } : progress);
    if (kind === 'constant') return lr;
    const target = schedule({ ...progress, epoch: shift ? 0 : epochs });
    return lr + ((target - lr) * (epoch * steps + step)) / (epochs * steps);
  };
}

/** The same schedule in steps instead of epochs: `perStep(cosine(1e-3, 10))` changes at every step. */
export function perStep(schedule: Schedule): Schedule {
  return ({ epoch, step, steps }) => schedule({ epoch: epoch + step / steps, step: 0, steps });
}
