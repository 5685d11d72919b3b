/** Checkpoints with any content: named tensors of a PyTorch archive or a safetensors file, which need not make a CLIP. */
import { byteSource, InputError } from '@mudpt/tensor';
import { openTensorFile } from './formats/container.ts';
import type { TensorFile } from './formats/tensor-file.ts';

/**
 * Opens a file that holds a state dict, by itself or beside what training scripts save (epoch, optimizer). Nothing in it is executed.
 * @throws InputError where there is no such file; FormatError naming what is wrong with it
 */
export async function openCheckpoint(path: string): Promise<TensorFile> {
  return openTensorFile(await byteSource(path), () => {
    throw new InputError('openCheckpoint', `${path} is an index of shards`, 'give the file that holds the tensors');
  });
}
