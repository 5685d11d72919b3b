/**
 * The entry for small bundles: everything in the main entry as functions, of which a bundler keeps those that are used. Tensors have no methods here.
 * Kinds of arguments are checked by TypeScript alone; shapes and dtypes are checked as in the main entry. There is no profiler and no
 * tracing of values that are not finite.
 */

// Devices and tensors.
export { type DebugOptions, Device, type DeviceOptions, type MemoryReport } from './device.ts';
export type { AdapterInfo, AdapterKind } from './engine/adapter.ts';
export { type KernelStat, Profile, type Span } from './engine/profiler.ts';
export type { DataArray, DType, FloatDType, HostArray } from './dtype.ts';
export { type Shape, sizeOf } from './shape.ts';
export { type Nested, Tensor } from './tensor.ts';
export { eachTensor, keep, scope } from './scope.ts';
export { type Captured, capture } from './capture.ts';
export type { CaptureInput, CaptureSchema, HostInput, InputShape } from './capture-inputs.ts';
export { Plan } from './engine/plan.ts';
export type { PlanCost } from './engine/capture.ts';
export { type ExportedBuffer, exportBuffer, importBuffer, type ImportOptions } from './interop.ts';
export { fromPixels } from './pixels/from-pixels.ts';
export type { FromPixelsOptions, PixelLayout } from './pixels/options.ts';
export type { PixelData, PixelSource } from './pixels/source.ts';
export { toCanvas, toPixels, type ToPixelsOptions } from './pixels/to-pixels.ts';
export {
  AllocationError,
  CaptureError,
  DeviceError,
  DisposedError,
  DTypeError,
  FormatError,
  InputError,
  LimitError,
  type ErrorValues,
  type NamedShapes,
  ShapeError,
  TensorError,
  type TensorErrorOptions,
} from './errors.ts';

// Operations: those on a tensor, which are its methods too; creation, random numbers, several tensors, in place.
export * from './chainable.ts';
export { alias, empty } from './definition/views.ts';
export { arange, type CreateOptions, eye, full, ones, tensor, tensorFromBytes, zeros } from './ops/create/create.ts';
export {
  fullLike,
  linspace,
  meshgrid,
  type MeshgridOptions,
  onesLike,
  randLike,
  randnLike,
  zerosLike,
} from './ops/generate/ranges.ts';
export { bernoulli, rand, randint, type RandomKey, type RandomOptions, randn, randomWords } from './ops/create/random.ts';
export {
  randBeta,
  randDirichlet,
  randExponential,
  randGamma,
  randGumbel,
  randLaplace,
  randPoisson,
  truncatedNormal,
  type TruncatedNormalOptions,
} from './ops/generate/distributions.ts';
export type { CategoricalOptions } from './ops/generate/draws.ts';
export { randperm, type Sorted, type SortOptions, type TopkOptions } from './ops/order/sort.ts';
export { addInto } from './ops/reduce/accumulate.ts';
export { copyInto } from './kernels/copy.ts';
export { contiguousCopy } from './ops/views/copy.ts';
export { cat, stack } from './ops/views/join.ts';
export type { Padding, PadMode } from './ops/views/pad.ts';
export { einsum } from './ops/products/einsum.ts';
export { compress, maskedSelect, nonzero, type Unique, unique, uniqueAll } from './ops/indexing/data-sized.ts';
export {
  blackmanWindow,
  type Complex,
  fft,
  fft2,
  hammingWindow,
  hannWindow,
  ifft,
  ifft2,
  irfft,
  rfft,
  stft,
  type StftOptions,
  type WindowFunctionOptions,
} from './ops/fourier/fft.ts';
export { alibiMask, type RopeOptions, ropeTable } from './ops/attention/rope.ts';
export { countCorrect } from './ops/losses/count-correct.ts';
export { attentionUnfused } from './ops/attention/attention-unfused.ts';
export { PackedSequences, packedSequences, packedSequencesOnDevice } from './kernels/attention/sequences.ts';

// Options of operations.
export type { AttentionOptions, AttentionPrefix, AttentionWindow } from './kernels/attention/options.ts';
export type {
  ImagePadding,
  NamedPadding,
  Pair,
  SequenceWindowOptions,
  Triple,
  VolumeWindowOptions,
  WindowOptions,
} from './kernels/conv/geometry.ts';
export type { DropoutOptions } from './kernels/dropout.ts';
export type { Axes, ReduceOptions } from './kernels/reduce.ts';
export type { VarianceOptions } from './ops/reduce/reduce.ts';
export type { Conv2dOptions } from './ops/images/conv2d.ts';
export type { Conv1dOptions, Conv3dOptions } from './ops/images/conv-axes.ts';
export type { ConvTranspose1dOptions, ConvTranspose2dOptions } from './ops/images/conv-transpose.ts';
export type { CrossEntropyOptions } from './ops/losses/cross-entropy.ts';
export type { Activation, LinearOptions } from './ops/products/linear.ts';
export type {
  BceOfProbabilitiesOptions,
  BceOptions,
  HuberOptions,
  Reduction,
  ReductionOptions,
  SmoothL1Options,
} from './ops/losses/pointwise-losses.ts';
export type { NllOptions, SoftCrossEntropyOptions } from './ops/losses/class-losses.ts';
export type { KlDivOptions, PairLossOptions } from './ops/losses/losses.ts';
export type { LogDeterminant, Lu } from './ops/linalg/lu.ts';
export type { Eigen, Qr, Svd } from './ops/linalg/orthogonal.ts';
export type { TriangularOptions } from './ops/linalg/triangular.ts';
export type { MatmulOptions } from './ops/products/matmul.ts';
export type { AvgPoolOptions, MaxPoolOptions } from './ops/images/pool.ts';
export type { AvgPool1dOptions, AvgPool3dOptions, MaxPool1dOptions, MaxPool3dOptions } from './ops/images/pool-axes.ts';
export type { BatchNormResult, LocalResponseNormOptions } from './ops/norms/channel-norm.ts';
export type { AffineGridOptions, GridSampleOptions } from './ops/images/grid-sample.ts';
export type { ResizeOptions } from './ops/images/resize.ts';
export type { ResizeCoordinates, ResizeMode, ResizeRounding } from './kernels/resize/weights.ts';
export type { BlockOptions } from './ops/views/shuffle.ts';
export type { ScatterOptions, ScatterReduction } from './ops/indexing/scatter.ts';
export type { Histogram, HistogramOptions, SearchOptions } from './ops/order/search.ts';
export type { Range } from './ops/views/slices.ts';
export type { Operand } from './pointwise/evaluate.ts';

export * from './io/index.ts';
