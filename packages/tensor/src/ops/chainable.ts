/**
 * The operations whose first argument is the tensor they act on. Whatever is exported here is part of the package's API and, in methods.ts,
 * a method of Tensor of the same name.
 */
export { bincount } from './bincount.ts';
export { countCorrect } from './count-correct.ts';
export { cdist } from './cdist.ts';
export { cast, contiguous } from './copy.ts';
export { linear } from './linear.ts';
export { matmul } from './matmul.ts';
export { embedding, gather, gatherRows, indexSelect, takeAlongAxis } from './gather.ts';
export { pad, repeatInterleave, roll, tile } from './join.ts';
export { maskedFill, oneHot, tril, triu } from './masks.ts';
export { indexAdd, scatterAdd } from './scatter.ts';
export { chunk, flip, narrow, select, slice, split, unbind } from './slices.ts';
export { broadcastTo, expand, flatten, movedim, permute, reshape, squeeze, transpose, unsqueeze } from './views.ts';
export { addLayerNorm, layerNorm, rmsNorm } from './norm.ts';
export { l2Normalize } from './normalize.ts';
export { logSoftmax, softmax } from './softmax.ts';
export { crossEntropy } from './cross-entropy.ts';
export { klDiv, l1Loss, mseLoss } from './losses.ts';
export { conv2d } from './conv/conv2d.ts';
export { avgPool2d, maxPool2d } from './conv/pool.ts';
export { fold, unfold } from './conv/unfold.ts';
export { attention, attentionQkv } from './attention/index.ts';
export * from './pointwise.ts';
export { all, any, argmax, argmin, logsumexp, max, mean, min, norm, prod, std, sum, variance } from './reduce.ts';
export { cumsum } from './scan.ts';
export { sort, topk } from './sort.ts';
