/**
 * Learning-rate schedules as pure functions of epoch and step. Pass the number to a captured step as an input, or to `step(gradients, { lr })`.
 */

import { TensorError } from '@mudpt/tensor/functions';
import { expectOneOf, nth } from '@mudpt/tensor/internal';
import { expectShare } from '../checks.ts';

/** Epoch and step of training; both count from 0. `steps` is the number of steps in an epoch. */
export type Progress = { readonly epoch: number; readonly step: number; readonly steps: number };

/** Learning rate as a function of progress. */
export type Schedule = (progress: Progress) => number;

/** `epoch` as a share of `epochs`. @throws TensorError unless `epochs` is positive */
function shareOf(op: string, epoch: number, epochs: number): number {
  if (epochs > 0) return epoch / epochs;
  throw new TensorError(op, `it goes over ${epochs} epochs`, 'give a number above 0');
}

/** `lr` at every step. */
export function constant(lr: number): Schedule {
  return () => lr;
}

/** From `lr` at the first epoch straight down to `end` after the last of `epochs`. */
export function linear(lr: number, epochs: number, end = 0): Schedule {
  return ({ epoch }) => lr + (end - lr) * Math.min(1, shareOf('linearDecay', epoch, epochs));
}

/**
 * Half a cosine from `lr` to `end` over `epochs`, one value per epoch (torch's CosineAnnealingLR).
 * @example
 * const rate = cosine(0.2, 10);
 * console.log(rate({ epoch: 0, step: 0, steps: 1 }), rate({ epoch: 5, step: 0, steps: 1 }).toFixed(2)); // 0.2 0.10
 */
export function cosine(lr: number, epochs: number, end = 0): Schedule {
  // Pi is multiplied before the division, so that rates keep their bits from version to version.
  return ({ epoch }) => end + ((lr - end) * (1 + Math.cos(shareOf('cosine', Math.PI * epoch, epochs)))) / 2;
}

/** `lr` times `gamma` for every `size` epochs that have passed, or for every milestone reached. */
export function stepDecay(lr: number, sizeOrMilestones: number | readonly number[], gamma = 0.1): Schedule {
  return ({ epoch }) => {
    const passed =
      typeof sizeOrMilestones === 'number'
        ? Math.floor(shareOf('stepDecay', epoch, sizeOrMilestones))
        : sizeOrMilestones.filter((milestone) => epoch >= milestone).length;
    return lr * gamma ** passed;
  };
}

/** `lr` times `gamma` to the power of the epochs passed (torch's ExponentialLR). */
export function exponential(lr: number, gamma: number): Schedule {
  return ({ epoch }) => lr * gamma ** epoch;
}

/** From `lr` to `end` over `epochs` as (1 - epoch / epochs)^power (torch's PolynomialLR, where end is 0). */
export function polynomial(lr: number, epochs: number, power = 1, end = 0): Schedule {
  return ({ epoch }) => end + (lr - end) * (1 - Math.min(1, shareOf('polynomial', epoch, epochs))) ** power;
}

/**
 * Half a cosine from `lr` to `end` again and again: the first over `epochs`, each further one `factor` times as long as the one before (torch's
 * CosineAnnealingWarmRestarts).
 */
export function cosineRestarts(lr: number, epochs: number, factor = 1, end = 0): Schedule {
  if (!(factor >= 1)) throw new TensorError('cosineRestarts', `factor is ${factor}`, 'give a number of at least 1');
  return ({ epoch }) => {
    const cycles = shareOf('cosineRestarts', epoch, epochs);
    const cycle = factor === 1 ? Math.floor(cycles) : Math.floor(Math.log1p(cycles * (factor - 1)) / Math.log(factor) + 1e-12);
    const begun = factor === 1 ? cycle * epochs : (epochs * (factor ** cycle - 1)) / (factor - 1);
    const share = (epoch - begun) / (epochs * factor ** cycle);
    return end + ((lr - end) * (1 + Math.cos(Math.PI * share))) / 2;
  };
}

/** Options of {@link oneCycle}, with torch's defaults. */
export type OneCycle = {
  /** Share of the whole in which the rate climbs. Default 0.3. */
  readonly climb?: number;
  /** The rate begins at `lr` divided by this. Default 25. */
  readonly divisor?: number;
  /** The rate ends at the first one divided by this. Default 1e4. */
  readonly finalDivisor?: number;
  /** Default 'cosine'. */
  readonly shape?: 'cosine' | 'linear';
  /** Whether the rate falls back to its beginning first, in as many steps as it climbed, and only then to its end. Default false. */
  readonly threePhases?: boolean;
};

/**
 * Climbs to `lr`, then falls far below its beginning, over `total` values, the last of which is the end (torch's OneCycleLR, without its cycle of the momentum). Count
 * steps rather than epochs: `inSteps(oneCycle(0.1, steps))`.
 */
export function oneCycle(
  lr: number,
  total: number,
  { climb = 0.3, divisor = 25, finalDivisor = 1e4, shape = 'cosine', threePhases = false }: OneCycle = {},
): Schedule {
  expectOneOf('oneCycle', 'shape', shape, ['cosine', 'linear']);
  expectShare('oneCycle', 'climb', climb);
  const first = lr / divisor;
  const last = first / finalDivisor;
  const top = climb * total - 1;
  const points: readonly (readonly [at: number, lr: number])[] = threePhases
    ? [
        [0, first],
        [top, lr],
        [2 * climb * total - 2, first],
        [total - 1, last],
      ]
    : [
        [0, first],
        [top, lr],
        [total - 1, last],
      ];
  return ({ epoch }) => {
    const next = Math.max(
      1,
      points.findIndex(([at], i) => i > 0 && epoch <= at),
    );
    const [[from, a], [to, b]] = [points[next - 1], points[next]] as [readonly [number, number], readonly [number, number]];
    if (epoch >= total - 1) return last;
    const share = (epoch - from) / (to - from);
    return shape === 'linear' ? a + (b - a) * share : b + ((a - b) * (1 + Math.cos(Math.PI * share))) / 2;
  };
}

/**
 * Schedules one after another (torch's SequentialLR): each counts from 0 when the one before it ends.
 * @param parts each with the epochs it takes; the last goes on
 * @throws TensorError when there are none
 */
export function sequence(...parts: readonly (readonly [schedule: Schedule, epochs: number])[]): Schedule {
  if (parts.length === 0) throw new TensorError('sequence', 'there are no schedules', 'give at least one, with its epochs');
  return (progress) => {
    let which = 0;
    let begun = 0;
    for (; which + 1 < parts.length && progress.epoch >= begun + nth(parts, which)[1]; which += 1) begun += nth(parts, which)[1];
    const [schedule] = nth(parts, which);
    return schedule({ ...progress, epoch: progress.epoch - begun });
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

/** `schedule` with a warm-up before it. */
export function warmUp(schedule: Schedule, { epochs, kind, lr, shift = true }: WarmUp): Schedule {
  expectOneOf('warmUp', 'kind', kind, ['constant', 'linear']);
  return (progress) => {
    const { epoch, step, steps } = progress;
    if (epoch >= epochs) return schedule(shift ? { ...progress, epoch: epoch - epochs } : progress);
    if (kind === 'constant') return lr;
    const target = schedule({ ...progress, epoch: shift ? 0 : epochs });
    return lr + ((target - lr) * (epoch * steps + step)) / (epochs * steps);
  };
}

/** The same schedule at every step instead of once per epoch: `perStep(cosine(1e-3, 10))` takes 10 epochs. */
export function perStep(schedule: Schedule): Schedule {
  return ({ epoch, step, steps }) => schedule({ epoch: epoch + step / steps, step: 0, steps });
}

/** The same schedule with steps as its unit, counted over all epochs: `inSteps(cosine(1e-3, 500))` takes 500 steps, as torch's do when stepped by batch. */
export function inSteps(schedule: Schedule): Schedule {
  return ({ epoch, step, steps }) => schedule({ epoch: epoch * steps + step, step: 0, steps: 1 });
}
