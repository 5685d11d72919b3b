/** Early stopping on validation: the best epoch so far, and copies of its learnt tensors. */
import { copyInto, type Device, InputError, keep, type Tensor, zeros } from '@mudpt/tensor';
import type { PromptMethod } from '../methods/index.ts';
import type { TrainingState } from './state.ts';

export class EarlyStopping {
  /** Copies of the learnt tensors at the best epoch, by name; empty without early stopping. */
  readonly copies: ReadonlyMap<string, Tensor>;

  /**
   * @param patience epochs without a better accuracy after which training ends; 0: it never does
   * @throws InputError where there are no validation images to stop by
   */
  constructor(
    private readonly method: PromptMethod,
    private readonly patience: number,
    validation: number,
    device: Device,
  ) {
    if (this.isOn && validation === 0)
      throw new InputError(
        'training',
        'there are no validation pictures to stop early by',
        'set patience to 0, or give a val folder',
      );
    const learnable = this.isOn ? [...method.learnable] : [];
    this.copies = new Map(learnable.map(([name, { shape }]) => [name, keep(zeros(shape, { device }))]));
  }

  get isOn(): boolean {
    return this.patience > 0;
  }

  /** What follows from an epoch's accuracy: the best one yet is copied. */
  after(epoch: number, accuracy: number, { best }: TrainingState): Pick<TrainingState, 'best' | 'stoppedAfter'> {
    if (!best || accuracy > best.accuracy) {
      this.each((learnt, copy) => copyInto(copy, learnt));
      return { best: { accuracy, epoch } };
    }
    return { best, ...(epoch - best.epoch >= this.patience && { stoppedAfter: epoch }) };
  }

  /** Takes the method back to its best epoch. */
  restoreBest(): void {
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
