/** Divergence of training: a loss, learnt tensors or results that are not finite. */
import { TensorError } from '@mudpt/tensor';
import type { TrainingReached } from './trainer-options.ts';

/** Where training diverged, and what is not finite. */
export interface Divergence {
  /** Both from 0; `step` counts within the epoch, and is the last one that was done. */
  readonly epoch: number;
  readonly step: number;
  /** Mean loss since it was last read, as text: NaN and infinities are no JSON. */
  readonly loss: string;
  /** Learning rate of that step. */
  readonly lr: number;
  /** Learning rate in the settings. */
  readonly askedLr: number;
  /** What is not finite: a clause for a person. */
  readonly what: string;
}

/** Training stopped because it diverged. The last checkpoint was finite and stays. */
export class DivergedError extends TensorError {
  constructor(
    readonly divergence: Divergence,
    /** Progress until then. */
    readonly training: TrainingReached,
    options?: ErrorOptions,
  ) {
    const { epoch, step, lr } = divergence;
    super('training', describeDivergence(divergence), adviceFor(divergence), {
      ...options,
      code: 'training.diverged',
      values: { epoch: epoch + 1, step: step + 1, lr: rate(lr) },
    });
  }
}

/** One sentence without its full stop. */
export function describeDivergence({ epoch, step, loss, lr, what }: Divergence): string {
  return `the run diverged in epoch ${epoch + 1}, step ${step + 1}: ${what}; loss ${shortNumber(loss)}, learning rate ${rate(lr)}`;
}

/** Advice: what to try. */
export function adviceFor({ askedLr }: Pick<Divergence, 'askedLr'>): string {
  const smaller = askedLr > 0 ? `, such as --lr ${rate(askedLr / 10)}` : '';
  return `begin anew with a smaller learning rate${smaller}, a longer warm-up (--set warmupEpochs=2), or f32 if this is f16; the last checkpoint is from before and finite`;
}

function shortNumber(loss: string): string {
  return Number.isFinite(Number(loss)) ? String(Number(Number(loss).toPrecision(5))) : loss;
}

function rate(lr: number): string {
  return String(Number(lr.toPrecision(3)));
}
