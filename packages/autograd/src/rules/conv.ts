/** Gradient rules of convolution, pooling and unfold. */
import {
  avgPool2d,
  conv2d,
  fold,
  gather,
  maxPool2d,
  type MaxPoolOptions,
  reshape,
  scope,
  type Tensor,
  unfold,
} from '@mudpt/tensor';
import { maxPool2dBackward, maxPool2dForward, nth } from '@mudpt/tensor/internal';
import { noGrad } from '../parameter.ts';
import { defineRule } from '../rule.ts';
import { avgPool2dBackward, conv2dBackwardBias, conv2dBackwardInput, conv2dBackwardWeight } from './adjoints.ts';

defineRule(conv2d, (context, x, weight, bias, options) => {
  const [inputShape, weightShape, needsBias] = [x.shape, weight.shape, context.needs(bias)];
  const savedX = context.needs(weight) ? context.save(x) : undefined;
  const savedWeight = context.needs(x) ? context.save(weight) : undefined;
  return {
    output: conv2d(x, weight, bias, options),
    inputs: [x, weight, bias],
    backward: (grad) => [
      savedWeight && conv2dBackwardInput(grad, savedWeight, inputShape, options),
      savedX && conv2dBackwardWeight(grad, savedX, weightShape, options),
      needsBias ? conv2dBackwardBias(grad) : undefined,
    ],
  };
});

/** The values at the places of the largest. */
function maxPool2dComposed(x: Tensor, kernelSize: Parameters<typeof maxPool2d>[1], options?: MaxPoolOptions): Tensor {
  return scope(() => {
    const { places } = noGrad(() => maxPool2dForward(x, kernelSize, options));
    const [images = 0, channels = 0, height = 0, width = 0] = x.shape;
    const [, , rows = 0, columns = 0] = places.shape;
    const flat = reshape(places, [images, channels, rows * columns]);
    return reshape(gather(reshape(x, [images, channels, height * width]), 2, flat), places.shape);
  });
}

defineRule(
  maxPool2d,
  (context, x, kernelSize, options) => {
    const { shape } = x;
    const { out, places } = maxPool2dForward(x, kernelSize, options);
    const saved = context.save(places);
    places.dispose();
    return { output: out, backward: (grad) => [maxPool2dBackward(grad, saved, shape, kernelSize, options)] };
  },
  { composition: maxPool2dComposed },
);

defineRule(avgPool2d, (_, x, kernelSize, options) => {
  const { shape } = x;
  return { output: avgPool2d(x, kernelSize, options), backward: (grad) => [avgPool2dBackward(grad, shape, kernelSize, options)] };
});

defineRule(unfold, (_, x, kernelSize, options) => {
  const size = [nth(x.shape, 2), nth(x.shape, 3)] as const;
  return { output: unfold(x, kernelSize, options), backward: (grad) => [fold(grad, size, kernelSize, options)] };
});

defineRule(fold, (_, columns, size, kernelSize, options) => ({
  output: fold(columns, size, kernelSize, options),
  backward: (grad) => [unfold(grad, kernelSize, options)],
}));
