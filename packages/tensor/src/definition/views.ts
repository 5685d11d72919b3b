/** Tensors from memory: fresh ones, views of another tensor, and handles that are rebound to other memory. */
import { Device, engineOf } from '../device.ts';
import { bytesPerElement, type DType } from '../dtype.ts';
import { moved } from '../engine/collection.ts';
import { CaptureError, DeviceError, ShapeError, TensorError } from '../errors.ts';
import { contiguousStrides, expectShape, sameShape, type Shape, showShape, sizeOf } from '../shape.ts';
import { Tensor } from '../tensor.ts';
import { defineOp, inNameOf, noteWork } from './op.ts';

/** @throws DeviceError unless both live on one device */
export function expectOneDevice(op: string, a: Tensor, b: Tensor): void {
  if (a.device === b.device) return;
  throw new DeviceError(
    op,
    `tensors of shapes ${showShape(a.shape)} and ${showShape(b.shape)} live on two devices`,
    'make both on one (option device), or carry one over: tensor(await y.data(), { shape: y.shape, device: x.device })',
  );
}

/** A view of the same memory with another geometry; the caller guarantees that it stays inside. */
export function view(source: Tensor, geometry: { shape: Shape; strides: readonly number[]; offset?: number }): Tensor {
  source.expectLive('view');
  expectShape('view', geometry.shape);
  const made = new Tensor(
    source.device,
    source.storage.retain(),
    source.dtype,
    [...geometry.shape],
    [...geometry.strides],
    geometry.offset ?? source.offset,
  );
  try {
    noteWork('view', () => ({ reads: [source], writes: [made] }));
  } catch (error) {
    made.dispose();
    throw error;
  }
  return made;
}

/** A second handle of the same view, with its own lifetime. */
export const alias = defineOp('alias', (source: Tensor): Tensor => view(source, source));

/** An uninitialised contiguous tensor. */
export function empty(device: Device, shape: Shape, dtype: DType = 'f32'): Tensor {
  if (!(device instanceof Device))
    throw new TensorError(
      'empty',
      `device is ${Array.isArray(device) ? 'an array' : typeof device}`,
      'give empty(device, shape)',
    );
  expectShape('empty', shape);
  const engine = engineOf(device);
  engine.expectDType('empty', dtype);
  const storage = inNameOf('empty', () => engine.allocate(sizeOf(shape) * bytesPerElement(dtype)));
  return new Tensor(device, storage, dtype, [...shape], contiguousStrides(shape), 0);
}

/** @throws CaptureError when a captured function uses the memory of `tensor`, or one is being captured: see {@link rebind} */
export function expectMovable(tensor: Tensor): void {
  if (engineOf(tensor.device).isCapturing || tensor.storage.buffer.pins > 0) {
    throw new CaptureError(
      'rebind',
      `the memory of ${tensor.toString()} belongs to a captured function, which would go on with its old values`,
      'make the optimizer before anything is captured that uses its parameters, or dispose the captured function first',
    );
  }
}

/**
 * Lets the handle `tensor` show the memory of `place`, a view of equal shape and dtype; its own memory is released. For packing parameters
 * side by side: other handles keep the old memory.
 * @throws CaptureError when a captured function uses the memory, or one is being captured
 */
export function rebind(tensor: Tensor, place: Tensor): void {
  tensor.expectLive('rebind');
  place.expectLive('rebind');
  if (!sameShape(tensor.shape, place.shape) || tensor.dtype !== place.dtype)
    throw new ShapeError(
      'rebind',
      `${tensor.toString()} cannot show ${place.toString()}`,
      'give a view of equal shape and dtype',
    );
  expectMovable(tensor);
  const target = tensor as unknown as { -readonly [K in keyof Tensor]: Tensor[K] } & { generation: number };
  const before = tensor.storage;
  target.device = place.device;
  target.storage = place.storage.retain();
  target.generation = place.storage.generation;
  target.strides = [...place.strides];
  target.offset = place.offset;
  moved(tensor);
  before.release();
}
