/** The entry for the autograd package, tests, benchmarks and tuning; nothing in it is stable between versions. */

// The engine under a device; hooks, and the context they live in.
export { engineOf } from './device.ts';
export { measurePlan } from './engine/record-plan.ts';
export { expectThisCopy } from './copies.ts';
export { canonicalText, isEqual } from './canonical.ts';
export { joinBytes } from './io/bytes.ts';
export { syncFile } from '#file';
export { entryOf, lastOf, nth } from './values.ts';
export { Ambient, expectSynchronous } from './context.ts';
export { unowned } from './scope.ts';
export { traced } from './engine/tracing.ts';
export {
  callUnder,
  currentHook,
  installHook,
  type Listener,
  listeningTape,
  type OpHook,
  outerTape,
  withHook,
  withListener,
  type WorkHook,
} from './definition/op.ts';
export { expectOneOf } from './definition/options.ts';
export { expectMovable, rebind } from './definition/views.ts';

// Variants of kernels, and their measurement.
export { saveTuning, Tuner, type TuningTable } from './engine/tuner.ts';
export { checkMatrix } from './kernels/gemm/check.ts';
export { explainProduct } from './kernels/gemm/explain.ts';
export { GEMM_VARIANTS, type GemmVariant } from './kernels/gemm/variants/index.ts';
export { fusedVariants } from './kernels/attention/plan.ts';
export { gemmTuning, variantsFor as gemmVariantsFor } from './kernels/gemm/tuning.ts';
export { relativeError } from './kernels/relative-error.ts';
export { type Measurement, tune, type TuningProblem } from './kernels/tune.ts';
export { tuningFamilies, tuningProblems } from './tuning.ts';
export { FIRST_ON_GPUS } from './first-use.ts';
export type { TunedAdapters } from './engine/tuned-adapters.ts';
export { TUNED_ADAPTERS } from './engine/tuned-adapters.data.ts';

// Forward functions that keep what their backward functions need, and these.
export {
  attentionBackward,
  type AttentionBackwardInputs,
  attentionForward,
  type AttentionGradients,
  isFusedAttention,
} from './ops/attention/attention.ts';
export {
  attentionQkvBackward,
  type AttentionQkvBackwardInputs,
  attentionQkvForward,
  type AttentionQkvGradients,
  isFusedAttentionQkv,
} from './ops/attention/attention-qkv.ts';
export {
  isFusedPrefixed,
  prefixedAttention,
  prefixedAttentionBackward,
  prefixedAttentionComposed,
  prefixedAttentionForward,
  type PrefixedOptions,
} from './ops/attention/attention-prefixed.ts';
export { attentionMaskGradient } from './ops/attention/attention-mask.ts';
export { packedAttentionUnfused } from './ops/attention/attention-unfused.ts';
export { dropout } from './ops/create/dropout.ts';
export { sequencesOf } from './kernels/attention/sequences.ts';
export { fourier } from './ops/fourier/fourier.ts';
export { cdistBackward } from './ops/products/cdist.ts';
export { conv2dBackwardBias, conv2dBackwardInput, conv2dBackwardWeight } from './ops/images/conv2d.ts';
export {
  crossEntropyBackward,
  type CrossEntropyBackward,
  crossEntropyForward,
  crossEntropyOptions,
  type CrossEntropyResult,
} from './ops/losses/cross-entropy.ts';
export { type Equation, equationOf, parseEquation as parseEinsum } from './kernels/einsum/equation.ts';
export {
  activationBackward,
  type InputGradientOptions,
  linearBackwardBias,
  linearBackwardInput,
  linearBackwardWeight,
  linearForward,
  linearResult,
} from './ops/products/linear.ts';
export {
  klDivBackward,
  klDivForward,
  type KlDivResult,
  klFactor,
  l1LossBackward,
  mseLossBackward,
  type PairLossSaved,
  pairReduction,
} from './ops/losses/losses.ts';
export {
  addLayerNormForward,
  expectNorm,
  layerNormForward,
  layerNormNormalised,
  type LayerNormResult,
  rmsNormForward,
  type RmsNormResult,
} from './ops/norms/norm.ts';
export {
  layerNormBackward,
  type NormBackward,
  type NormGradients,
  type NormNeeds,
  rmsNormBackward,
} from './ops/norms/norm-backward.ts';
export { normalisedBackward, type NormalisedRows } from './ops/norms/norm-normalised.ts';
export { prefixedLayerNormBackward, prefixedLayerNormForward } from './ops/norms/norm-prefixed.ts';
export { normalizeRows } from './ops/norms/channel-norm.ts';
export { l2NormalizeBackward } from './ops/norms/normalize.ts';
export {
  adaptiveAvgPool2dBackward,
  adaptiveMaxPool2dBackward,
  adaptiveMaxPool2dForward,
  avgPool2dBackward,
  maxPool2dBackward,
  maxPool2dForward,
  type MaxPoolResult,
} from './ops/images/pool.ts';
export { padConstant } from './ops/views/pad.ts';
export { samplePoints, samplePointsSlopes, type Sampling, spreadPoints } from './ops/images/sample-points.ts';
export { banded } from './ops/images/resize.ts';
export { type Band, transposedBand } from './kernels/resize/band.ts';
export { sumTo } from './ops/reduce/reduce.ts';
export { rowsOrZeros } from './ops/indexing/gather.ts';
export { embeddingBackward, gatherBackward, gatherRowsBackward, indexSelectBackward } from './ops/indexing/scatter.ts';
export { sliceBackward } from './ops/views/slices.ts';
export { logSoftmaxBackward, softmaxBackward } from './ops/norms/softmax.ts';

// The table of pointwise operations, and the derivatives that are data in it.
export {
  evaluateGradient,
  type GradientExpression,
  gradientExpression,
  type OperandGradient,
  pointwiseBackward,
  pointwiseDerivative,
} from './pointwise/gradient.ts';
export { isPointwise, type PointwiseName, pointwiseTable } from './pointwise/table.ts';
export type { PointwiseRow } from './pointwise/row.ts';
export { evaluate as evaluateWith } from './pointwise/evaluate.ts';
export { mathFunctions } from './pointwise/library.ts';
