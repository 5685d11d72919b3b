/** Safetensors files that are changed tensor by tensor, for tests of what readers refuse. */
import { openSafetensors, serializeSafetensors, type TensorToWrite } from '@mudpt/tensor';

/** Tensors of a file by their names; deleted, replaced or added by a test. */
export type EditedTensors = Map<string, TensorToWrite>;

/** All tensors of a file. */
export async function readTensors(file: string | Uint8Array): Promise<EditedTensors> {
  const tensors: EditedTensors = new Map();
  await using reader = await openSafetensors(file);
  for (const name of reader.tensors.keys()) {
    const { dtype, shape, bytes } = await reader.read(name);
    tensors.set(name, { dtype, shape, data: bytes });
  }
  return tensors;
}

/** The file's bytes after `change`. */
export async function editedSafetensors(
  file: string | Uint8Array,
  change: (tensors: EditedTensors) => void,
): Promise<Uint8Array<ArrayBuffer>> {
  const tensors = await readTensors(file);
  change(tensors);
  return serializeSafetensors(tensors);
}

/** An F32 tensor of one value. */
export function filled(shape: readonly number[], value = 0): TensorToWrite {
  return { dtype: 'F32', shape, data: new Float32Array(shape.reduce((count, extent) => count * extent, 1)).fill(value) };
}
