/** One hash for one model, however its files are laid out: prompts name the model they were learnt on by it. */
import { sha256Hex } from '../files/sha256.ts';
import { CLIP_MEAN, CLIP_STD } from '../preprocess/index.ts';
import type { ClipConfig } from '../config.ts';
import type { TextTokenizer } from '../tokenizer/index.ts';
import { BUILT_IN_FINGERPRINT } from '../tokenizer/vocabulary.ts';
import { widen } from '../weight-box.ts';
import { type HostTensor } from '../weight-shapes.ts';

/** Gathers digests of weights as they are read; the order does not matter. */
export class WeightHash {
  private readonly lines = new Map<string, string>();

  constructor(private readonly names: readonly string[]) {}

  async add(name: string, { shape, dtype, data }: HostTensor): Promise<void> {
    if (this.lines.has(name)) return;
    const digest = await sha256Hex('hash', dtype === 'f16' ? widen(data) : data);
    this.lines.set(name, `${name} [${shape.join(',')}] ${digest}\n`);
  }

  missing(): string[] {
    return this.names.filter((name) => !this.lines.has(name));
  }

  /** Over one line for each weight, sorted: its name, its shape, the SHA-256 of its f32 values (little-endian). */
  async digest(): Promise<string> {
    return sha256Hex('hash', new TextEncoder().encode([...this.lines.values()].sort().join('')));
  }
}

/**
 * SHA-256, in hexadecimal, of everything that decides what a model computes: its weights, its sizes, activations and epsilons, the
 * normalization of its images, and its tokenizer. What is left to defaults counts as the default.
 * @param weights `WeightSource.hash` of the weights
 */
export async function modelHash(weights: string, config: ClipConfig, tokenizer: TextTokenizer | undefined): Promise<string> {
  const { mean = CLIP_MEAN, std = CLIP_STD } = config.normalization ?? {};
  const words = tokenizer ? await tokenizer.fingerprint() : BUILT_IN_FINGERPRINT;
  const facts = sorted({ ...config, normalization: { mean: [...mean], std: [...std] } });
  return sha256Hex('hash', new TextEncoder().encode(JSON.stringify([weights, facts, words])));
}

/** Entries in the order of their names, at every level: files list them as they like. */
function sorted(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.entries(value)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, entry]) => [key, sorted(entry)]);
}
