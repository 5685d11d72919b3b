import { mkdtemp, open, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { default as independent } from 'safetensors';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { failureOf } from '@mudpt/testing/failure';
import { readAll } from '@mudpt/testing/safetensors';
import { InputError } from '../errors.ts';
import type { AtomicFileSystem, WritableFile } from '../platform/atomic.ts';
import { fileSystem } from './file.node.ts';
import { openSafetensors } from './safetensors.ts';
import { serializeSafetensors, type TensorToWrite, writeSafetensors } from './writer.ts';

/** One tensor of every dtype, with values at the edges of its range. */
const ALL_DTYPES: Record<string, TensorToWrite> = {
  bool: { dtype: 'BOOL', shape: [3], data: Uint8Array.of(0, 1, 1) },
  u8: { dtype: 'U8', shape: [1, 2], data: Uint8Array.of(0, 255) },
  i8: { dtype: 'I8', shape: [2], data: Int8Array.of(-128, 127) },
  i16: { dtype: 'I16', shape: [1], data: Int16Array.of(-32768) },
  u16: { dtype: 'U16', shape: [1], data: Uint16Array.of(65535) },
  f16: { dtype: 'F16', shape: [3], data: Uint16Array.of(0x0001, 0x7c00, 0x3c00) },
  bf16: { dtype: 'BF16', shape: [1], data: Uint16Array.of(0x3f80) },
  i32: { dtype: 'I32', shape: [], data: Int32Array.of(-(2 ** 31)) },
  u32: { dtype: 'U32', shape: [1, 1], data: Uint32Array.of(2 ** 32 - 1) },
  f32: { dtype: 'F32', shape: [2, 2], data: Float32Array.of(1, -0, NaN, 1e-45) },
  f64: { dtype: 'F64', shape: [1], data: Float64Array.of(Math.PI) },
  i64: { dtype: 'I64', shape: [1], data: BigInt64Array.of(-(2n ** 63n)) },
  u64: { dtype: 'U64', shape: [1], data: BigUint64Array.of(2n ** 64n - 1n) },
  empty: { dtype: 'F32', shape: [0, 7], data: new Float32Array(0) },
};

const one = (dtype: TensorToWrite['dtype'], data: ArrayBufferView): TensorToWrite => ({ dtype, shape: [1], data });

const plain = (tensors: Record<string, TensorToWrite>) =>
  Object.fromEntries(
    Object.entries(tensors).map(([name, { dtype, shape, data }]) => {
      if (typeof data === 'function') throw new Error('bytes only');
      return [name, { dtype, shape, bytes: [...new Uint8Array(data.buffer, data.byteOffset, data.byteLength)] }];
    }),
  );

let folder: string;
let path: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'safetensors-'));
  path = join(folder, 'model.safetensors');
});
afterEach(() => rm(folder, { recursive: true }));

describe('round trips', () => {
  it('keeps every dtype bit by bit, through a file and through memory', async () => {
    const metadata = { format: 'pt', 'ключ "q"': 'line\nbreak \\ 𝄞' };
    await writeSafetensors(path, ALL_DTYPES, { metadata });
    await using file = await openSafetensors(path);
    expect(file.metadata).toEqual(metadata);
    expect(await readAll(file)).toEqual(plain(ALL_DTYPES));
    expect(new Uint8Array(await readFile(path))).toEqual(serializeSafetensors(ALL_DTYPES, { metadata }));
    expect(await readdir(folder)).toEqual(['model.safetensors']);
  });

  it('takes a Map, awkward names, and no tensors at all', async () => {
    const tensors = new Map<string, TensorToWrite>(
      ['__proto__', '', 'a.b"c\\', '𝄞'].map((name, index) => [name, { dtype: 'U8', shape: [1], data: Uint8Array.of(index) }]),
    );
    const file = await openSafetensors(serializeSafetensors(tensors));
    for (const [index, name] of [...tensors.keys()].entries())
      expect((await file.read(name)).bytes).toEqual(Uint8Array.of(index));
    expect((await openSafetensors(serializeSafetensors({}))).tensors.size).toBe(0);
  });

  it('writes the part of memory that a view shows', async () => {
    const pool = Float32Array.of(9, 1, 2, 9);
    const buffer = Buffer.from([7, 3, 4, 7]).subarray(1, 3);
    const bytes = serializeSafetensors({
      part: { dtype: 'F32', shape: [2], data: pool.subarray(1, 3) },
      buffer: { dtype: 'U8', shape: [2], data: buffer },
    });
    const file = await openSafetensors(bytes);
    expect((await file.read('part')).bytes).toEqual(new Uint8Array(Float32Array.of(1, 2).buffer));
    expect((await file.read('buffer')).bytes).toEqual(Uint8Array.of(3, 4));
  });
});

describe('layout', () => {
  it('orders as the reference writer: widest dtype first, then name by code point; data at a multiple of 8', async () => {
    const bytes = serializeSafetensors({
      z: one('F32', Float32Array.of(1)),
      // U+FFFD sorts before U+1D11E by code point, after it by UTF-16 unit.
      'a\u{1D11E}': one('F32', Float32Array.of(2)),
      'a\uFFFD': one('F32', Float32Array.of(3)),
      a: one('F32', Float32Array.of(4)),
      h: one('F16', Uint16Array.of(0)),
      b: one('BOOL', Uint8Array.of(1)),
      w: one('I64', BigInt64Array.of(1n)),
    });
    const length = Number(new DataView(bytes.buffer).getBigUint64(0, true));
    expect(length % 8).toBe(0);
    const header: unknown = JSON.parse(new TextDecoder().decode(bytes.subarray(8, 8 + length)));
    expect(Object.keys(header as object)).toEqual(['w', 'a', 'a\uFFFD', 'a\u{1D11E}', 'z', 'h', 'b']);
  });

  // Output of the reference (Rust) writer for the same tensors: header text, spaces up to a multiple of 8.
  const numbers = Float32Array.of(0, 1, 2, 3, 4, 5);
  it.each<[string, Record<string, TensorToWrite>, Record<string, string>, string]>([
    [
      'one tensor',
      { 'attn.0': { dtype: 'F32', shape: [1, 2, 3], data: numbers } },
      {},
      '{"attn.0":{"dtype":"F32","shape":[1,2,3],"data_offsets":[0,24]}}',
    ],
    [
      'padding',
      { attn0: { dtype: 'F32', shape: [1, 1, 2, 3], data: numbers } },
      {},
      '{"attn0":{"dtype":"F32","shape":[1,1,2,3],"data_offsets":[0,24]}}       ',
    ],
    ['nothing', {}, {}, '{}      '],
    ['metadata alone', {}, { framework: 'pt' }, '{"__metadata__":{"framework":"pt"}}     '],
  ])('is byte for byte that of the reference writer: %s', (_, tensors, metadata, header) => {
    const bytes = serializeSafetensors(tensors, { metadata });
    const length = new Uint8Array(8);
    length[0] = header.length;
    const data = Object.keys(tensors).length > 0 ? new Uint8Array(numbers.buffer) : [];
    expect([...bytes]).toEqual([...length, ...new TextEncoder().encode(header), ...data]);
  });

  it('is read by the independent npm package safetensors, file without metadata', async () => {
    await writeSafetensors(path, ALL_DTYPES);
    const other = new independent.SafeTensor(new Uint8Array(await readFile(path)));
    expect([...other.metadata.keys()].sort()).toEqual(Object.keys(ALL_DTYPES).sort());
    for (const [name, { dtype, shape, bytes }] of Object.entries(plain(ALL_DTYPES))) {
      expect(other.metadata.get(name)).toMatchObject({ dtype, shape });
      expect([...other.getTensor(name)]).toEqual(bytes);
    }
  });
});

describe('streaming', () => {
  it('fetches one tensor at a time, in file order', async () => {
    const events: string[] = [];
    const fetched = (name: string, value: number): TensorToWrite => ({
      dtype: 'U8',
      shape: [1],
      data: async () => {
        events.push(`fetch ${name}`);
        return Uint8Array.of(value);
      },
    });
    const disk = watched(async (file, bytes, offset, length, position) => {
      if (length === 1) events.push(`write ${bytes[offset]}`);
      return file.write(bytes, offset, length, position);
    });
    await writeSafetensors(path, { b: fetched('b', 2), a: fetched('a', 1) }, { disk });
    expect(events).toEqual(['fetch a', 'write 1', 'fetch b', 'write 2']);
  });

  it('goes on when the disk takes only a few bytes at a time', async () => {
    await writeSafetensors(path, ALL_DTYPES, {
      disk: watched((file, bytes, offset, length, position) => file.write(bytes, offset, Math.min(length, 5), position)),
    });
    expect(new Uint8Array(await readFile(path))).toEqual(serializeSafetensors(ALL_DTYPES));
  });
});

describe('failures leave the old file as it was, and nothing else', () => {
  const OLD = 'the old file';
  beforeEach(() => writeFile(path, OLD));

  async function expectUntouched(error: unknown, says: string): Promise<void> {
    expect(String(error)).toContain(says);
    expect(await readFile(path, 'utf8')).toBe(OLD);
    expect(await readdir(folder)).toEqual(['model.safetensors']);
  }

  it.each([0, 1, 2, 5, 13])('disk full at write %i', async (failing) => {
    let writes = 0;
    const disk = watched((file, bytes, offset, length, position) => {
      if (writes++ === failing) throw Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' });
      return file.write(bytes, offset, length, position);
    });
    const error = await failureOf(() => writeSafetensors(path, ALL_DTYPES, { disk }));
    expect(error).toBeInstanceOf(InputError);
    await expectUntouched(error, 'model.safetensors: writing stopped at byte');
    expect(String(error)).toMatch(/ENOSPC.*Free some space/);
  });

  it('a disk that takes no bytes and says nothing', async () => {
    await expectUntouched(
      await failureOf(() => writeSafetensors(path, ALL_DTYPES, { disk: watched(async () => ({ bytesWritten: 0 })) })),
      'took no bytes',
    );
  });

  it('a sync that fails', async () => {
    const disk: AtomicFileSystem = {
      ...fileSystem,
      create: async (name) => {
        const file = await open(name, 'wx');
        return {
          write: (...range) => file.write(...range),
          sync: () => Promise.reject(new Error('EIO')),
          close: () => file.close(),
        };
      },
    };
    await expectUntouched(await failureOf(() => writeSafetensors(path, ALL_DTYPES, { disk })), 'did not confirm the data (EIO)');
  });

  it('a rename that fails', async () => {
    const disk = { ...fileSystem, rename: () => Promise.reject(new Error('EXDEV')) };
    await expectUntouched(await failureOf(() => writeSafetensors(path, ALL_DTYPES, { disk })), 'cannot be renamed (EXDEV)');
  });

  it('a tensor whose bytes cannot be fetched: its own error comes through', async () => {
    const lost = new Error('device lost');
    const tensors: Record<string, TensorToWrite> = {
      ...ALL_DTYPES,
      late: { dtype: 'U8', shape: [1], data: () => Promise.reject(lost) },
    };
    const error = await failureOf(() => writeSafetensors(path, tensors));
    expect(error).toBe(lost);
    await expectUntouched(error, 'device lost');
  });

  it('a tensor whose fetched bytes do not fit its shape', async () => {
    const tensors: Record<string, TensorToWrite> = { late: { dtype: 'F32', shape: [2], data: async () => Float32Array.of(1) } };
    await expectUntouched(
      await failureOf(() => writeSafetensors(path, tensors)),
      'tensor "late" has 4 bytes of data, its dtype and shape need 8',
    );
  });

  it.each<[string, () => Promise<void>, string]>([
    [
      'data that does not fit',
      () => writeSafetensors(path, { w: { dtype: 'F32', shape: [3], data: new Float32Array(2) } }),
      '8 bytes of data, its dtype and shape need 12',
    ],
    [
      'an unknown dtype',
      () => writeSafetensors(path, { w: { dtype: 'F8' as 'U8', shape: [], data: Uint8Array.of(1) } }),
      'has the dtype "F8"',
    ],
    [
      'a negative shape',
      () => writeSafetensors(path, { w: { dtype: 'U8', shape: [-1], data: Uint8Array.of(1) } }),
      'has the shape [-1]',
    ],
    [
      'a reserved name',
      () => writeSafetensors(path, { __metadata__: { dtype: 'U8', shape: [], data: Uint8Array.of(1) } }),
      'reserved name',
    ],
    [
      'half a surrogate pair',
      () => writeSafetensors(path, { '\ud800': { dtype: 'U8', shape: [], data: Uint8Array.of(1) } }),
      'surrogate pair in its name',
    ],
    [
      'metadata that is no string',
      () => writeSafetensors(path, {}, { metadata: { n: 1 as unknown as string } }),
      'metadata "n" is number',
    ],
  ])('%s, before anything is written', async (_, write, says) => {
    await expectUntouched(await failureOf(write), says);
  });
});

it('says which folder is missing', async () => {
  const error = await failureOf(() => writeSafetensors(join(folder, 'none', 'x.safetensors'), {}));
  expect(String(error)).toMatch(/none\/x\.safetensors: the temporary file beside it cannot be made \(ENOENT/);
});

it('a reader that has the old file open keeps reading the old one', async () => {
  await writeSafetensors(path, { w: { dtype: 'U8', shape: [1], data: Uint8Array.of(1) } });
  await using old = await openSafetensors(path);
  await writeSafetensors(path, { w: { dtype: 'U8', shape: [1], data: Uint8Array.of(2) } });
  expect((await old.read('w')).bytes).toEqual(Uint8Array.of(1));
  await using now = await openSafetensors(path);
  expect((await now.read('w')).bytes).toEqual(Uint8Array.of(2));
});

it('serialises no functions', async () => {
  const lazy: TensorToWrite = { dtype: 'U8', shape: [1], data: async () => Uint8Array.of(1) };
  expect(String(await failureOf(() => serializeSafetensors({ lazy })))).toContain('tensor "lazy" is given by a function');
});

/** The real disk, with `write` replaced. */
function watched(
  write: (
    file: WritableFile,
    bytes: Uint8Array,
    offset: number,
    length: number,
    position: number,
  ) => Promise<{ bytesWritten: number }>,
): AtomicFileSystem {
  return {
    ...fileSystem,
    create: async (name) => {
      const file = await fileSystem.create(name);
      return { write: async (...range) => write(file, ...range), sync: () => file.sync(), close: () => file.close() };
    },
  };
}
