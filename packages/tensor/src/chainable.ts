/**
 * Operations whose first argument is the tensor they act on. Whatever is exported here is part of the package's API and, in methods.ts,
 * a method of Tensor of the same name.
 */
export { bincount } from './ops/bincount.ts';
export { cdist } from './ops/cdist.ts';
export { cast, contiguous } from './ops/copy.ts';
export { categorical, multinomial, permutation } from './ops/distributions.ts';
export { det, inverse, lu, matrixPower, slogdet, solve } from './ops/linalg/lu.ts';
export { eigh, lstsq, pinv, qr, svd } from './ops/linalg/orthogonal.ts';
export { cholesky, solveTriangular } from './ops/linalg/triangular.ts';
export { linear } from './ops/linear.ts';
export { matmul } from './ops/matmul.ts';
export { embedding, gather, gatherRows, indexSelect, takeAlongAxis } from './ops/gather.ts';
export { repeatInterleave, roll, tile } from './ops/join.ts';
export { pad } from './ops/pad.ts';
export { maskedFill, oneHot, tril, triu } from './ops/masks.ts';
export { indexAdd, scatter, scatterAdd } from './ops/scatter.ts';
export { gatherND, scatterND } from './ops/coordinates.ts';
export { chunk, flip, narrow, select, slice, split, unbind } from './ops/slices.ts';
export { broadcastTo, expand, flatten, movedim, permute, reshape, squeeze, transpose, unsqueeze } from './ops/views.ts';
export { addLayerNorm, layerNorm, rmsNorm } from './ops/norm.ts';
export { l2Normalize } from './ops/normalize.ts';
export { logSoftmax, softmax } from './ops/softmax.ts';
export { crossEntropy } from './ops/cross-entropy.ts';
export { klDiv, l1Loss, mseLoss } from './ops/losses.ts';
export { conv2d } from './ops/conv2d.ts';
export { conv1d, conv3d } from './ops/conv-axes.ts';
export { convTranspose1d, convTranspose2d } from './ops/conv-transpose.ts';
export { adaptiveAvgPool2d, adaptiveMaxPool2d, avgPool2d, maxPool2d, maxPool2dWithIndices } from './ops/pool.ts';
export {
  adaptiveAvgPool1d,
  adaptiveMaxPool1d,
  avgPool1d,
  avgPool3d,
  globalAvgPool,
  globalMaxPool,
  maxPool1d,
  maxPool3d,
} from './ops/pool-axes.ts';
export { fold, unfold } from './ops/unfold.ts';
export { resize } from './ops/resize.ts';
export { affineGrid, gridSample } from './ops/grid-sample.ts';
export { depthToSpace, pixelShuffle, pixelUnshuffle, spaceToDepth } from './ops/shuffle.ts';
export { batchNorm, batchNormTraining, groupNorm, instanceNorm, localResponseNorm } from './ops/channel-norm.ts';
export { attention } from './ops/attention.ts';
export { attentionQkv } from './ops/attention-qkv.ts';
export { rope } from './ops/rope.ts';
export * from './pointwise/ops.ts';
export { all, any, argmax, argmin, logsumexp, max, mean, min, norm, prod, std, sum, variance } from './ops/reduce.ts';
export { cummax, cummin, cumprod, cumsum, diff, logcumsumexp } from './ops/scan.ts';
export { diag, diagonal, dot, kron, outer, rot90, trace } from './ops/matrices.ts';
export { glu, prelu } from './ops/gates.ts';
export { bceWithLogits, huberLoss, smoothL1Loss } from './ops/pointwise-losses.ts';
export { nllLoss, softCrossEntropy } from './ops/class-losses.ts';
export { argsort, sort, topk } from './ops/sort.ts';
export { bucketize, histogram, searchsorted } from './ops/search.ts';
export { allClose, countNonzero, median, nanmean, nansum, quantile } from './ops/statistics.ts';
