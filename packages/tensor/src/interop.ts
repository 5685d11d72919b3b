/** Interoperation with code that uses WebGPU directly: shared devices and buffers. */
import { currentDevice, type Device, engineOf } from './device.ts';
import { bytesPerElement, type DType } from './dtype.ts';
import { ShapeError, TensorError } from './errors.ts';
import { contiguousStrides, expectShape, type Shape, showShape, sizeOf } from './shape.ts';
import { Tensor } from './tensor.ts';

const NEEDED_USAGE = 0x80 | 0x04; // STORAGE | COPY_SRC

/**
 * A tensor on a buffer of the caller, who keeps owning it: disposing the tensor leaves the buffer alone, and the buffer must
 * outlive the tensor.
 * @param buffer usage STORAGE and COPY_SRC (and COPY_DST to be written by the host); a size that is a multiple of 16 bytes
 * @throws ShapeError when `shape` does not fit into the buffer
 */
export function importBuffer(
  buffer: GPUBuffer,
  shape: Shape,
  dtype: DType = 'f32',
  device: Device = currentDevice('importBuffer'),
): Tensor {
  expectShape('importBuffer', shape);
  engineOf(device).expectDType('importBuffer', dtype);
  if ((buffer.usage & NEEDED_USAGE) !== NEEDED_USAGE) {
    throw new TensorError('importBuffer', `the buffer's usage ${buffer.usage} lacks STORAGE or COPY_SRC`, 'create it with both');
  }
  const bytes = sizeOf(shape) * bytesPerElement(dtype);
  if (bytes > buffer.size || buffer.size % 16 !== 0) {
    throw new ShapeError(
      'importBuffer',
      `${dtype} ${showShape(shape)} takes ${bytes} bytes; the buffer has ${buffer.size}`,
      'give a buffer that is large enough and a multiple of 16 bytes',
    );
  }
  return new Tensor(device, engineOf(device).wrapBuffer(buffer, bytes), dtype, [...shape], contiguousStrides(shape), 0);
}

/** A tensor's memory: `offset` and `size` in bytes within `buffer`. */
export type ExportedBuffer = { readonly buffer: GPUBuffer; readonly offset: number; readonly size: number };

/**
 * The memory of a contiguous tensor, for the caller's own passes. Recorded work is submitted first, so that what the caller
 * submits next sees its results once its kernels are compiled: await `device.settle()` before submitting.
 * The buffer belongs to the engine and is reused when the tensor is disposed.
 */
export function exportBuffer(tensor: Tensor): ExportedBuffer {
  tensor.expectLive('exportBuffer');
  if (!tensor.isContiguous) throw new ShapeError('exportBuffer', 'the tensor is a strided view', 'export contiguous(x) instead');
  const { gpu } = tensor.storage.buffer;
  if (!gpu)
    throw new TensorError(
      'exportBuffer',
      'the tensor has no memory yet: its capture is still being recorded',
      'export it after the captured call',
    );
  tensor.device.flush();
  const width = bytesPerElement(tensor.dtype);
  return { buffer: gpu, offset: tensor.offset * width, size: tensor.size * width };
}
