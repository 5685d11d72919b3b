/** Gradient rule of distances between rows. */
import { cdist } from '@mudpt/tensor';
import { cdistBackward } from '@mudpt/tensor/internal';
import { defineRule } from '../rule.ts';

defineRule(cdist, (context, a, b) => {
  const output = cdist(a, b);
  const [left, right, distances] = [context.save(a), context.save(b), context.save(output)];
  const [needsA, needsB] = [context.needs(a), context.needs(b)];
  return {
    output,
    backward: (grad) => [
      needsA ? cdistBackward(grad, distances, left, right, 'a') : undefined,
      needsB ? cdistBackward(grad, distances, left, right, 'b') : undefined,
    ],
  };
});
