/** Files: byte sources, safetensors in and out, and the number types found in them. */
export type { AtomicFileSystem, AtomicOptions, Patch, WritableFile } from '../platform/atomic.ts';
export { blobSource, type ByteSource, memorySource } from './bytes.ts';
export {
  bfloat16ToFloat32,
  float16ToFloat32,
  float32ToBfloat16,
  float32ToFloat16,
  toBigInt64,
  toFloat32,
  toInt32,
  toUint32,
} from './convert.ts';
export type { SafetensorsDType } from './dtypes.ts';
export type { SafetensorsEntry } from './header.ts';
export { type HttpOptions, httpSource } from './http.ts';
export { type Fetch, REQUEST_SECONDS, timedFetch, type TimeoutOptions } from './timed-fetch.ts';
export { byteSource, type ByteSourceInput } from './open.ts';
export { type OpenSafetensorsOptions, openSafetensors, type SafetensorsReader, type SafetensorsTensor } from './safetensors.ts';
export { loadTensor, type LoadOptions, tensorToWrite } from './tensors.ts';
export { type OpenShard, readSafetensorsIndex } from './shards.ts';
export {
  serializeSafetensors,
  serializeSealedSafetensors,
  type TensorsToWrite,
  type TensorToWrite,
  type WriteFileOptions,
  type WriteOptions,
  writeSafetensors,
} from './writer.ts';
export { FileLock, type LeftoverOptions, type LockOptions, removeLeftovers } from '#file';
export { writeFileAtomic } from './write-file.ts';
