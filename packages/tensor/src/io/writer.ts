/**
 * Writes safetensors files as the reference (Rust) implementation does: tensors by dtype (widest first), then by name; the header
 * padded with spaces so that the data begins at a multiple of 8, and every tensor at a multiple of its number's width.
 */
import { fileSystem } from '#file';
import { InputError } from '../errors.ts';
import { type AtomicFileSystem, type AtomicOptions, type Patch, writeAtomic } from '../platform/atomic.ts';
import { requireLittleEndian } from './bytes.ts';
import { CHECKSUM_AT, CHECKSUM_KEY, FileChecksum, NO_CHECKSUM } from './checksum.ts';
import { byteLength, DTYPE_LIST, dtypeRank, isSafetensorsDType, type SafetensorsDType } from './dtypes.ts';
import { MAX_HEADER_BYTES } from './header.ts';
import { quote } from './json.ts';

/** One tensor to write: its numbers in C order. */
export interface TensorToWrite {
  readonly dtype: SafetensorsDType;
  readonly shape: readonly number[];
  /** The bytes (any typed array is taken as its bytes), or a function that fetches them when it is this tensor's turn. */
  readonly data: ArrayBufferView | (() => Promise<ArrayBufferView>);
}

/** Tensors by name. The file holds the widest dtypes first, then by name, so that every tensor is aligned. */
export type TensorsToWrite = ReadonlyMap<string, TensorToWrite> | Readonly<Record<string, TensorToWrite>>;

/** Metadata of a file. */
export interface WriteOptions {
  /** Free-form strings, stored in `__metadata__`; left out of the file when absent or empty. */
  readonly metadata?: Readonly<Record<string, string>>;
}

/** As {@link WriteOptions}, for a file on a disk. */
export interface WriteFileOptions extends WriteOptions, AtomicOptions {
  /** The disk to write to; the real one unless given. */
  readonly disk?: AtomicFileSystem;
  /** Write the file's SHA-256 into its metadata, for `openSafetensors` with `checksum: true`. */
  readonly checksum?: boolean;
}

/**
 * Writes a file at `path`, holding one tensor in memory at a time. The file appears whole or not at all: after an error an old
 * file at `path` is untouched.
 */
export async function writeSafetensors(path: string, tensors: TensorsToWrite, options: WriteFileOptions = {}): Promise<void> {
  const op = 'writeSafetensors';
  const { metadata, checksum = false } = options;
  const plan = checksum ? planSealed(op, tensors, metadata) : planFile(op, tensors, options);
  await writeAtomic(op, path, fileChunks(op, plan, { checksum }), options.disk ?? fileSystem, options);
}

/**
 * The same bytes in memory, for browsers and messages. Functions are not taken here: fetch the bytes first.
 * @example
 * const bytes = serializeSafetensors({ x: { dtype: 'F32', shape: [2], data: Float32Array.of(1, 2) } });
 * const file = await openSafetensors(bytes);
 * console.log(await (await loadTensor(file, 'x')).data()); // [1,2]
 */
export function serializeSafetensors(tensors: TensorsToWrite, options: WriteOptions = {}): Uint8Array<ArrayBuffer> {
  const op = 'serializeSafetensors';
  const plan = planFile(op, tensors, options);
  const result = new Uint8Array(plan.size);
  result.set(plan.header);
  let at = plan.header.byteLength;
  for (const { name, data, bytes } of plan.order) {
    if (typeof data === 'function')
      throw new InputError(op, `tensor ${quote(name)} is given by a function`, 'await its bytes first, or use writeSafetensors');
    result.set(checkedBytes(op, name, data, bytes), at);
    at += bytes;
  }
  return result;
}

/** The same bytes in memory with the file's SHA-256 in its metadata, for `openSafetensors` with `checksum: true`. */
export async function serializeSealedSafetensors(
  tensors: TensorsToWrite,
  { metadata }: WriteOptions = {},
): Promise<Uint8Array<ArrayBuffer>> {
  const op = 'serializeSealedSafetensors';
  const plan = planSealed(op, tensors, metadata);
  const result = new Uint8Array(plan.size);
  let end = 0;
  for await (const chunk of fileChunks(op, plan, { checksum: true })) {
    if (chunk instanceof Uint8Array) {
      result.set(chunk, end);
      end += chunk.byteLength;
    } else result.set(chunk.bytes, chunk.at);
  }
  return result;
}

interface PlannedTensor extends TensorToWrite {
  readonly name: string;
  readonly bytes: number;
}
interface FilePlan {
  readonly header: Uint8Array;
  readonly order: readonly PlannedTensor[];
  readonly size: number;
}

async function* fileChunks(
  op: string,
  { header, order }: FilePlan,
  { checksum: hasChecksum }: { readonly checksum: boolean },
): AsyncGenerator<Uint8Array | Patch, void, undefined> {
  yield header;
  const checksum = hasChecksum ? new FileChecksum(op, header) : undefined;
  for (const { name, data, bytes } of order) {
    const checked = checkedBytes(op, name, typeof data === 'function' ? await data() : data, bytes);
    await checksum?.add(checked);
    yield checked;
  }
  if (checksum) yield { at: CHECKSUM_AT, bytes: new TextEncoder().encode(await checksum.digits()) };
}

function checkedBytes(op: string, name: string, data: ArrayBufferView, expected: number): Uint8Array {
  const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  if (bytes.byteLength === expected) return bytes;
  throw new InputError(
    op,
    `tensor ${quote(name)} has ${bytes.byteLength} bytes of data, its dtype and shape need ${expected}`,
    'give data that fits the shape',
  );
}

/** The digits come first, so that their place does not depend on what else there is; they are filled in last. */
function planSealed(op: string, tensors: TensorsToWrite, metadata: WriteOptions['metadata']): FilePlan {
  const digits = { [CHECKSUM_KEY]: NO_CHECKSUM };
  return planFile(op, tensors, { metadata: { ...digits, ...metadata, ...digits } });
}

function planFile(op: string, tensors: TensorsToWrite, { metadata = {} }: WriteOptions): FilePlan {
  requireLittleEndian(op);
  const pairs: [string, TensorToWrite][] = isMap(tensors) ? [...tensors] : Object.entries(tensors);
  const order = pairs.map(([name, tensor]) => planTensor(op, name, tensor));
  order.sort((a, b) => dtypeRank(b.dtype) - dtypeRank(a.dtype) || compareCodePoints(a.name, b.name));

  const lines: string[] = [];
  if (Object.keys(metadata).length > 0) lines.push(`"__metadata__":${JSON.stringify(checkedMetadata(op, metadata))}`);
  let end = 0;
  for (const { name, dtype, shape, bytes } of order) {
    const begin = end;
    end += bytes;
    lines.push(`${JSON.stringify(name)}:${JSON.stringify({ dtype, shape, data_offsets: [begin, end] })}`);
  }
  const json = new TextEncoder().encode(`{${lines.join(',')}}`);
  const padded = Math.ceil(json.byteLength / 8) * 8;
  if (padded > MAX_HEADER_BYTES)
    throw new InputError(
      op,
      `the header has ${padded} bytes, readers take at most ${MAX_HEADER_BYTES}`,
      'write fewer tensors into one file, or less metadata',
    );
  const header = new Uint8Array(8 + padded).fill(0x20);
  new DataView(header.buffer).setBigUint64(0, BigInt(padded), true);
  header.set(json, 8);
  return { header, order, size: header.byteLength + end };
}

function isMap(tensors: TensorsToWrite): tensors is ReadonlyMap<string, TensorToWrite> {
  return tensors instanceof Map;
}

function planTensor(op: string, name: string, tensor: TensorToWrite): PlannedTensor {
  const { dtype, shape, data } = tensor;
  const fail = (problem: string, fix: string) => new InputError(op, `tensor ${quote(name)} ${problem}`, fix);
  if (name === '__metadata__') throw fail('has a reserved name', 'rename it; strings go into the option metadata');
  if (!isWellFormed(name)) throw fail('has half of a surrogate pair in its name', 'use a name that is valid Unicode');
  if (!isSafetensorsDType(dtype)) throw fail(`has the dtype ${quote(String(dtype))}`, `use one of ${DTYPE_LIST}`);
  if (!shape.every((extent) => Number.isSafeInteger(extent) && extent >= 0))
    throw fail(`has the shape [${shape.join(', ')}]`, 'use whole numbers from 0 up');
  const bytes = byteLength(dtype, shape);
  if (bytes === undefined) throw fail(`of shape [${shape.join(', ')}] is too large`, 'use a shape whose bytes can be counted');
  // Known data is checked before anything is written.
  if (typeof data !== 'function') checkedBytes(op, name, data, bytes);
  return { name, dtype, shape: [...shape], data, bytes };
}

function checkedMetadata(op: string, metadata: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  for (const [key, value] of Object.entries(metadata)) {
    const problem =
      typeof value !== 'string'
        ? `is ${typeof value}, not a string`
        : isWellFormed(key) && isWellFormed(value)
          ? undefined
          : 'holds half of a surrogate pair';
    if (problem !== undefined)
      throw new InputError(
        op,
        `metadata ${quote(key)} ${problem}`,
        'metadata maps strings to strings; write other values with JSON.stringify',
      );
  }
  return metadata;
}

function isWellFormed(text: string): boolean {
  return !/\p{Surrogate}/u.test(text);
}

/** The order of UTF-8 bytes, which is that of code points; `<` on strings compares UTF-16 units instead. */
function compareCodePoints(a: string, b: string): number {
  const left = [...a];
  const right = [...b];
  for (let i = 0; i < Math.min(left.length, right.length); i++) {
    const difference = (left[i]?.codePointAt(0) ?? 0) - (right[i]?.codePointAt(0) ?? 0);
    if (difference !== 0) return difference;
  }
  return left.length - right.length;
}
