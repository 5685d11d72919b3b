/** A tensor engine on WebGPU: eager operations outside, recorded and replayable command lists inside. */
export { Device, type DeviceOptions, type MemoryReport } from './device/device.ts';
export { type AdapterInfo, type AdapterKind } from './device/adapter.ts';
export { Plan } from './device/plan.ts';
export { type KernelStat, Profile, type Span } from './device/profiler.ts';
export { type Measurement, tune, type TuningProblem } from './device/tune.ts';
export { saveTuning, Tuner, type TuningTable } from './device/tuner.ts';
export { type DType, type DataArray, type HostArray, isFloat, promote, wgslType } from './dtype.ts';
export {
  CaptureError,
  DeviceError,
  DisposedError,
  DTypeError,
  FormatError,
  LimitError,
  ShapeError,
  TensorError,
} from './errors.ts';
export { grid1d, type Kernel, kernel, type KernelOptions } from './kernel.ts';
export { currentHook, defineOp, installHook, type Op, type OpHook, withHook } from './op.ts';
export { eachTensor, keep, scope } from './scope.ts';
export { broadcastShapes, contiguousStrides, normalizeAxes, normalizeAxis, type Shape, sizeOf } from './shape.ts';
export { alias, empty, type Nested, rebind, Tensor, view } from './tensor.ts';
export { addInto } from './ops/accumulate.ts';
export { bincount } from './ops/bincount.ts';
export { type Captured, capture, type CaptureInput, type HostInput } from './ops/capture.ts';
export { cast, contiguous, contiguousCopy, copyInto } from './ops/copy.ts';
export { arange, type CreateOptions, eye, full, ones, tensor, tensorFromBytes, zeros } from './ops/create.ts';
export { einsum } from './ops/einsum.ts';
export { checkMatrix } from './ops/gemm/check.ts';
export { gemmTuning } from './ops/gemm/tuning.ts';
export { type ExportedBuffer, exportBuffer, importBuffer } from './ops/interop.ts';
export {
  type Activation,
  activationBackward,
  type InputGradientOptions,
  linear,
  linearBackwardBias,
  linearBackwardInput,
  linearBackwardWeight,
  linearForward,
  type LinearOptions,
} from './ops/linear.ts';
export { matmul, type MatmulOptions } from './ops/matmul.ts';
export * from './io/index.ts';
export { embedding, gather, gather as takeAlongAxis, gatherRows, indexSelect } from './ops/gather.ts';
export { cat, pad, type Padding, repeatInterleave, roll, stack, tile } from './ops/join.ts';
export { maskedFill, oneHot, tril, triu } from './ops/masks.ts';
export {
  embeddingBackward,
  gatherBackward,
  gatherRowsBackward,
  indexAdd,
  indexSelectBackward,
  scatterAdd,
} from './ops/scatter.ts';
export { chunk, flip, narrow, type Range, select, slice, sliceBackward, split, unbind } from './ops/slices.ts';
export {
  expand,
  expand as broadcastTo,
  flatten,
  movedim,
  permute,
  reshape,
  squeeze,
  transpose,
  unsqueeze,
} from './ops/views.ts';
export {
  addLayerNorm,
  addLayerNormForward,
  layerNorm,
  layerNormForward,
  type LayerNormResult,
  rmsNorm,
  rmsNormForward,
  type RmsNormResult,
} from './ops/norm.ts';
export {
  layerNormBackward,
  type NormBackward,
  type NormGradients,
  type NormNeeds,
  rmsNormBackward,
} from './ops/norm.backward.ts';
export { l2Normalize, l2NormalizeBackward } from './ops/normalize.ts';
export { logSoftmax, logSoftmaxBackward, softmax, softmaxBackward } from './ops/softmax.ts';
export {
  crossEntropy,
  crossEntropyBackward,
  type CrossEntropyBackward,
  crossEntropyForward,
  type CrossEntropyOptions,
  type CrossEntropyResult,
} from './ops/cross-entropy.ts';
export {
  klDiv,
  klDivBackward,
  klDivForward,
  type KlDivOptions,
  type KlDivResult,
  l1Loss,
  l1LossBackward,
  mseLoss,
  mseLossBackward,
  type PairLossOptions,
  type PairLossSaved,
} from './ops/losses.ts';
export {
  conv2d,
  conv2dBackwardBias,
  conv2dBackwardInput,
  conv2dBackwardWeight,
  type Conv2dOptions,
} from './ops/conv/conv2d.ts';
export type { Pair, WindowOptions } from './ops/conv/geometry.ts';
export { fold, unfold } from './ops/conv/unfold.ts';
export {
  attention,
  attentionBackward,
  type AttentionBackwardInputs,
  attentionForward,
  type AttentionGradients,
  type AttentionOptions,
  type AttentionPrefix,
  attentionQkv,
  attentionQkvBackward,
  type AttentionQkvBackwardInputs,
  attentionQkvForward,
  attentionUnfused,
  type AttentionQkvGradients,
  PackedSequences,
  packedSequences,
  packedSequencesOnDevice,
} from './ops/attention/index.ts';
export {
  abs,
  add,
  addcmul,
  atan2,
  ceil,
  clamp,
  cos,
  div,
  elu,
  eq,
  erf,
  exp,
  expm1,
  floor,
  floorDiv,
  ge,
  gelu,
  geluTanh,
  gt,
  isFinite,
  isInf,
  isNaN,
  le,
  leakyRelu,
  lerp,
  log,
  log1p,
  log2,
  logicalAnd,
  logicalNot,
  logicalOr,
  logicalXor,
  lt,
  maximum,
  minimum,
  mod,
  mul,
  ne,
  neg,
  pow,
  quickGelu,
  reciprocal,
  relu,
  round,
  rsqrt,
  sigmoid,
  sign,
  silu,
  sin,
  softplus,
  sqrt,
  square,
  sub,
  tan,
  tanh,
  trunc,
  where,
  type BinaryOp,
  type UnaryOp,
} from './ops/pointwise.ts';
export type { Operand } from './ops/pointwise.evaluate.ts';
export { type OperandGradient, pointwiseBackward, pointwiseDerivative } from './ops/pointwise.gradient.ts';
export { isPointwise, type PointwiseName, type PointwiseRow, pointwiseTable } from './ops/pointwise.table.ts';
export type { Axes, ReduceOptions } from './ops/reduce.run.ts';
export { all, any, argmax, argmin, logsumexp, max, mean, min, norm, prod, std, sum, sumTo, variance } from './ops/reduce.ts';
export { bernoulli, rand, randint, type RandomKey, type RandomOptions, randn, randomWords } from './ops/random.ts';
export { cumsum } from './ops/scan.ts';
export { randperm, sort, type Sorted, type SortOptions, topk, type TopkOptions } from './ops/sort.ts';
