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
