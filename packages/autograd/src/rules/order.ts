/** Gradient rules of cumulative sums and sorting: gradients go back to the positions the values came from. */
import { cumsum, flip, sort, topk } from '@mudpt/tensor';
import { defineRule } from '../rule.ts';
import { gatherBackward } from './adjoints.ts';

defineRule(cumsum, (_, x, axis = -1) => ({
  output: cumsum(x, axis),
  backward: (grad) => [flip(cumsum(flip(grad, axis), axis), axis)],
}));

defineRule(sort, (context, x, options = {}) => {
  const output = sort(x, options);
  const [positions, shape, axis] = [context.save(output.indices), x.shape, options.axis ?? -1];
  return { output, backward: (grad) => [grad && gatherBackward(grad, shape, axis, positions)] };
});

defineRule(topk, (context, x, k, options = {}) => {
  const output = topk(x, k, options);
  const [positions, shape, axis] = [context.save(output.indices), x.shape, options.axis ?? -1];
  return { output, backward: (grad) => [grad && gatherBackward(grad, shape, axis, positions)] };
});
