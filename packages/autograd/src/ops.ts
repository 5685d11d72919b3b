/**
 * The ops of the engine with the gradient rules that they need: those of themselves and of the ops they are made of, so that a bundle has the rules of
 * the ops in it. Ops that are not listed are pointwise, views without gaps, or sums, whose rules every tape has.
 */
import * as ops from '@mudpt/tensor/functions';
import { dropout as plainDropout } from '@mudpt/tensor/internal';
import { together, withRules } from './rule.ts';
import { attentionQkvRule, attentionRule } from './rules/attention.ts';
import { normalizeRowsRule } from './rules/channel-norm.ts';
import { samplePointsRule } from './rules/grid-sample.ts';
import {
  adaptiveAvgPool2dRule,
  adaptiveMaxPool2dRule,
  avgPool2dRule,
  conv2dRule,
  convTranspose2dRule,
  foldRule,
  maxPool2dRule,
  maxPool2dWithIndicesRule,
  unfoldRule,
} from './rules/conv.ts';
import { cdistRule } from './rules/distance.ts';
import { dropoutRule } from './rules/dropout.ts';
import { einsumRule } from './rules/einsum.ts';
import { fourierRule } from './rules/fft.ts';
import {
  catRule,
  embeddingRule,
  gatherRowsRule,
  gatherRule,
  indexAddRule,
  indexSelectRule,
  maskedFillRule,
  padConstantRule,
  scatterAddRule,
  scatterRule,
  trilRule,
  triuRule,
} from './rules/gather.ts';
import {
  choleskyRule,
  detRule,
  eighRule,
  luRule,
  qrRule,
  slogdetRule,
  solveRule,
  solveTriangularRule,
  svdRule,
} from './rules/linalg.ts';
import { crossEntropyRule, klDivRule, l1LossRule, logSoftmaxRule, mseLossRule, softmaxRule } from './rules/loss.ts';
import { linearRule, matmulRule } from './rules/matmul.ts';
import { addLayerNormRule, l2NormalizeRule, layerNormRule, rmsNormRule } from './rules/norm.ts';
import { cumsumRule, sortRule, topkRule } from './rules/order.ts';
import { logsumexpRule, maxRule, minRule, normRule, prodRule, stdRule, varianceRule } from './rules/reduce.ts';
import { bandedRule } from './rules/resize.ts';
import { ropeRule } from './rules/rope.ts';
import { sliceRule, splitRule, unbindRule } from './rules/views.ts';

const fourierRules = together(fourierRule, sliceRule, catRule, indexSelectRule, padConstantRule);
const attentionRules = together(
  matmulRule,
  softmaxRule,
  sliceRule,
  unbindRule,
  catRule,
  padConstantRule,
  maskedFillRule,
  trilRule,
  triuRule,
  maxRule,
  dropoutRule,
);

// Products.
export const matmul = withRules(ops.matmul, matmulRule);
export const linear = withRules(ops.linear, linearRule);
export const dot = withRules(ops.dot, matmulRule);
export const affineGrid = withRules(ops.affineGrid, matmulRule);
export const einsum = withRules(ops.einsum, einsumRule);
export const cdist = withRules(ops.cdist, cdistRule);

// Views and joins.
export const slice = withRules(ops.slice, sliceRule);
export const narrow = withRules(ops.narrow, sliceRule);
export const select = withRules(ops.select, sliceRule);
export const flip = withRules(ops.flip, sliceRule);
export const split = withRules(ops.split, splitRule);
export const chunk = withRules(ops.chunk, splitRule);
export const unbind = withRules(ops.unbind, unbindRule);
export const cat = withRules(ops.cat, catRule);
export const stack = withRules(ops.stack, catRule);
export const roll = withRules(ops.roll, sliceRule, catRule);
export const diff = withRules(ops.diff, sliceRule);
export const diag = withRules(ops.diag, padConstantRule, sliceRule);
export const diagonal = withRules(ops.diagonal, sliceRule);
export const rot90 = withRules(ops.rot90, sliceRule);
export const trace = withRules(ops.trace, sliceRule);
export const pad = withRules(ops.pad, padConstantRule, sliceRule, catRule);
export const tril = withRules(ops.tril, trilRule);
export const triu = withRules(ops.triu, triuRule);
export const maskedFill = withRules(ops.maskedFill, maskedFillRule);
export const glu = withRules(ops.glu, sliceRule);

// Indices and order.
export const gather = withRules(ops.gather, gatherRule);
export const indexSelect = withRules(ops.indexSelect, indexSelectRule);
export const gatherRows = withRules(ops.gatherRows, gatherRowsRule);
export const embedding = withRules(ops.embedding, embeddingRule);
export const takeAlongAxis = withRules(ops.takeAlongAxis, gatherRule);
export const gatherND = withRules(ops.gatherND, indexSelectRule);
export const scatter = withRules(ops.scatter, scatterRule);
export const scatterAdd = withRules(ops.scatterAdd, scatterAddRule);
export const scatterND = withRules(ops.scatterND, scatterRule);
export const indexAdd = withRules(ops.indexAdd, indexAddRule);
export const compress = withRules(ops.compress, indexSelectRule);
export const maskedSelect = withRules(ops.maskedSelect, indexSelectRule);
export const sort = withRules(ops.sort, sortRule);
export const topk = withRules(ops.topk, topkRule);
export const median = withRules(ops.median, sortRule, sliceRule);
export const quantile = withRules(ops.quantile, sortRule, sliceRule);

// Reductions and scans.
export const max = withRules(ops.max, maxRule);
export const min = withRules(ops.min, minRule);
export const prod = withRules(ops.prod, prodRule);
export const variance = withRules(ops.variance, varianceRule);
export const std = withRules(ops.std, stdRule);
export const logsumexp = withRules(ops.logsumexp, logsumexpRule);
export const norm = withRules(ops.norm, normRule);
export const cumsum = withRules(ops.cumsum, cumsumRule);
export const cumprod = withRules(ops.cumprod, sliceRule, catRule);
export const cummax = withRules(ops.cummax, sliceRule, catRule);
export const cummin = withRules(ops.cummin, sliceRule, catRule);
export const logcumsumexp = withRules(ops.logcumsumexp, sliceRule, catRule);

// Rows.
export const softmax = withRules(ops.softmax, softmaxRule);
export const logSoftmax = withRules(ops.logSoftmax, logSoftmaxRule);
export const layerNorm = withRules(ops.layerNorm, layerNormRule);
export const addLayerNorm = withRules(ops.addLayerNorm, addLayerNormRule);
export const rmsNorm = withRules(ops.rmsNorm, rmsNormRule);
export const l2Normalize = withRules(ops.l2Normalize, l2NormalizeRule);
export const groupNorm = withRules(ops.groupNorm, layerNormRule);
export const instanceNorm = withRules(ops.instanceNorm, layerNormRule);
export const batchNormTraining = withRules(ops.batchNormTraining, normalizeRowsRule);
export const rope = withRules(ops.rope, ropeRule);

// Losses.
export const crossEntropy = withRules(ops.crossEntropy, crossEntropyRule);
export const klDiv = withRules(ops.klDiv, klDivRule);
export const l1Loss = withRules(ops.l1Loss, l1LossRule);
export const mseLoss = withRules(ops.mseLoss, mseLossRule);
export const nllLoss = withRules(ops.nllLoss, gatherRule);
export const softCrossEntropy = withRules(ops.softCrossEntropy, logSoftmaxRule);

// Images.
export const conv2d = withRules(ops.conv2d, conv2dRule);
export const conv1d = withRules(ops.conv1d, conv2dRule);
export const conv3d = withRules(ops.conv3d, conv2dRule, unfoldRule);
export const convTranspose2d = withRules(ops.convTranspose2d, convTranspose2dRule);
export const convTranspose1d = withRules(ops.convTranspose1d, convTranspose2dRule);
export const maxPool2d = withRules(ops.maxPool2d, maxPool2dRule);
export const maxPool2dWithIndices = withRules(ops.maxPool2dWithIndices, maxPool2dWithIndicesRule);
export const maxPool1d = withRules(ops.maxPool1d, maxPool2dRule);
export const maxPool3d = withRules(ops.maxPool3d, maxPool2dRule);
export const globalMaxPool = withRules(ops.globalMaxPool, maxRule);
export const avgPool2d = withRules(ops.avgPool2d, avgPool2dRule);
export const avgPool1d = withRules(ops.avgPool1d, avgPool2dRule);
export const avgPool3d = withRules(ops.avgPool3d, avgPool2dRule);
export const localResponseNorm = withRules(ops.localResponseNorm, avgPool2dRule);
export const adaptiveAvgPool2d = withRules(ops.adaptiveAvgPool2d, adaptiveAvgPool2dRule);
export const adaptiveAvgPool1d = withRules(ops.adaptiveAvgPool1d, adaptiveAvgPool2dRule);
export const adaptiveMaxPool2d = withRules(ops.adaptiveMaxPool2d, adaptiveMaxPool2dRule);
export const adaptiveMaxPool1d = withRules(ops.adaptiveMaxPool1d, adaptiveMaxPool2dRule);
export const unfold = withRules(ops.unfold, unfoldRule);
export const fold = withRules(ops.fold, foldRule);
export const resize = withRules(ops.resize, bandedRule);
export const gridSample = withRules(ops.gridSample, samplePointsRule);

// Matrices.
export const cholesky = withRules(ops.cholesky, choleskyRule);
export const solveTriangular = withRules(ops.solveTriangular, solveTriangularRule);
export const solve = withRules(ops.solve, solveRule);
export const inverse = withRules(ops.inverse, solveRule);
export const matrixPower = withRules(ops.matrixPower, solveRule, matmulRule);
export const det = withRules(ops.det, detRule);
export const slogdet = withRules(ops.slogdet, slogdetRule);
export const lu = withRules(ops.lu, luRule);
export const qr = withRules(ops.qr, qrRule);
export const lstsq = withRules(ops.lstsq, qrRule, matmulRule, solveTriangularRule);
export const eigh = withRules(ops.eigh, eighRule);
export const svd = withRules(ops.svd, svdRule);
export const pinv = withRules(ops.pinv, svdRule, maxRule, matmulRule);

// Transforms.
export const fft = withRules(ops.fft, fourierRules);
export const ifft = withRules(ops.ifft, fourierRules);
export const fft2 = withRules(ops.fft2, fourierRules);
export const ifft2 = withRules(ops.ifft2, fourierRules);
export const rfft = withRules(ops.rfft, fourierRules);
export const irfft = withRules(ops.irfft, fourierRules);
export const stft = withRules(ops.stft, fourierRules);

// Attention.
export const attention = withRules(ops.attention, attentionRules, attentionRule);
export const attentionQkv = withRules(ops.attentionQkv, attentionRules, attentionQkvRule);
export const attentionUnfused = withRules(ops.attentionUnfused, attentionRules);

/** Sets elements to 0 by a counter-based random stream: the same seed, stream and position give the same choice on every adapter. */
export const dropout = withRules(plainDropout, dropoutRule);
