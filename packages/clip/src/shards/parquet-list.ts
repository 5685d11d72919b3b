/**
 * The images of a Parquet list: bytes in a column, or paths of files. Row groups are read one after the other, so memory holds the chosen
 * columns of one row group.
 */
import { open, stat } from 'node:fs/promises';
import { dirname, isAbsolute, relative, resolve, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { FormatError, InputError } from '@mudpt/tensor';
import { type AsyncBuffer, type FileMetaData, parquetMetadataAsync, parquetReadObjects, parquetSchema } from 'hyparquet';
import { compressors } from 'hyparquet-compressors';
import { MAX_IMAGE_BYTES, type ShardImage, tooLarge } from './image.ts';
import { find, type ImageColumn, imageColumn } from './image-column.ts';

/** Which columns of a Parquet list are read. */
export interface ListOptions {
  /** Column of paths or image bytes, such as `image.bytes`. Default: found by its type and name. */
  readonly column?: string;
  /** Column of ids. Default: the path, else the number of the row. */
  readonly idColumn?: string;
  /** Folder that paths are relative to. Default: the list's. */
  readonly images?: string;
  /** Let the list name files outside of that folder. */
  readonly allowOutside?: boolean;
}

/** Values of the chosen columns of one row group. */
const MAX_GROUP_BYTES = 2 ** 31;

/**
 * The images of a Parquet list, row by row.
 * @throws FormatError for a file that is broken or cut off; InputError when no column, or several, may hold images
 */
export async function* parquetImages(path: string, options: ListOptions): AsyncGenerator<ShardImage, void, undefined> {
  await using handle = await open(path);
  const { size } = await handle.stat();
  const file: AsyncBuffer = {
    byteLength: size,
    slice: async (start, end = size) => {
      const buffer = new ArrayBuffer(end - start);
      const { bytesRead } = await handle.read(new Uint8Array(buffer), 0, end - start, start);
      if (bytesRead < end - start) throw new Error(`it ends at byte ${start + bytesRead}, within a column`);
      return buffer;
    },
  };
  const metadata = await orBrokenFile(path, () => parquetMetadataAsync(file, { geoparquet: false }));
  const root = parquetSchema(metadata);
  const column = imageColumn(root, path, options.column);
  const id = options.idColumn === undefined ? undefined : find(root, options.idColumn)?.path;
  if (options.idColumn !== undefined && !id)
    throw new InputError('--id-column', `${options.idColumn} is not in ${path}`, 'name a column of the list');
  const columns = [...new Set([column.path, id].flatMap((names) => names?.[0] ?? []))];
  const folder = resolve(options.images ?? dirname(path));
  const count = Number(metadata.num_rows);
  let rowStart = 0;
  for (const group of metadata.row_groups) {
    const rowEnd = rowStart + Number(group.num_rows);
    expectFitting(path, group, columns);
    const rows = rowEnd === rowStart ? [] : await orBrokenFile(path, () => read({ file, metadata, columns, rowStart, rowEnd }));
    for (const [place, row] of rows.entries()) {
      const number = rowStart + place;
      const part = (number + 1) / count;
      yield { part, ...(await imageOfRow(row, number, { column, id, folder, allowOutside: options.allowOutside })) };
    }
    rowStart = rowEnd;
  }
}

type Row = Readonly<Record<string, unknown>>;

interface RowContext {
  readonly column: ImageColumn;
  readonly id: readonly string[] | undefined;
  readonly folder: string;
  readonly allowOutside: boolean | undefined;
}

async function imageOfRow(
  row: Row,
  number: number,
  { column, id, folder, allowOutside }: RowContext,
): Promise<{ id: string } & ({ source: Uint8Array | string } | { why: string })> {
  const value = valueAt(row, column.path);
  const beside = column.pathBeside && valueAt(row, column.pathBeside);
  const file = column.kind === 'path' ? value : beside;
  const name = id ? valueAt(row, id) : file;
  const about = { id: name === undefined || name === null || name === '' ? `row ${number}` : idText(name) };
  if (value instanceof Uint8Array)
    // A copy, because a worker would get the whole row group along with a view of it.
    return value.length > MAX_IMAGE_BYTES ? { ...about, why: tooLarge(value.length) } : { ...about, source: value.slice() };
  if (typeof file !== 'string' || file === '') return { ...about, why: 'the list holds no image here' };
  const place = placeOf(file, folder, allowOutside);
  if ('why' in place) return { ...about, ...place };
  const found = await stat(place.source).catch(() => undefined);
  return found && found.size > MAX_IMAGE_BYTES ? { ...about, why: tooLarge(found.size) } : { ...about, ...place };
}

function idText(value: unknown): string {
  if (value instanceof Uint8Array) return new TextDecoder().decode(value);
  if (typeof value === 'object') return JSON.stringify(value, (_, one: unknown) => (typeof one === 'bigint' ? String(one) : one));
  return String(value);
}

function valueAt(row: Row, path: readonly string[]): unknown {
  return path.reduce<unknown>((value, name) => (value as Row | null | undefined)?.[name], row);
}

/** The file a list names: a path or a file: address, below `folder` unless others are allowed. */
function placeOf(file: string, folder: string, allowOutside = false): { source: string } | { why: string } {
  if (/^[a-z][a-z\d+.-]+:\/\//i.test(file) && !/^file:/i.test(file))
    return { why: 'it is an address of the network; lists name files, so fetch it first' };
  let path: string;
  try {
    path = resolve(folder, /^file:/i.test(file) ? fileURLToPath(file) : file);
  } catch (cause) {
    return { why: `it is no address of a file (${(cause as Error).message})` };
  }
  const way = relative(folder, path);
  if (allowOutside || (way !== '' && !isAbsolute(way) && way !== '..' && !way.startsWith(`..${sep}`))) return { source: path };
  return { why: `it is not below ${folder}; give the folder with --images, or add --allow-outside` };
}

function expectFitting(path: string, { columns }: FileMetaData['row_groups'][number], names: readonly string[]): void {
  const chosen = columns.flatMap(({ meta_data }) =>
    meta_data && names.includes(meta_data.path_in_schema[0] ?? '') ? [meta_data] : [],
  );
  const bytes = chosen.reduce((sum, { total_uncompressed_size }) => sum + Number(total_uncompressed_size), 0);
  if (bytes <= MAX_GROUP_BYTES) return;
  throw new InputError(
    'shards',
    `a row group of ${path} holds ${bytes} bytes of images, which are read at once`,
    'write it again with smaller row groups, a hundred images each',
  );
}

function read(options: {
  file: AsyncBuffer;
  metadata: FileMetaData;
  columns: string[];
  rowStart: number;
  rowEnd: number;
}): Promise<Row[]> {
  return parquetReadObjects({ ...options, compressors, utf8: false, geoparquet: false });
}

async function orBrokenFile<T>(path: string, action: () => Promise<T>): Promise<T> {
  try {
    return await action();
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new FormatError('shards', `${path} is no whole Parquet file (${why})`, 'fetch or write it again', { cause });
  }
}
