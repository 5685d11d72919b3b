/** The error of an outer tape when an op's rule does work that the tape cannot record. */
import { TensorError } from '@mudpt/tensor/functions';
import type { Listener } from '@mudpt/tensor/internal';

/** `listener` while the rule of `op` runs: its refusals become errors of that op. */
export function differentiatedTwice(op: string, listener: Listener): Listener {
  const { hook, onWork, outer, isTape, closed } = listener;
  return { hook, isTape, outer, closed, onWork: onWork && ((...work) => refuse(op, work[0], () => onWork(...work))) };
}

function refuse(op: string, work: string, body: () => void): void {
  try {
    body();
  } catch (error) {
    if (!(error instanceof TensorError)) throw error;
    throw new TensorError(
      op,
      `its gradient has no derivative of its own (${work} is no op), and a tape outside of this one needs that`,
      'write forward and backward of its rule with ops, or give defineRule a composition of ops; noGrad around the inner gradient makes it a constant',
      { cause: error },
    );
  }
}
