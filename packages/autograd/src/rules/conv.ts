/** Gradient rules of convolution, pooling and unfold. */
import {
  adaptiveAvgPool2d,
  adaptiveMaxPool2d,
  avgPool2d,
  conv2d,
  convTranspose2d,
  fold,
  gather,
  maxPool2d,
  maxPool2dWithIndices,
  reshape,
  scope,
  type Tensor,
  unfold,
} from '@mudpt/tensor/functions';
import {
  adaptiveMaxPool2dBackward,
  adaptiveMaxPool2dForward,
  maxPool2dBackward,
  maxPool2dForward,
  type MaxPoolResult,
  nth,
} from '@mudpt/tensor/internal';
import { noGrad } from '../parameter.ts';
import { compositionFor, ruleFor } from '../rule.ts';
import {
  adaptiveAvgPool2dBackward,
  avgPool2dBackward,
  conv2dBackwardBias,
  conv2dBackwardInput,
  conv2dBackwardWeight,
} from './adjoints.ts';

export const conv2dRule = ruleFor(conv2d, (context, x, weight, bias, options) => {
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

export const convTranspose2dRule = ruleFor(convTranspose2d, (context, x, weight, bias, options = {}) => {
  const { outputPadding: _, ...windows } = options;
  const [weightShape, needsBias] = [weight.shape, context.needs(bias)];
  const savedX = context.needs(weight) ? context.save(x) : undefined;
  const savedWeight = context.needs(x) ? context.save(weight) : undefined;
  return {
    output: convTranspose2d(x, weight, bias, options),
    inputs: [x, weight, bias],
    backward: (grad) => [
      savedWeight && conv2d(grad, savedWeight, undefined, windows),
      savedX && conv2dBackwardWeight(savedX, grad, weightShape, windows),
      needsBias ? conv2dBackwardBias(grad) : undefined,
    ],
  };
});

/** The values of x at the places of the largest, for tapes that need them made of ops. */
function atPlaces(x: Tensor, forward: () => MaxPoolResult): MaxPoolResult {
  return scope(() => {
    const { places } = noGrad(forward);
    const [images = 0, channels = 0, height = 0, width = 0] = x.shape;
    const [, , rows = 0, columns = 0] = places.shape;
    const flat = reshape(places, [images, channels, rows * columns]);
    return { out: reshape(gather(reshape(x, [images, channels, height * width]), 2, flat), places.shape), places };
  });
}

export const maxPool2dRule = ruleFor(maxPool2d, (context, x, kernelSize, options) => {
  const { shape } = x;
  const { out, places } = maxPool2dForward(x, kernelSize, options);
  const saved = context.save(places);
  places.dispose();
  return { output: out, backward: (grad) => [maxPool2dBackward(grad, saved, shape, kernelSize, options)] };
});

export const maxPool2dComposition = compositionFor(maxPool2d, (x, kernelSize, options) =>
  scope(() => atPlaces(x, () => maxPool2dForward(x, kernelSize, options)).out),
);

export const maxPool2dWithIndicesRule = ruleFor(maxPool2dWithIndices, (context, x, kernelSize, options) => {
  const { shape } = x;
  const { out, places } = maxPool2dForward(x, kernelSize, options);
  const saved = context.save(places);
  return {
    output: { values: out, indices: places },
    inputs: [x],
    backward: (grad) => [grad && maxPool2dBackward(grad, saved, shape, kernelSize, options)],
  };
});

export const maxPool2dWithIndicesComposition = compositionFor(maxPool2dWithIndices, (x, kernelSize, options) => {
  const { out, places } = atPlaces(x, () => maxPool2dForward(x, kernelSize, options));
  return { values: out, indices: places };
});

export const adaptiveMaxPool2dRule = ruleFor(adaptiveMaxPool2d, (context, x, size) => {
  const { shape } = x;
  const { out, places } = adaptiveMaxPool2dForward(x, size);
  const saved = context.save(places);
  places.dispose();
  return { output: out, backward: (grad) => [adaptiveMaxPool2dBackward(grad, saved, shape)] };
});

export const adaptiveMaxPool2dComposition = compositionFor(adaptiveMaxPool2d, (x, size) =>
  scope(() => atPlaces(x, () => adaptiveMaxPool2dForward(x, size)).out),
);

export const adaptiveAvgPool2dRule = ruleFor(adaptiveAvgPool2d, (_, x, size) => {
  const { shape } = x;
  return { output: adaptiveAvgPool2d(x, size), backward: (grad) => [adaptiveAvgPool2dBackward(grad, shape)] };
});

export const avgPool2dRule = ruleFor(avgPool2d, (_, x, kernelSize, options) => {
  const { shape } = x;
  return { output: avgPool2d(x, kernelSize, options), backward: (grad) => [avgPool2dBackward(grad, shape, kernelSize, options)] };
});

export const unfoldRule = ruleFor(unfold, (_, x, kernelSize, options) => {
  const size = [nth(x.shape, 2), nth(x.shape, 3)] as const;
  return { output: unfold(x, kernelSize, options), backward: (grad) => [fold(grad, size, kernelSize, options)] };
});

export const foldRule = ruleFor(fold, (_, columns, size, kernelSize, options) => ({
  output: fold(columns, size, kernelSize, options),
  backward: (grad) => [unfold(grad, kernelSize, options)],
}));
