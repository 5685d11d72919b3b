/** Running averages of gradients and of their squares, with decays beta1 and beta2: their checks and kernel parameters. */
import { TensorError } from '@mudpt/tensor/functions';

/** @throws TensorError unless all `decays` are between 0 and 1 and eps is not negative */
export function expectMoments(op: string, decays: Readonly<Record<string, number>>, eps = 0): void {
  const isRight = Object.values(decays).every((decay) => decay > 0 && decay < 1) && eps >= 0;
  if (isRight) return;
  const given = Object.entries({ ...decays, eps }).map(([name, value]) => `${name} ${value}`);
  throw new TensorError(
    op,
    `got ${given.join(', ')}`,
    `give ${Object.keys(decays).join(' and ')} between 0 and 1, and an eps of at least 0`,
  );
}

/** Kernel parameters of the decays: `rest` is 1 - beta, rounded once; the logarithms give powers of beta by step. */
export function momentParams([beta1, beta2]: readonly [beta1: number, beta2: number]) {
  return { beta1, beta2, rest1: 1 - beta1, rest2: 1 - beta2, log_beta1: Math.log(beta1), log_beta2: Math.log(beta2) };
}
