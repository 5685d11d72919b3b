/** The entry for people who write ops and kernels: the parts of an op, and kernel launches. */

// Ops.
export { expectOptions } from './definition/options.ts';
export { defineOp, type Op } from './definition/op.ts';
export { empty, view } from './definition/views.ts';
export { bytesPerElement, expectDType, isFloat, promote, wgslType } from './dtype.ts';
export {
  broadcastShapes,
  broadcastStrides,
  collapse,
  contiguousStrides,
  MAX_RANK,
  normalizeAxes,
  normalizeAxis,
  sameShape,
  showShape,
} from './shape.ts';

// Kernels.
export { type DispatchOptions, grid1d, type Kernel, type ParamTypes } from './kernels/kernel.ts';
export { kernel, type TextKernelOptions as KernelOptions } from './kernels/text-kernel.ts';
export { shaderKernel } from './kernels/user-kernel.ts';
export { evaluate, type Evaluation, type OperandName } from './pointwise/user-evaluate.ts';
export { sizesParam, stridesParam, unitOf } from './kernels/axes.ts';
export { axisView, type AxisView } from './kernels/axis-view.ts';
export { contiguous, contiguousCopy, copyInto } from './kernels/copy.ts';
export { fill } from './kernels/fill.ts';
export { checkIndices, type IndexRules } from './kernels/index-check.ts';
export { expectRows, rowLaunch, RowView, type RowVariant } from './kernels/row-launch.ts';
export { upload } from './kernels/upload.ts';
export { workPerThread, type WorkPerThread, type WorkVariant } from './kernels/work-per-thread.ts';
