/** Modules and optimizer states in safetensors files. */
import {
  type ByteSourceInput,
  type Device,
  loadTensor,
  openSafetensors,
  serializeSafetensors,
  type Tensor,
  tensorToWrite,
  type TensorToWrite,
  type WriteFileOptions,
  type WriteOptions,
  writeSafetensors,
} from '@mudpt/tensor/functions';
import type { Module } from './module.ts';

type Named = Readonly<Record<string, Tensor>>;

const toWrite = (tensors: Named) =>
  Object.fromEntries(Object.entries(tensors).map(([name, tensor]) => [name, tensorToWrite(tensor)]));

/** Writes tensors, for instance `module.stateDict()`, to a file: to a temporary one first, synced, then renamed. */
export async function saveTensors(path: string, tensors: Named, options: WriteFileOptions = {}): Promise<void> {
  await writeSafetensors(path, toWrite(tensors), options);
}

/** The same as bytes, for browsers. */
export async function serializeTensors(tensors: Named, options: WriteOptions = {}): Promise<Uint8Array> {
  const read: [string, TensorToWrite][] = [];
  for (const [name, { data, ...rest }] of Object.entries(toWrite(tensors)))
    read.push([name, { ...rest, data: typeof data === 'function' ? await data() : data }]);
  return serializeSafetensors(Object.fromEntries(read), options);
}

/** All tensors of a safetensors file. The caller disposes them. */
export async function loadTensors(input: ByteSourceInput, device?: Device): Promise<Record<string, Tensor>> {
  const file = await openSafetensors(input);
  try {
    const loaded: Record<string, Tensor> = {};
    for (const name of file.tensors.keys()) loaded[name] = await loadTensor(file, name, device ? { device } : {});
    return loaded;
  } finally {
    await file.close();
  }
}

/** Writes a module's tensors, frozen ones too. */
export async function saveModule(module: Module, path: string, options: WriteFileOptions = {}): Promise<void> {
  await saveTensors(path, module.stateDict() as Named, options);
}

/** Reads a module's tensors. @throws TensorError or ShapeError when the file does not fit */
export async function loadModule(
  module: Module,
  input: ByteSourceInput,
  options: { readonly strict?: boolean } = {},
): Promise<void> {
  const [first] = module.namedTensors();
  const loaded = await loadTensors(input, first?.[1].device);
  try {
    module.loadStateDict(loaded, options);
  } finally {
    for (const tensor of Object.values(loaded)) tensor.dispose();
  }
}
