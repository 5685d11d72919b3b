import { TensorError } from '@mudpt/tensor/functions';
import { expectOneOf } from '@mudpt/tensor/internal';
import type { Schedule } from './schedule.ts';

/** Options of {@link Plateau}, with torch's defaults. */
export type PlateauOptions = {
  /** Whether smaller or larger values are better. Default 'min'. */
  readonly mode?: 'min' | 'max';
  /** The rate is multiplied by it. Default 0.1. */
  readonly factor?: number;
  /** How many values without improvement pass before the rate falls. Default 10. */
  readonly patience?: number;
  /** How much better a value must be to count, as a share of the best one, or in its units where `absolute` is set. Default 1e-4. */
  readonly threshold?: number;
  readonly absolute?: boolean;
  /** Values after a fall that do not count. Default 0. */
  readonly cooldown?: number;
  /** Default 0. */
  readonly minLr?: number;
};

/** The state of a {@link Plateau} to save and go on from: plain numbers, for JSON. `best` is null before the first value. */
export type PlateauState = {
  readonly lr: number;
  readonly best: number | null;
  readonly waited: number;
  readonly cooling: number;
};

/** A learning rate that falls when a value, such as the validation loss, has stopped improving (torch's ReduceLROnPlateau). */
export class Plateau {
  private readonly options: Required<PlateauOptions>;
  private now: PlateauState;

  /** @throws TensorError unless factor is between 0 and 1 */
  constructor(lr: number, options: PlateauOptions = {}) {
    this.options = {
      mode: 'min',
      factor: 0.1,
      patience: 10,
      threshold: 1e-4,
      absolute: false,
      cooldown: 0,
      minLr: 0,
      ...options,
    };
    const { factor, mode } = this.options;
    expectOneOf('Plateau', 'mode', mode, ['min', 'max']);
    if (!(factor > 0 && factor < 1)) throw new TensorError('Plateau', `factor is ${factor}`, 'give one between 0 and 1');
    this.now = { lr, best: null, waited: 0, cooling: 0 };
  }

  get lr(): number {
    return this.now.lr;
  }

  /** Takes a value in, usually after an epoch. @returns the rate from now on */
  observe(value: number): number {
    const { factor, patience, cooldown, minLr } = this.options;
    let { lr, best, waited, cooling } = this.now;
    if (this.isBetter(value, best)) [best, waited] = [value, 0];
    else waited += 1;
    if (cooling > 0) [cooling, waited] = [cooling - 1, 0];
    if (waited > patience) {
      const lower = Math.max(lr * factor, minLr);
      if (lr - lower > 1e-8) lr = lower;
      [cooling, waited] = [cooldown, 0];
    }
    this.now = { lr, best, waited, cooling };
    return lr;
  }

  /** The present rate as a schedule. */
  get schedule(): Schedule {
    return () => this.now.lr;
  }

  get state(): PlateauState {
    return this.now;
  }

  set state(state: PlateauState) {
    this.now = { ...state };
  }

  private isBetter(value: number, best: number | null): boolean {
    const { mode, threshold, absolute } = this.options;
    const sign = mode === 'min' ? -1 : 1;
    // NaN as the first value does not become the best one: nothing would ever be better.
    const least = best ?? -sign * Number.POSITIVE_INFINITY;
    return sign * (value - (absolute ? least + sign * threshold : least * (1 + sign * threshold))) > 0;
  }
}
