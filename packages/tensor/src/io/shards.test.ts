import { describe, expect, it } from 'vitest';
import { failureOf } from '@mudpt/testing/failure';
import { fileBytes, WatchedSource } from '@mudpt/testing/safetensors';
import { FormatError } from '../errors.ts';
import { memorySource } from './bytes.ts';
import { readSafetensorsIndex } from './shards.ts';
import { serializeSafetensors } from './writer.ts';

const one = (value: number) => ({ dtype: 'U8', shape: [1], data: Uint8Array.of(value) }) as const;
const SHARDS: Record<string, Uint8Array> = {
  'model-00001-of-00002.safetensors': serializeSafetensors({ a: one(1), b: one(2) }, { metadata: { format: 'pt', part: '1' } }),
  'model-00002-of-00002.safetensors': serializeSafetensors(
    { c: one(3), spare: one(4) },
    { metadata: { format: 'pt', part: '2' } },
  ),
};
const [FIRST, SECOND] = Object.keys(SHARDS) as [string, string];

const index = (value: unknown) =>
  memorySource(new TextEncoder().encode(typeof value === 'string' ? value : JSON.stringify(value)), 'index.json');
const openShard = async (file: string) => {
  const bytes = SHARDS[file];
  if (bytes === undefined) throw new Error('ENOENT');
  return bytes;
};

describe('readSafetensorsIndex', () => {
  it('shows several shards as one', async () => {
    const file = await readSafetensorsIndex(
      index({ metadata: { total_size: 3, huge: 1e300, nested: {} }, weight_map: { c: SECOND, a: FIRST, b: FIRST } }),
      openShard,
    );
    expect([...file.tensors.keys()]).toEqual(['c', 'a', 'b']);
    expect(file.metadata).toEqual({ format: 'pt', total_size: '3', huge: '1e+300' });
    expect((await file.read('c')).bytes).toEqual(Uint8Array.of(3));
    expect((await file.read('b')).bytes).toEqual(Uint8Array.of(2));
    for await (const part of file.chunks('a', 8)) expect(part).toEqual(Uint8Array.of(1));
    expect(String(await failureOf(() => file.read('spare')))).toContain('has no tensor "spare"');
  });

  it('opens each shard once and closes all', async () => {
    const sources = new Map(Object.entries(SHARDS).map(([name, bytes]) => [name, new WatchedSource(bytes)]));
    const find = async (file: string) => sources.get(file) ?? fileBytes('{}');
    const file = await readSafetensorsIndex(index({ weight_map: { a: FIRST, b: FIRST, c: SECOND } }), find);
    await file.close();
    expect([...sources.values()].map(({ closed }) => closed)).toEqual([1, 1]);
    await failureOf(() => readSafetensorsIndex(index({ weight_map: { a: FIRST, c: FIRST } }), find));
    expect(sources.get(FIRST)?.closed).toBe(2);
  });

  it.each<[string, unknown, string]>([
    [
      'a missing shard',
      { weight_map: { a: FIRST, z: 'model-00003.safetensors' } },
      'its shard "model-00003.safetensors" cannot be opened (ENOENT)',
    ],
    [
      'a tensor in the wrong shard',
      { weight_map: { a: SECOND } },
      `tensor "a" should lie in "${SECOND}", which does not hold it`,
    ],
    [
      'a folder above',
      { weight_map: { a: '../secret.safetensors' } },
      'tensor "a" lies in "../secret.safetensors", which is not a plain file name',
    ],
    ['a folder below', { weight_map: { a: 'sub/x.safetensors' } }, 'not a plain file name'],
    ['a Windows folder', { weight_map: { a: '..\\x.safetensors' } }, 'not a plain file name'],
    ['an absolute path', { weight_map: { a: '/etc/passwd' } }, 'not a plain file name'],
    ['a drive', { weight_map: { a: 'C:x' } }, 'not a plain file name'],
    ['an escaped slash', { weight_map: { a: '..%2fx' } }, 'not a plain file name'],
    ['a URL', { weight_map: { a: 'https://example.test/x' } }, 'not a plain file name'],
    ['a query', { weight_map: { a: 'x?y' } }, 'not a plain file name'],
    ['a hidden name', { weight_map: { a: '.x' } }, 'not a plain file name'],
    ['no name', { weight_map: { a: '' } }, 'not a plain file name'],
    ['a NUL', { weight_map: { a: 'x\0.safetensors' } }, 'not a plain file name'],
    ['a number as a shard', { weight_map: { a: 1 } }, 'tensor "a" has the number 1 as its shard'],
    ['no weight_map', {}, 'the index has no weight_map'],
    ['a weight_map that is a list', { weight_map: [] }, 'weight_map is an array'],
    ['metadata that is a string', { weight_map: {}, metadata: 'x' }, 'metadata is a string'],
    ['a list', [], 'the index is an array'],
    ['a tensor twice', `{"weight_map":{"a":"${FIRST}","a":"${SECOND}"}}`, 'the key "a" appears twice'],
    ['no JSON', '<html>', 'not valid JSON at character 0'],
  ])('refuses %s', async (_, value, says) => {
    const error = await failureOf(() => readSafetensorsIndex(index(value), openShard));
    expect(error).toBeInstanceOf(FormatError);
    expect(String(error)).toContain('index.json');
    expect(String(error)).toContain(says);
  });

  it('refuses bytes that are not text', async () => {
    expect(String(await failureOf(() => readSafetensorsIndex(Uint8Array.of(0xff), openShard)))).toContain('not UTF-8 text');
  });
});
