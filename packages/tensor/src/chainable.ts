/**
 * Operations whose first argument is the tensor they act on. Whatever is exported here is part of the package's API and, in methods.ts,
 * a method of Tensor of the same name.
 */
export { bincount } from './ops/order/bincount.ts';
export { cdist } from './ops/products/cdist.ts';
export { cast, contiguous } from './ops/views/copy.ts';
export { categorical, multinomial, permutation } from './ops/generate/draws.ts';
export { det, inverse, lu, matrixPower, slogdet, solve } from './ops/linalg/lu.ts';
export { eigh, lstsq, pinv, qr, svd } from './ops/linalg/orthogonal.ts';
export { cholesky, solveTriangular } from './ops/linalg/triangular.ts';
export { linear } from './ops/products/linear.ts';
export { matmul } from './ops/products/matmul.ts';
export { embedding, gather, gatherRows, indexSelect, takeAlongAxis } from './ops/indexing/gather.ts';
export { repeatInterleave, roll, tile } from './ops/views/join.ts';
export { pad } from './ops/views/pad.ts';
export { maskedFill, oneHot, tril, triu } from './ops/indexing/masks.ts';
export { indexAdd, scatter, scatterAdd } from './ops/indexing/scatter.ts';
export { gatherND, scatterND } from './ops/indexing/coordinates.ts';
export { chunk, flip, narrow, select, slice, split, unbind } from './ops/views/slices.ts';
export { broadcastTo, expand, flatten, movedim, permute, reshape, squeeze, transpose, unsqueeze } from './ops/views/views.ts';
export { addLayerNorm, layerNorm, rmsNorm } from './ops/norms/norm.ts';
export { l2Normalize } from './ops/norms/normalize.ts';
export { logSoftmax, softmax } from './ops/norms/softmax.ts';
export { crossEntropy } from './ops/losses/cross-entropy.ts';
export { klDiv, l1Loss, mseLoss } from './ops/losses/losses.ts';
export { conv2d } from './ops/images/conv2d.ts';
export { conv1d, conv3d } from './ops/images/conv-axes.ts';
export { convTranspose1d, convTranspose2d } from './ops/images/conv-transpose.ts';
export { adaptiveAvgPool2d, adaptiveMaxPool2d, avgPool2d, maxPool2d, maxPool2dWithIndices } from './ops/images/pool.ts';
export {
  adaptiveAvgPool1d,
  adaptiveMaxPool1d,
  avgPool1d,
  avgPool3d,
  globalAvgPool,
  globalMaxPool,
  maxPool1d,
  maxPool3d,
} from './ops/images/pool-axes.ts';
export { fold, unfold } from './ops/images/unfold.ts';
export { resize } from './ops/images/resize.ts';
export { affineGrid, gridSample } from './ops/images/grid-sample.ts';
export { depthToSpace, pixelShuffle, pixelUnshuffle, spaceToDepth } from './ops/views/shuffle.ts';
export { batchNorm, batchNormTraining, groupNorm, instanceNorm, localResponseNorm } from './ops/norms/channel-norm.ts';
export { attention } from './ops/attention/attention.ts';
export { attentionQkv } from './ops/attention/attention-qkv.ts';
export { rope } from './ops/attention/rope.ts';
export * from './pointwise/ops.ts';
export { all, any, argmax, argmin, logsumexp, max, mean, min, norm, prod, std, sum, variance } from './ops/reduce/reduce.ts';
export { cummax, cummin, cumprod, cumsum, diff, logcumsumexp } from './ops/reduce/scan.ts';
export { diag, diagonal, dot, kron, outer, rot90, trace } from './ops/products/matrices.ts';
export { glu, prelu } from './ops/norms/gates.ts';
export { bce, bceWithLogits, huberLoss, smoothL1Loss } from './ops/losses/pointwise-losses.ts';
export { nllLoss, softCrossEntropy } from './ops/losses/class-losses.ts';
export { argsort, sort, topk } from './ops/order/sort.ts';
export { bucketize, histogram, searchsorted } from './ops/order/search.ts';
export { allClose, countNonzero, median, nanmean, nansum, quantile } from './ops/order/statistics.ts';
