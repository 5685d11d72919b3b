/** Gradient rule of dropout: the mask is drawn again instead of being kept. */
import { dropout } from '@mudpt/tensor/internal';
import { ruleFor } from '../rule.ts';

export const dropoutRule = ruleFor(dropout, (context, x, options) => {
  const seed = typeof options.seed === 'number' ? options.seed : context.save(options.seed);
  return { output: dropout(x, options), inputs: [x], backward: (grad) => [dropout(grad, { ...options, seed })] };
});
