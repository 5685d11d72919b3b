import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { FormatError } from '../errors.ts';
import { openSafetensors } from './safetensors.ts';
import { type TensorsToWrite, writeSafetensors } from './writer.ts';
import { nth } from '../values.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'checksum-'));
});
afterAll(() => rm(folder, { recursive: true }));

const TENSORS: TensorsToWrite = {
  weight: { dtype: 'F32', shape: [2, 3], data: Float32Array.of(1, 2, 3, 4, 5, 6) },
  late: { dtype: 'U8', shape: [3], data: async () => Uint8Array.of(7, 8, 9) },
  none: { dtype: 'F32', shape: [0], data: new Float32Array(0) },
};

it('is in the file, and any byte that changes is seen', async () => {
  const path = join(folder, 'a.safetensors');
  await writeSafetensors(path, TENSORS, { checksum: true, metadata: { position: '{"epoch":1}', sha256: 'of the user' } });
  await using file = await openSafetensors(path, { checksum: true });
  expect(file.metadata).toEqual({ sha256: expect.stringMatching(/^[0-9a-f]{64}$/), position: '{"epoch":1}' });
  expect([...(await file.read('late')).bytes]).toEqual([7, 8, 9]);
  const whole = await readFile(path);
  const damaged = join(folder, 'damaged.safetensors');
  const refused = async (bytes: Uint8Array, what: string): Promise<void> => {
    const error: unknown = await openSafetensors(bytes, { checksum: true }).then(
      () => 'believed',
      (cause: unknown) => cause,
    );
    expect(error, what).toBeInstanceOf(FormatError);
  };
  for (let at = 0; at < whole.length; at++)
    for (const bit of [0, 3, 7]) {
      const bytes = Uint8Array.from(whole);
      bytes[at] = nth(bytes, at) ^ (1 << bit);
      await refused(bytes, `byte ${at}, bit ${bit}`);
    }
  for (let length = 0; length < whole.length; length++) await refused(whole.subarray(0, length), `${length} bytes`);
  await writeFile(
    damaged,
    whole.map((byte, at) => (at === whole.length - 1 ? byte + 1 : byte)),
  );
  await expect(openSafetensors(damaged, { checksum: true })).rejects.toThrow(
    /damaged\.safetensors: its SHA-256 is not that of its contents/,
  );
  await (await openSafetensors(damaged)).close();
});

it('is asked for in vain where none was written', async () => {
  const path = join(folder, 'plain.safetensors');
  await writeSafetensors(path, TENSORS);
  await expect(openSafetensors(path, { checksum: true })).rejects.toThrow(/plain\.safetensors: it has no SHA-256 of itself/);
});

it('the generation before stays under its own name', async () => {
  const [path, previous] = [join(folder, 'last'), join(folder, 'previous')];
  const write = (value: number) =>
    writeSafetensors(path, { w: { dtype: 'U8', shape: [1], data: Uint8Array.of(value) } }, { previous });
  const valueOf = async (name: string) => {
    await using file = await openSafetensors(name);
    return (await file.read('w')).bytes[0];
  };
  await write(1);
  await expect(readFile(previous)).rejects.toThrow(/ENOENT/);
  await write(2);
  await write(3);
  expect([await valueOf(path), await valueOf(previous)]).toEqual([3, 2]);
});
