import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { put, temporaryFolder } from '@mudpt/testing/files';
import type { SchemaElement } from 'hyparquet';
import { ByteWriter, type ColumnSource, ParquetWriter, parquetWriteBuffer } from 'hyparquet-writer';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { ShardImage } from './image.ts';
import { type ListOptions, parquetImages } from './parquet-list.ts';

let at: Awaited<ReturnType<typeof temporaryFolder>>;
beforeAll(async () => {
  at = await temporaryFolder();
});
afterAll(() => at[Symbol.asyncDispose]());

const bytes = (...values: number[]): Uint8Array => Uint8Array.from(values);

async function imagesOf(list: Uint8Array | ArrayBuffer, options: ListOptions = {}): Promise<Omit<ShardImage, 'part'>[]> {
  const path = join(at.path, 'list.parquet');
  await writeFile(path, list instanceof Uint8Array ? list : new Uint8Array(list));
  const images: Omit<ShardImage, 'part'>[] = [];
  for await (const { part, ...image } of parquetImages(path, options)) {
    expect(part).toBeGreaterThan(0);
    expect(part).toBeLessThanOrEqual(1);
    images.push(image);
  }
  return images;
}

/** `image` {bytes, path} and label, as Hugging Face data sets have them. */
const HUGGING_FACE: SchemaElement[] = [
  { name: 'root', num_children: 2 },
  { name: 'image', num_children: 2, repetition_type: 'OPTIONAL' },
  { name: 'bytes', type: 'BYTE_ARRAY', repetition_type: 'OPTIONAL' },
  { name: 'path', type: 'BYTE_ARRAY', converted_type: 'UTF8', repetition_type: 'OPTIONAL' },
  { name: 'label', type: 'INT64', repetition_type: 'OPTIONAL' },
];

/** Row groups of the given rows, empty ones too. */
function groups(schema: SchemaElement[], parts: ColumnSource[][]): Uint8Array {
  const writer = new ByteWriter();
  const parquet = new ParquetWriter({ writer, schema });
  for (const columnData of parts) {
    void parquet.write({ columnData });
    if (columnData[0]?.data.length === 0) parquet.row_groups.push({ columns: [], total_byte_size: 0n, num_rows: 0n });
  }
  void parquet.finish();
  return writer.getBytes();
}

it('takes bytes and paths of Hugging Face, over row groups with nothing in them, and nulls as images that are not there', async () => {
  const part = (image: unknown[]): ColumnSource[] => [
    { name: 'image', data: image },
    { name: 'label', data: image.map(() => 1n) },
  ];
  const list = groups(HUGGING_FACE, [
    part([
      { bytes: bytes(1, 2), path: 'a.png' },
      { bytes: null, path: 'b.png' },
    ]),
    part([]),
    part([null, { bytes: bytes(), path: null }]),
  ]);
  expect(await imagesOf(list)).toEqual([
    { id: 'a.png', source: bytes(1, 2) },
    { id: 'b.png', source: join(at.path, 'b.png') },
    { id: 'row 2', why: 'the list holds no image here' },
    { id: 'row 3', source: bytes() },
  ]);
  expect((await imagesOf(list, { column: 'image.bytes', idColumn: 'label' })).map(({ id }) => id)).toEqual(['1', '1', '1', '1']);
  expect((await imagesOf(list, { column: 'image.path' })).map((one) => 'source' in one)).toEqual([true, true, false, false]);
});

it('takes paths and file: addresses below the folder, and no others unless they are allowed', async () => {
  await put(join(at.path, 'deep', 'a.png'), 'abc');
  const inside = join(at.path, 'deep', 'a.png');
  const data = [
    'deep/a.png',
    inside,
    pathToFileURL(inside).href,
    '../a.png',
    '/etc/passwd',
    'https://example.org/a.png',
    null,
    '',
  ];
  const list = parquetWriteBuffer({
    columnData: [
      { name: 'path', data, type: 'STRING' },
      { name: 'caption', data: data.map(() => 'text'), type: 'STRING' },
      { name: 'n', data: data.map((_, index) => index), type: 'INT32' },
    ],
  });
  const images = await imagesOf(list);
  expect(images.slice(0, 3).map((one) => 'source' in one && one.source)).toEqual([inside, inside, inside]);
  const whys = images.slice(3).map((one) => ('why' in one ? one.why : ''));
  expect(whys[0]).toMatch(/it is not below .*--images, or add --allow-outside/);
  expect(whys[1]).toMatch(/it is not below/);
  expect(whys[2]).toMatch(/an address of the network/);
  expect(whys.slice(3)).toEqual(['the list holds no image here', 'the list holds no image here']);
  expect((await imagesOf(list, { allowOutside: true }))[4]).toEqual({ id: '/etc/passwd', source: '/etc/passwd' });
  await mkdir(join(at.path, 'deep'), { recursive: true });
  expect((await imagesOf(list, { images: join(at.path, 'deep') }))[0]).toEqual({
    id: 'deep/a.png',
    source: join(at.path, 'deep', 'deep', 'a.png'),
  });
  await expect(imagesOf(list, { column: 'n' })).rejects.toThrow(
    /n is n \(INT32\), neither bytes nor text; its columns are path \(UTF8\)/,
  );
  await expect(imagesOf(list, { column: 'm' })).rejects.toThrow(/m is not in/);
  await expect(imagesOf(list, { idColumn: 'm' })).rejects.toThrow(/--id-column: m is not in/);
});

it('asks for the column where none or several may hold images', async () => {
  const two = ['jpg', 'mask'].map((name) => ({ name, data: [bytes(1)], type: 'BYTE_ARRAY' as const }));
  await expect(imagesOf(parquetWriteBuffer({ columnData: two }))).rejects.toThrow(
    /several columns that may hold images \(jpg, mask\).*--column/s,
  );
  expect(await imagesOf(parquetWriteBuffer({ columnData: two }), { column: 'mask' })).toEqual([
    { id: 'row 0', source: bytes(1) },
  ]);
  const none = [{ name: 'n', data: [1], type: 'INT32' as const }];
  await expect(imagesOf(parquetWriteBuffer({ columnData: none }))).rejects.toThrow(
    /no column that is known to hold images; its columns are n \(INT32\)/,
  );
});

it('refuses files that are cut off, damaged or something else', async () => {
  const data = Array.from({ length: 50 }, (_, index) =>
    Uint8Array.from({ length: 100 }, (__, at) => (at * 31 + index * 7) % 256),
  );
  const list = new Uint8Array(parquetWriteBuffer({ columnData: [{ name: 'jpg', data, type: 'BYTE_ARRAY' }] }));
  expect(await imagesOf(list)).toHaveLength(50);
  for (const end of [0, 3, 8, 100, list.length - 1])
    await expect(imagesOf(list.subarray(0, end)), String(end)).rejects.toThrow(/list\.parquet is no whole Parquet file/);
  const middle = Buffer.concat([list.subarray(0, 1000), list.subarray(3000)]);
  await expect(imagesOf(middle)).rejects.toThrow(/no whole Parquet file/);
  await expect(imagesOf(await readFile(import.meta.filename))).rejects.toThrow(/no whole Parquet file/);
});

it('reads what others write: gzip, brotli and zstd come with hyparquet-compressors', async () => {
  const { gzipSync } = await import('node:zlib');
  const list = parquetWriteBuffer({
    columnData: [{ name: 'jpg', data: [bytes(9, 9, 9, 9, 9, 9, 9, 9)], type: 'BYTE_ARRAY' }],
    codec: 'GZIP',
    compressors: { GZIP: (input) => new Uint8Array(gzipSync(input)) },
  });
  expect(await imagesOf(list)).toEqual([{ id: 'row 0', source: bytes(9, 9, 9, 9, 9, 9, 9, 9) }]);
});
