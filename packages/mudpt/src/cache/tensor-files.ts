/** Tensors kept on disk for other processes, by a key of everything they were computed from. */
import { createHash } from 'node:crypto';
import { type Device, keep, loadTensor, openSafetensors, type Tensor, tensorToWrite, writeSafetensors } from '@mudpt/tensor';
import { canonicalText } from '@mudpt/tensor/internal';
import type { CacheFolder } from './cache-folder.ts';
import { codeVersion } from './code-version.ts';

const KIND = 'tensors';

export class TensorFiles {
  constructor(private readonly cache: CacheFolder) {}

  /** The tensor of that key as it was computed on this adapter by this version; undefined where none is. The caller disposes it. */
  async load(key: string, device: Device): Promise<Tensor | undefined> {
    const whole = await wholeKey(key, device);
    return this.cache.load(KIND, nameOf(whole), async (path) => {
      await using file = await openSafetensors(path, { checksum: true });
      return keep(await loadTensor(file, 'values', { device }));
    });
  }

  async save(key: string, values: Tensor): Promise<void> {
    const whole = await wholeKey(key, values.device);
    const tensors = new Map([['values', tensorToWrite(values)]]);
    await this.cache.save(KIND, nameOf(whole), (path) =>
      writeSafetensors(path, tensors, { checksum: true, metadata: { key: whole } }),
    );
    await this.cache.shrink();
  }
}

/** What else the key needs: another adapter, driver, kernel or code may round otherwise. */
async function wholeKey(key: string, { adapter, limits, tuner }: Device): Promise<string> {
  const { maxComputeWorkgroupStorageSize, maxComputeInvocationsPerWorkgroup, maxStorageBufferBindingSize } = limits;
  return canonicalText({
    of: key,
    code: await codeVersion(),
    adapter,
    limits: [maxComputeWorkgroupStorageSize, maxComputeInvocationsPerWorkgroup, maxStorageBufferBindingSize],
    kernels: tuner.export(),
  });
}

function nameOf(key: string): string {
  return `${createHash('sha256').update(key).digest('hex')}.safetensors`;
}
