/** Transfers between files and the GPU: tensors of a safetensors file on a device, and tensors of a device as a file's contents. */
import { currentDevice, type Device } from '../device.ts';
import type { DType } from '../dtype.ts';
import { tensor, tensorFromBytes } from '../ops/create/create.ts';
import type { Tensor } from '../tensor.ts';
import { float32ToFloat16, toFloat32, toInt32, toUint32 } from './convert.ts';
import type { SafetensorsDType } from './dtypes.ts';
import type { SafetensorsReader, SafetensorsTensor } from './safetensors.ts';
import type { TensorToWrite } from './writer.ts';

/** Where {@link loadTensor} puts a tensor, and as what. */
export type LoadOptions = {
  /** Default: the device opened first. */
  readonly device?: Device;
  /**
   * Default: f32 for F32, F64, BF16; f16 for F16 where the adapter has it, else f32 (every f16 is an f32); i32 or u32 for integers
   * by their sign; bool for BOOL. 64-bit integers that do not fit are an error naming the index.
   */
  readonly dtype?: DType;
};

/** Reads one tensor of an open file and uploads it. Conversions: see io/convert.ts. */
export async function loadTensor(file: SafetensorsReader, name: string, options: LoadOptions = {}): Promise<Tensor> {
  const device = options.device ?? currentDevice('loadTensor');
  const source = await file.read(name);
  return upload(source, options.dtype ?? defaultDType(source.dtype, device.hasF16), device);
}

function defaultDType(dtype: SafetensorsDType, hasF16: boolean): DType {
  if (dtype === 'F16') return hasF16 ? 'f16' : 'f32';
  if (dtype === 'BOOL') return 'bool';
  if (dtype === 'BF16' || dtype.startsWith('F')) return 'f32';
  return dtype.startsWith('U') ? 'u32' : 'i32';
}

function upload({ dtype: from, shape, bytes }: SafetensorsTensor, to: DType, device: Device): Tensor {
  if (to === 'f16' && from === 'F16') return tensorFromBytes(new Uint8Array(bytes), shape, 'f16', device);
  const isInteger = (to === 'i32' || to === 'u32') && !(from === 'BF16' || from.startsWith('F'));
  // Rounded once: f64 by way of f32 would be twice.
  if (to === 'f16' && from === 'F64') return tensor(new Float64Array(new Uint8Array(bytes).buffer), { shape, dtype: to, device });
  const values = !isInteger ? toFloat32(from, bytes) : to === 'i32' ? toInt32(from, bytes) : toUint32(from, bytes);
  return tensor(values, { shape, dtype: to, device });
}

const FILE_DTYPES = { f32: 'F32', f16: 'F16', i32: 'I32', u32: 'U32', bool: 'BOOL' } as const;

/**
 * A tensor as `writeSafetensors` takes it. It is read from the GPU when its turn to be written comes, so it must live until then;
 * only one tensor at a time is held on the host.
 */
export function tensorToWrite(source: Tensor): TensorToWrite {
  return {
    dtype: FILE_DTYPES[source.dtype],
    shape: source.shape,
    data: async () => {
      const values = await source.data();
      return source.dtype === 'f16' ? float32ToFloat16(Float32Array.from(values)) : values;
    },
  };
}
