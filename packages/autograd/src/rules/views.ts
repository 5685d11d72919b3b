/** Views and copies: the ops that all other views are made of. */
import { alias, cast, contiguous, expand, permute, reshape, slice, sliceBackward } from '@mudpt/tensor';
import { defineRule } from '../rule.ts';

defineRule(reshape, (_, x, shape) => {
  const from = x.shape;
  return { output: reshape(x, shape), backward: (grad) => [reshape(grad, from)] };
});

defineRule(permute, (_, x, order) => {
  const back = order.map((_axis, axis) => order.findIndex((source) => (source < 0 ? source + x.rank : source) === axis));
  return { output: permute(x, order), backward: (grad) => [permute(grad, back)] };
});

// The tape sums the gradient to the shape of x.
defineRule(expand, (_, x, shape) => ({ output: expand(x, shape), backward: (grad) => [grad] }));

defineRule(slice, (_, x, ranges) => {
  const from = x.shape;
  return { output: slice(x, ranges), backward: (grad) => [sliceBackward(grad, from, ranges)] };
});

defineRule(contiguous, (_, x) => ({ output: contiguous(x), backward: (grad) => [alias(grad)] }));

defineRule(cast, (_, x, dtype) => {
  const from = x.dtype;
  return { output: cast(x, dtype), backward: (grad) => [cast(grad, from)] };
});
