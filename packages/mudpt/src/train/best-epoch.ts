/** The best epoch on validation: copies of its learnt tensors, for early stopping and for ending with it. */
import { copyInto, type Device, InputError, keep, type Tensor, zeros } from '@mudpt/tensor';
import type { PromptMethod } from '../methods/index.ts';
import type { TrainingState } from './state.ts';
import type { LoopSettings } from './trainer-options.ts';

/** When validation is measured, and whether it decides early stopping or the final state. */
export type ValidationSettings = Pick<LoopSettings, 'patience' | 'finalModel' | 'validateEvery'>;

export class BestEpoch {
  /** Copies of the learnt tensors at the best epoch, by name; empty where validation decides nothing. */
  readonly copies: ReadonlyMap<string, Tensor>;

  /**
   * @param validation images
   * @throws InputError where there are none to choose by
   */
  constructor(
    private readonly method: PromptMethod,
    private readonly settings: ValidationSettings,
    validation: number,
    device: Device,
  ) {
    const { patience } = settings;
    if (this.isOn && validation === 0)
      throw new InputError(
        'training',
        `there are no validation pictures to ${patience > 0 ? 'stop early' : 'choose the best epoch'} by`,
        `${patience > 0 ? 'set patience to 0' : 'leave finalModel at last_step'}, or give a val folder`,
        { code: 'training.noValidation' },
      );
    const learnable = this.isOn ? [...method.learnable] : [];
    this.copies = new Map(learnable.map(([name, { shape }]) => [name, keep(zeros(shape, { device }))]));
  }

  private get isOn(): boolean {
    return this.settings.patience > 0 || this.settings.finalModel === 'best_val';
  }

  /** Whether validation is measured after `epoch`, from 0, of `epochs`: always after the last one. */
  isDue(epoch: number, epochs: number): boolean {
    return this.isOn && ((epoch + 1) % (this.settings.validateEvery ?? 1) === 0 || epoch + 1 === epochs);
  }

  /** Takes an epoch's accuracy: the best epoch so far is copied; of equal ones the first stays. */
  after(epoch: number, accuracy: number, { best }: TrainingState): Pick<TrainingState, 'best' | 'stoppedAfter'> {
    const { patience } = this.settings;
    if (!best || accuracy > best.accuracy) {
      this.each((learnt, copy) => copyInto(copy, learnt));
      return { best: { accuracy, epoch } };
    }
    return { best, ...(patience > 0 && epoch - best.epoch >= patience && { stoppedAfter: epoch }) };
  }

  /** Takes the method back to its best epoch. */
  restore(): void {
    this.each((learnt, copy) => copyInto(learnt, copy));
  }

  dispose(): void {
    for (const copy of this.copies.values()) copy.dispose();
  }

  private each(visit: (learnt: Tensor, copy: Tensor) => void): void {
    for (const [name, copy] of this.copies) {
      const learnt = this.method.learnable.get(name);
      // Prompts of depth 1 have deep ones of no elements.
      if (learnt && learnt.size > 0) visit(learnt, copy);
    }
  }
}
