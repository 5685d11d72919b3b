/** Gradient rule of rotary embedding: the gradient is rotated back. */
import { rope, TensorError } from '@mudpt/tensor/functions';
import { ruleFor } from '../rule.ts';

export const ropeRule = ruleFor(rope, (context, x, table, options = {}) => {
  if (context.needs(table))
    throw new TensorError('rope', 'the table needs a gradient, and has none', 'give detach(table), or one of ropeTable');
  const saved = context.save(table);
  const inverse = !(options.inverse ?? false);
  return {
    output: rope(x, table, options),
    inputs: [x],
    takesF32: true,
    backward: (grad) => [rope(grad, saved, { ...options, inverse })],
  };
});
