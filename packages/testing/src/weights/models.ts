/** Models for tests of the formats: the fixtures, a tiny model, and folders in memory. */
import { readFile } from 'node:fs/promises';
import { type ClipConfig, type Files, type HostTensor, randomWeights, type WeightSource } from '@mudpt/clip';
import { fixturePath } from '../files.ts';
import type { Written } from './torch-writer.ts';

/** The bytes of a file in fixtures/weights. */
export async function fixture(name: string): Promise<Uint8Array<ArrayBuffer>> {
  return Uint8Array.from(await readFile(fixturePath(`weights/${name}`)));
}

/** Sizes of the fixtures' model. */
export const FIXTURE_CONFIG: ClipConfig = {
  embed: 64,
  image: { width: 64, heads: 1, layers: 1, hidden: 256, activation: 'quick_gelu', eps: 1e-5, size: 8, patch: 4 },
  text: { width: 64, heads: 1, layers: 1, hidden: 256, activation: 'quick_gelu', eps: 1e-5, context: 8, vocabulary: 60 },
};

/** A model so small that thousands of its files can be read in a second. Its sizes differ wherever they can. */
export const TINY_CONFIG: ClipConfig = {
  embed: 3,
  image: { width: 4, heads: 2, layers: 1, hidden: 5, activation: 'gelu', eps: 1e-5, size: 4, patch: 2 },
  text: { width: 6, heads: 1, layers: 1, hidden: 7, activation: 'gelu', eps: 1e-5, context: 2, vocabulary: 8 },
};

export function tinyWeights(): ReadonlyMap<string, HostTensor> {
  return new Map(Object.entries(randomWeights(TINY_CONFIG)));
}

export function written(weights: ReadonlyMap<string, HostTensor>): Map<string, Written> {
  return new Map([...weights].map(([name, { shape, dtype, data }]) => [name, { shape, dtype, data: async () => data }]));
}

/** Files in memory; text is encoded. */
export function folder(files: Readonly<Record<string, Uint8Array | string>>, name = 'folder'): Files {
  return {
    name,
    names: Object.keys(files),
    open: async (file) => {
      const content = files[file];
      if (content === undefined) throw new Error(`there is no ${file}`);
      return typeof content === 'string' ? new TextEncoder().encode(content) : content;
    },
  };
}

export async function readAll(source: WeightSource): Promise<Map<string, HostTensor>> {
  const all = new Map<string, HostTensor>();
  for (const name of source.weights.keys()) all.set(name, await source.read(name));
  return all;
}

/** Quicker than comparing number by number. */
export function sameBytes(a: ArrayBufferView, b: ArrayBufferView): boolean {
  return Buffer.from(a.buffer, a.byteOffset, a.byteLength).equals(Buffer.from(b.buffer, b.byteOffset, b.byteLength));
}
