/**
 * The reader of safetensors files (https://huggingface.co/docs/safetensors): 8 bytes with the header's length, a JSON header, the data.
 * Only the header is read at first; each tensor is read on demand, so a large file on disk or at a URL costs no memory.
 */
import { InputError } from '../errors.ts';
import { verifyChecksum } from './checksum.ts';
import { type ByteSource, requireLittleEndian } from './bytes.ts';
import { readHeader, type SafetensorsEntry } from './header.ts';
import type { HttpOptions } from './http.ts';
import type { SafetensorsDType } from './dtypes.ts';
import { quote } from './json.ts';
import { byteSource, type ByteSourceInput } from './open.ts';

/** One tensor with its bytes: little-endian numbers in C order. `bytes` may be unaligned; see convert.ts for typed arrays. */
export interface SafetensorsTensor {
  readonly dtype: SafetensorsDType;
  readonly shape: readonly number[];
  readonly bytes: Uint8Array;
}

/** An open file, or several shards seen as one. */
export interface SafetensorsReader {
  readonly name: string;
  /** The free-form strings of `__metadata__`; empty when there are none. */
  readonly metadata: Readonly<Record<string, string>>;
  readonly tensors: ReadonlyMap<string, SafetensorsEntry>;
  /** All bytes of one tensor. */
  read(tensor: string): Promise<SafetensorsTensor>;
  /** The bytes of one tensor in parts of at most `maxBytes`, in order, for an upload that never holds the whole tensor. */
  chunks(tensor: string, maxBytes: number): AsyncGenerator<Uint8Array, void, undefined>;
  /** Gives the source back. Reading afterwards is an error for files. */
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** How {@link openSafetensors} reads. */
export interface OpenSafetensorsOptions extends HttpOptions {
  /** Read the whole file first and refuse it unless it matches the SHA-256 in its metadata (see `checksum` of `writeSafetensors`). */
  readonly checksum?: boolean;
}

/**
 * Opens a file, bytes, Blob, URL or ByteSource, which the reader owns from then on: it is closed by `close()`, and at once when
 * the header is refused.
 * @throws FormatError naming the file, the tensor and the byte, for anything that is not a valid safetensors file
 */
export async function openSafetensors(input: ByteSourceInput, options: OpenSafetensorsOptions = {}): Promise<SafetensorsReader> {
  requireLittleEndian('openSafetensors');
  const source = await byteSource(input, options);
  try {
    const { metadata, tensors } = await readHeader('openSafetensors', source);
    if (options.checksum) await verifyChecksum('openSafetensors', source, tensors);
    return new FileReader(source, metadata, tensors);
  } catch (error) {
    await source.close?.();
    throw error;
  }
}

class FileReader implements SafetensorsReader {
  constructor(
    private readonly source: ByteSource,
    readonly metadata: Readonly<Record<string, string>>,
    readonly tensors: ReadonlyMap<string, SafetensorsEntry>,
  ) {}

  get name(): string {
    return this.source.name;
  }

  async read(tensor: string): Promise<SafetensorsTensor> {
    const { dtype, shape, begin, end } = findTensor(this, tensor);
    return { dtype, shape, bytes: await this.source.read(begin, end - begin) };
  }

  async *chunks(tensor: string, maxBytes: number): AsyncGenerator<Uint8Array, void, undefined> {
    const { begin, end } = findTensor(this, tensor);
    if (!(Number.isSafeInteger(maxBytes) && maxBytes > 0)) {
      throw new InputError('chunks', `maxBytes is ${maxBytes}`, 'give a whole number of bytes above 0');
    }
    for (let at = begin; at < end; at += maxBytes) yield await this.source.read(at, Math.min(maxBytes, end - at));
  }

  async close(): Promise<void> {
    await this.source.close?.();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

/** The entry of `tensor`, or an error that shows what names there are. */
export function findTensor(reader: Pick<SafetensorsReader, 'name' | 'tensors'>, tensor: string): SafetensorsEntry {
  const entry = reader.tensors.get(tensor);
  if (entry !== undefined) return entry;
  const names = [...reader.tensors.keys()];
  const some = names.slice(0, 8).map(quote).join(', ');
  const fix = names.length === 0 ? 'the file holds no tensors' : `use one of its ${names.length} names, such as ${some}`;
  throw new InputError('read', `${reader.name} has no tensor ${quote(tensor)}`, fix);
}
