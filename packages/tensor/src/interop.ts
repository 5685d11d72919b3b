/** Interoperation with code that uses WebGPU directly: shared devices and buffers. */
import { currentDevice, type Device, engineOf } from './device.ts';
import { bytesPerElement, type DType } from './dtype.ts';
import { expectOptions } from './definition/options.ts';
import type { Engine } from './engine/engine.ts';
import { nextId, type PoolBuffer } from './engine/pool.ts';
import type { Storage } from './engine/storage.ts';
import { CaptureError, InputError, ShapeError, TensorError } from './errors.ts';
import { contiguousStrides, expectShape, type Shape, showShape, sizeOf } from './shape.ts';
import { Tensor } from './tensor.ts';

const OP = 'importBuffer';
const STORAGE = 0x80;
const COPY_SRC = 0x04;

/** How {@link importBuffer} sees a buffer. */
export type ImportOptions = {
  /** Default f32; bool is stored as 32-bit 0 or 1. */
  readonly dtype?: DType;
  /** Byte of the buffer at which the first element is; a multiple of 4. Default 0. */
  readonly offset?: number;
  /** true: the tensor gets memory of its own and a copy of the present values; the buffer may go afterwards. Default false: memory is shared. */
  readonly copy?: boolean;
  /** Default: the device opened first and not yet disposed. */
  readonly device?: Device;
};

const KEYS: Record<keyof Required<ImportOptions>, true> = { dtype: true, offset: true, copy: true, device: true };

/**
 * A tensor on a buffer of the caller, who keeps owning it: disposing the tensor leaves the buffer alone, and the buffer must
 * outlive the tensor. Several tensors may lie in one buffer.
 *
 * Kernels bind memory in units of 16 bytes. So the last `buffer.size % 16` bytes of a buffer cannot be shared; a tensor that reaches into them takes
 * `copy: true`.
 * @param buffer usage STORAGE and COPY_SRC (and COPY_DST to be written by the host); for a copy COPY_SRC alone
 * @param options a dtype is short for `{ dtype }`
 * @throws ShapeError when `shape` does not fit into the buffer; InputError for a usage or an offset that cannot be
 * @example
 * const buffer = device.gpu.createBuffer({ size: 32, usage: 0x80 | 0x04 | 0x08 }); // STORAGE | COPY_SRC | COPY_DST
 * device.gpu.queue.writeBuffer(buffer, 16, Float32Array.of(1, 2, 3, 4));
 * console.log(await importBuffer(buffer, [2, 2], { offset: 16 }).array()); // [[1,2],[3,4]]
 */
export function importBuffer(buffer: GPUBuffer, shape: Shape, options: DType | ImportOptions = {}, deviceGiven?: Device): Tensor {
  const given = typeof options === 'string' ? { dtype: options } : options;
  expectOptions(OP, given, Object.keys(KEYS));
  const { dtype = 'f32', offset = 0, copy = false, device = deviceGiven ?? currentDevice(OP) } = given;
  const engine = engineOf(device);
  expectShape(OP, shape);
  engine.expectDType(OP, dtype);
  const needed = copy ? COPY_SRC : STORAGE | COPY_SRC;
  if ((buffer.usage & needed) !== needed)
    throw new InputError(
      OP,
      `the buffer's usage ${buffer.usage} lacks ${copy ? '' : 'STORAGE or '}COPY_SRC`,
      'create it with both',
    );
  if (!Number.isInteger(offset) || offset < 0 || offset % 4 !== 0)
    throw new InputError(OP, `offset is ${String(offset)} bytes`, 'give a multiple of 4, at least 0');
  const bytes = sizeOf(shape) * bytesPerElement(dtype);
  if (offset + bytes > buffer.size)
    throw new ShapeError(
      OP,
      `${dtype} ${showShape(shape)} takes ${bytes} bytes from byte ${offset} on; the buffer has ${buffer.size}`,
      'give a smaller shape or a larger buffer',
    );
  const at = (storage: Storage, first: number): Tensor =>
    new Tensor(device, storage, dtype, [...shape], contiguousStrides(shape), first);
  if (copy) return at(copyOf(engine, buffer, offset, bytes), 0);
  if (offset + bytes > buffer.size - (buffer.size % 16))
    throw new ShapeError(
      OP,
      `the tensor reaches into the last ${buffer.size % 16} of ${buffer.size} bytes, which kernels cannot bind in units of 16`,
      'make the size of the buffer a multiple of 16, or give { copy: true }',
    );
  return at(share(engine, buffer), offset / bytesPerElement(dtype));
}

/** Storage of shared buffers. */
const shared = new WeakMap<GPUBuffer, Storage>();

/**
 * Storage on a buffer of the caller; releasing it forgets the buffer but does not destroy it. Imports of one buffer share it, so that the order of
 * writes and the versions of its values are known however it is reached.
 */
function share(engine: Engine, gpu: GPUBuffer): Storage {
  const known = shared.get(gpu);
  if (known?.engine === engine && known.isReferenced) return known.retain();
  const buffer: PoolBuffer = { id: nextId(), bytes: gpu.size, gpu, lastUse: 0, pins: 0 };
  const storage = engine.storageOf(buffer, gpu.size, (freed) => engine.recorder.groups.evict(freed.id));
  shared.set(gpu, storage);
  return storage;
}

/** Memory with a copy of `bytes` bytes of a buffer of the caller, in the order of recorded commands; `offset` is a multiple of 4. */
function copyOf(engine: Engine, source: GPUBuffer, offset: number, bytes: number): Storage {
  if (engine.isCapturing)
    throw new CaptureError(
      OP,
      'a captured function would copy the buffer at every call',
      'import it before the call and give it as an input',
    );
  const storage = engine.allocate(bytes);
  const whole = Math.ceil(bytes / 4) * 4;
  if (whole > 0)
    engine.record({ kind: 'copy', source, sourceOffset: offset, target: storage.buffer, targetOffset: 0, bytes: whole });
  return storage;
}

/** A tensor's memory: `offset` and `size` in bytes within `buffer`. */
export type ExportedBuffer = { readonly buffer: GPUBuffer; readonly offset: number; readonly size: number };

/**
 * The memory of a contiguous tensor, for the caller's own passes. Recorded work is submitted first, so that what the caller
 * submits next sees its results once its kernels are compiled: await `device.settle()` before submitting.
 * The buffer belongs to the engine and is reused when the tensor is disposed (not when a tensor that nobody disposed is collected).
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
  tensor.storage.isExported = true;
  tensor.device.flush();
  const width = bytesPerElement(tensor.dtype);
  return { buffer: gpu, offset: tensor.offset * width, size: tensor.size * width };
}
