/** Tensors from host data: memory that the host writes before any command reads it. */
import { type Device, engineOf } from '../device.ts';
import { bytesPerElement, type DType, type HostArray, toBytes } from '../dtype.ts';
import { contiguousStrides, type Shape, sizeOf } from '../shape.ts';
import { Tensor } from '../tensor.ts';

/** A tensor from its GPU bytes, padded to a multiple of 4. */
export function uploadBytes(device: Device, shape: Shape, dtype: DType, bytes: Uint8Array<ArrayBuffer>): Tensor {
  const engine = engineOf(device);
  engine.expectDType('tensor', dtype);
  const storage = engine.allocate(sizeOf(shape) * bytesPerElement(dtype), { hostWrite: true });
  engine.writeBytes(storage.buffer, 0, bytes);
  return new Tensor(device, storage, dtype, [...shape], contiguousStrides(shape), 0);
}

/** A tensor of `values`, as many as `shape` has. @throws DTypeError for values outside the dtype */
export function upload(device: Device, shape: Shape, dtype: DType, values: HostArray): Tensor {
  return uploadBytes(device, shape, dtype, toBytes(dtype, values));
}
