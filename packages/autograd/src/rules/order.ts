/** Gradient rules of cumulative sums and sorting: gradients go back to the positions the values came from. */
import { cumsum, flip, sort, topk } from '@mudpt/tensor/functions';
import { ruleFor } from '../rule.ts';
import { gatherBackward } from './adjoints.ts';

export const cumsumRule = ruleFor(cumsum, (_, x, axis = -1) => ({
  output: cumsum(x, axis),
  backward: (grad) => [flip(cumsum(flip(grad, axis), axis), axis)],
}));

export const sortRule = ruleFor(sort, (context, x, options = {}) => {
  const output = sort(x, options);
  const [positions, shape, axis] = [context.save(output.indices), x.shape, options.axis ?? -1];
  return { output, backward: (grad) => [grad && gatherBackward(grad, shape, axis, positions)] };
});

export const topkRule = ruleFor(topk, (context, x, k, options = {}) => {
  const output = topk(x, k, options);
  const [positions, shape, axis] = [context.save(output.indices), x.shape, options.axis ?? -1];
  return { output, backward: (grad) => [grad && gatherBackward(grad, shape, axis, positions)] };
});
