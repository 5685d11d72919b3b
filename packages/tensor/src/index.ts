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
export { alias, empty, type Nested, Tensor, view } from './tensor.ts';
export { addInto } from './ops/accumulate.ts';
export { bincount } from './ops/bincount.ts';
export { type Captured, capture, type CaptureInput, type HostInput } from './ops/capture.ts';
export { cast, contiguous, contiguousCopy, copyInto } from './ops/copy.ts';
export { arange, type CreateOptions, eye, full, ones, tensor, tensorFromBytes, zeros } from './ops/create.ts';
export { type ExportedBuffer, exportBuffer, importBuffer } from './ops/interop.ts';
export * from './io/index.ts';
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
