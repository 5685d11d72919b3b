/** A tensor engine on WebGPU: eager operations outside, recorded and replayable command lists inside. */
/* oxlint-disable-next-line import/no-unassigned-import -- it gives Tensor its methods */
import './methods.ts';

export { Device, type DeviceOptions, type MemoryReport } from './device.ts';
export { type AdapterInfo, type AdapterKind } from './engine/adapter.ts';
export type { PlanCost } from './engine/capture.ts';
export { Plan } from './engine/plan.ts';
export { type KernelStat, Profile, type Span } from './engine/profiler.ts';
export { type Measurement, tune, type TuningProblem } from './kernels/tuning/tune.ts';
export { saveTuning, Tuner, type TuningTable } from './kernels/tuning/tuner.ts';
export { type DType, type DataArray, type HostArray, isFloat, promote, wgslType } from './dtype.ts';
export {
  AllocationError,
  CaptureError,
  DeviceError,
  DisposedError,
  DTypeError,
  FormatError,
  InputError,
  LimitError,
  ShapeError,
  TensorError,
} from './errors.ts';
export { grid1d, type Kernel, type KernelOptions } from './kernels/kernel.ts';
export { kernel } from './kernels/user-kernel.ts';
export { currentHook, defineOp, installHook, type Op, type OpHook, withHook, type WorkHook } from './definition/op.ts';
export { expectOptions } from './definition/arguments.ts';
export { Ambient, expectSynchronous } from './context.ts';
export { eachTensor, keep, scope } from './scope.ts';
export { broadcastShapes, contiguousStrides, normalizeAxes, normalizeAxis, type Shape, sizeOf } from './shape.ts';
export { alias, empty, expectMovable, type Nested, rebind, Tensor, view } from './tensor.ts';
export * from './chainable.ts';
export type { TensorMethods } from './methods.ts';
export { addInto } from './ops/accumulate.ts';
export { type Captured, capture, type CaptureInput, type HostInput, type InputShape } from './capture.ts';
export { cdistBackward } from './ops/cdist.ts';
export { contiguousCopy, copyInto } from './ops/copy.ts';
export { arange, type CreateOptions, eye, full, ones, tensor, tensorFromBytes, zeros } from './ops/create.ts';
export { einsum } from './ops/einsum.ts';
export { type Equation, parseEquation as parseEinsum } from './kernels/einsum/equation.ts';
export { checkMatrix } from './kernels/gemm/check.ts';
export { gemmTuning } from './kernels/gemm/tuning.ts';
export { tuningFamilies, tuningProblems } from './tuning.ts';
export { type ExportedBuffer, exportBuffer, importBuffer } from './interop.ts';
export {
  type Activation,
  activationBackward,
  type InputGradientOptions,
  linearBackwardBias,
  linearBackwardInput,
  linearBackwardWeight,
  linearForward,
  type LinearOptions,
} from './ops/linear.ts';
export type { MatmulOptions } from './ops/matmul.ts';
export * from './io/index.ts';
export { cat, type Padding, stack } from './ops/join.ts';
export { embeddingBackward, gatherBackward, gatherRowsBackward, indexSelectBackward } from './ops/scatter.ts';
export { type Range, sliceBackward } from './ops/slices.ts';
export { addLayerNormForward, layerNormForward, type LayerNormResult, rmsNormForward, type RmsNormResult } from './ops/norm.ts';
export {
  layerNormBackward,
  type NormBackward,
  type NormGradients,
  type NormNeeds,
  rmsNormBackward,
} from './ops/norm-backward.ts';
export { l2NormalizeBackward } from './ops/normalize.ts';
export { logSoftmaxBackward, softmaxBackward } from './ops/softmax.ts';
export {
  crossEntropyBackward,
  type CrossEntropyBackward,
  crossEntropyForward,
  type CrossEntropyOptions,
  type CrossEntropyResult,
} from './ops/cross-entropy.ts';
export {
  klDivBackward,
  klDivForward,
  type KlDivOptions,
  type KlDivResult,
  l1LossBackward,
  mseLossBackward,
  type PairLossOptions,
  type PairLossSaved,
} from './ops/losses.ts';
export { conv2dBackwardBias, conv2dBackwardInput, conv2dBackwardWeight, type Conv2dOptions } from './ops/conv2d.ts';
export type { Pair, WindowOptions } from './kernels/conv/geometry.ts';
export {
  avgPool2dBackward,
  type AvgPoolOptions,
  maxPool2dBackward,
  maxPool2dForward,
  type MaxPoolOptions,
  type MaxPoolResult,
} from './ops/pool.ts';
export {
  attentionBackward,
  type AttentionBackwardInputs,
  attentionForward,
  type AttentionGradients,
  type AttentionOptions,
  type AttentionPrefix,
  attentionQkvBackward,
  type AttentionQkvBackwardInputs,
  attentionQkvForward,
  attentionUnfused,
  type AttentionQkvGradients,
  PackedSequences,
  packedSequences,
  packedSequencesOnDevice,
  sequencesOf,
} from './kernels/attention/index.ts';
export type { Operand } from './pointwise/evaluate.ts';
export { type OperandGradient, pointwiseBackward, pointwiseDerivative } from './pointwise/gradient.ts';
export { isPointwise, type PointwiseName, type PointwiseRow, pointwiseTable } from './pointwise/table.ts';
export type { Axes, ReduceOptions } from './kernels/reduce.ts';
export { sumTo } from './ops/reduce.ts';
export { bernoulli, rand, randint, type RandomKey, type RandomOptions, randn, randomWords } from './ops/random.ts';
export { chooseSpan } from './kernels/work-per-thread.ts';
export { randperm, type Sorted, type SortOptions, type TopkOptions } from './ops/sort.ts';
