/** Checkpoints of {@link fit}: a module, its optimizer, and where training stands, in one safetensors file. */
import { type ByteSourceInput, openSafetensors, type Tensor, TensorError, type WriteFileOptions } from '@mudpt/tensor/functions';
import type { Module } from '../nn/module.ts';
import { loadTensors, saveTensors, serializeTensors } from '../nn/files.ts';
import type { Optimizer } from '../optim/optimizer.ts';
import type { CommonOptions } from '../optim/options.ts';
import type { FitState } from './fit-options.ts';

/** What training changes. */
export type Trained = { readonly module: Module; readonly optimizer: Optimizer<CommonOptions> };

const KEY = 'fit';

/** Writes a checkpoint to a file: to a temporary one first, synced, then renamed. */
export async function saveCheckpoint(
  path: string,
  trained: Trained,
  state: FitState,
  options: WriteFileOptions = {},
): Promise<void> {
  const metadata = { ...options.metadata, [KEY]: JSON.stringify(state) };
  await withTensors(trained, (tensors) => saveTensors(path, tensors, { ...options, metadata }));
}

/** The same as bytes, for browsers. */
export async function serializeCheckpoint(trained: Trained, state: FitState): Promise<Uint8Array> {
  return await withTensors(trained, (tensors) => serializeTensors(tensors, { metadata: { [KEY]: JSON.stringify(state) } }));
}

/**
 * Reads a checkpoint into `trained`.
 * @returns the state that `fit` goes on from
 * @throws TensorError or ShapeError when the file does not fit, or holds no checkpoint
 */
export async function loadCheckpoint(input: ByteSourceInput, { module, optimizer }: Trained): Promise<FitState> {
  const file = await openSafetensors(input);
  const text = file.metadata[KEY];
  await file.close();
  if (text === undefined) throw new TensorError('loadCheckpoint', 'the file is no checkpoint', 'load what saveCheckpoint wrote');
  const loaded = await loadTensors(input, optimizer.groups[0]?.arena.flat.device);
  const part = (prefix: string): Record<string, Tensor> =>
    Object.fromEntries(
      Object.entries(loaded).flatMap(([name, tensor]) => (name.startsWith(prefix) ? [[name.slice(prefix.length), tensor]] : [])),
    );
  try {
    module.loadStateDict(part('module.'));
    optimizer.loadStateDict(part('optimizer.'));
  } finally {
    for (const tensor of Object.values(loaded)) tensor.dispose();
  }
  return JSON.parse(text) as FitState;
}

async function withTensors<T>({ module, optimizer }: Trained, body: (tensors: Record<string, Tensor>) => Promise<T>): Promise<T> {
  const states = optimizer.stateDict();
  const named = (prefix: string, tensors: object): [string, Tensor][] =>
    Object.entries(tensors as Record<string, Tensor>).map(([name, tensor]) => [prefix + name, tensor]);
  try {
    return await body(Object.fromEntries([...named('module.', module.stateDict()), ...named('optimizer.', states)]));
  } finally {
    for (const state of Object.values(states)) state.dispose();
  }
}
