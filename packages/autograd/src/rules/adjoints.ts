/**
 * Backward functions that are linear in the gradient, as ops. The gradient of each is the forward op, so an outer tape can record them, and
 * derivatives of any order run on the same kernels.
 */
import {
  adaptiveAvgPool2d,
  avgPool2d,
  conv2d,
  embedding,
  expand,
  gather,
  gatherRows,
  indexSelect,
  reshape,
  slice,
} from '@mudpt/tensor/functions';
import * as kernels from '@mudpt/tensor/internal';
import { nth } from '@mudpt/tensor/internal';
import { defineOp } from '@mudpt/tensor/kernels';
import { ruleFor } from '../rule.ts';

/** Sums over the axes along which a tensor of `shape` was broadcast to that of x. */
export const sumTo = defineOp('sumTo', kernels.sumTo);

export const sumToRule = ruleFor(sumTo, (_, x, shape) => {
  const wide = x.shape;
  return { output: sumTo(x, shape), backward: (grad) => [expand(grad, wide)] };
});

export const sliceBackward = defineOp('sliceBackward', kernels.sliceBackward);

export const sliceBackwardRule = ruleFor(sliceBackward, (_, x, shape, ranges) => ({
  output: sliceBackward(x, shape, ranges),
  backward: (grad) => [slice(grad, ranges)],
}));

export const gatherBackward = defineOp('gatherBackward', kernels.gatherBackward);

export const gatherBackwardRule = ruleFor(gatherBackward, (context, x, shape, axis, index) => {
  const saved = context.save(index);
  return { output: gatherBackward(x, shape, axis, index), inputs: [x], backward: (grad) => [gather(grad, axis, saved)] };
});

export const indexSelectBackward = defineOp('indexSelectBackward', kernels.indexSelectBackward);

export const indexSelectBackwardRule = ruleFor(indexSelectBackward, (context, x, shape, axis, index) => {
  const saved = context.save(index);
  return {
    output: indexSelectBackward(x, shape, axis, index),
    inputs: [x],
    backward: (grad) => [indexSelect(grad, axis, saved)],
  };
});

export const gatherRowsBackward = defineOp('gatherRowsBackward', kernels.gatherRowsBackward);

export const gatherRowsBackwardRule = ruleFor(gatherRowsBackward, (context, x, shape, index) => {
  const saved = context.save(index);
  return { output: gatherRowsBackward(x, shape, index), inputs: [x], backward: (grad) => [gatherRows(grad, saved)] };
});

export const embeddingBackward = defineOp('embeddingBackward', kernels.embeddingBackward);

export const embeddingBackwardRule = ruleFor(embeddingBackward, (context, x, ids, rows) => {
  const saved = context.save(ids);
  return { output: embeddingBackward(x, ids, rows), inputs: [x], backward: (grad) => [embedding(grad, saved)] };
});

export const avgPool2dBackward = defineOp('avgPool2dBackward', kernels.avgPool2dBackward);

export const avgPool2dBackwardRule = ruleFor(avgPool2dBackward, (_, x, shape, kernelSize, options) => ({
  output: avgPool2dBackward(x, shape, kernelSize, options),
  backward: (grad) => [avgPool2d(grad, kernelSize, options)],
}));

export const adaptiveAvgPool2dBackward = defineOp('adaptiveAvgPool2dBackward', kernels.adaptiveAvgPool2dBackward);

export const adaptiveAvgPool2dBackwardRule = ruleFor(adaptiveAvgPool2dBackward, (_, x, shape) => {
  const size = [nth(x.shape, 2), nth(x.shape, 3)] as const;
  return { output: adaptiveAvgPool2dBackward(x, shape), backward: (grad) => [adaptiveAvgPool2d(grad, size)] };
});

export const conv2dBackwardInput = defineOp('conv2dBackwardInput', kernels.conv2dBackwardInput);
export const conv2dBackwardWeight = defineOp('conv2dBackwardWeight', kernels.conv2dBackwardWeight);
export const conv2dBackwardBias = defineOp('conv2dBackwardBias', kernels.conv2dBackwardBias);

export const conv2dBackwardInputRule = ruleFor(conv2dBackwardInput, (context, x, weight, shape, options) => {
  const weightShape = weight.shape;
  const savedX = context.needs(weight) ? context.save(x) : undefined;
  const savedWeight = context.needs(x) ? context.save(weight) : undefined;
  return {
    output: conv2dBackwardInput(x, weight, shape, options),
    backward: (grad) => [
      savedWeight && conv2d(grad, savedWeight, undefined, options),
      savedX && conv2dBackwardWeight(savedX, grad, weightShape, options),
    ],
  };
});

export const conv2dBackwardWeightRule = ruleFor(conv2dBackwardWeight, (context, x, image, shape, options) => {
  const imageShape = image.shape;
  const savedX = context.needs(image) ? context.save(x) : undefined;
  const savedImage = context.needs(x) ? context.save(image) : undefined;
  return {
    output: conv2dBackwardWeight(x, image, shape, options),
    backward: (grad) => [
      savedImage && conv2d(savedImage, grad, undefined, options),
      savedX && conv2dBackwardInput(savedX, grad, imageShape, options),
    ],
  };
});

export const conv2dBackwardBiasRule = ruleFor(conv2dBackwardBias, (_, x) => {
  const wide = x.shape;
  return { output: conv2dBackwardBias(x), backward: (grad) => [expand(reshape(grad, [1, grad.size, 1, 1]), wide)] };
});
