/** One hash for one model, however its file is laid out: prompts name the model they were learnt on by it. */
import { FormatError } from '@mudpt/tensor';
import { type HostTensor, widen } from '../tensors.ts';

/** Gathers digests of weights as they are read; the order does not matter. */
export class WeightHash {
  private readonly lines = new Map<string, string>();

  constructor(private readonly names: readonly string[]) {}

  async add(name: string, { shape, dtype, data }: HostTensor): Promise<void> {
    if (this.lines.has(name)) return;
    const digest = await sha256(dtype === 'f16' ? widen(data) : data);
    this.lines.set(name, `${name} [${shape.join(',')}] ${digest}\n`);
  }

  missing(): string[] {
    return this.names.filter((name) => !this.lines.has(name));
  }

  /** Over one line for each weight, sorted: its name, its shape, the SHA-256 of its f32 values (little-endian). */
  async digest(): Promise<string> {
    return sha256(new TextEncoder().encode([...this.lines.values()].sort().join('')));
  }
}

async function sha256(view: ArrayBufferView): Promise<string> {
  const { subtle } = globalThis.crypto ?? {};
  if (!subtle)
    throw new FormatError(
      'hash',
      'this page is not a secure context, which has no hashes',
      'serve it over https or from localhost',
    );
  const bytes = new Uint8Array(view.buffer as ArrayBuffer, view.byteOffset, view.byteLength);
  const digest = new Uint8Array(await subtle.digest('SHA-256', bytes));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('');
}
