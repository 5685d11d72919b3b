/**
 * Byte sources. Here: memory and Blobs; a server that answers range requests is in http.ts, a file on disk in file.node.ts.
 * Readers request the ranges they need, so a tensor of a large file can be read without reading the file.
 */
import { FormatError } from '../errors.ts';

/** Random access to a fixed number of bytes. */
export interface ByteSource {
  /** What errors call it: a path, a URL, or a word such as "memory". */
  readonly name: string;
  /** Bytes in all. */
  readonly size: number;
  /**
   * Exactly `length` bytes from `offset`, or an error; never fewer. The result may be a view of memory that others share
   * (a memory source copies nothing), at any alignment: read it, do not write to it.
   */
  read(offset: number, length: number): Promise<Uint8Array>;
  /** Releases the resources of the source (a file handle). Reading afterwards is an error. */
  close?(): Promise<void>;
}

/** All parts, one after another, in memory of their own. */
export function joinBytes(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(parts.reduce((sum, { byteLength }) => sum + byteLength, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.byteLength;
  }
  return whole;
}

/** Bytes in memory. Nothing is copied: a Node Buffer that shares a larger ArrayBuffer is seen through its own byteOffset and length. */
export function memorySource(bytes: ArrayBuffer | Uint8Array, name = 'memory'): ByteSource {
  const all =
    bytes instanceof ArrayBuffer ? new Uint8Array(bytes) : new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return {
    name,
    size: all.byteLength,
    read: async (offset, length) => {
      checkRange(name, all.byteLength, offset, length);
      return all.subarray(offset, offset + length);
    },
  };
}

/** A Blob or a File picked by the user; only the asked range is read into memory. */
export function blobSource(blob: Blob, name = 'name' in blob && typeof blob.name === 'string' ? blob.name : 'blob'): ByteSource {
  return {
    name,
    size: blob.size,
    read: async (offset, length) => {
      checkRange(name, blob.size, offset, length);
      const bytes = new Uint8Array(await blob.slice(offset, offset + length).arrayBuffer());
      return checkLength(name, offset, length, bytes);
    },
  };
}

/** Throws unless `offset .. offset + length` are whole numbers that lie inside `size` bytes. */
export function checkRange(name: string, size: number, offset: number, length: number): void {
  const whole = Number.isSafeInteger(offset) && Number.isSafeInteger(length) && offset >= 0 && length >= 0;
  if (whole && offset + length <= size) return;
  throw new FormatError(
    'read',
    `${name}: bytes ${offset} to ${offset + length} were asked for, but there are ${size} bytes`,
    'ask for a range inside the file; if the file should be longer, it is truncated: fetch it again',
  );
}

/** Returns `bytes` when all of them came, throws otherwise (the file was cut while it was open). */
export function checkLength(name: string, offset: number, length: number, bytes: Uint8Array): Uint8Array {
  if (bytes.byteLength === length) return bytes;
  throw new FormatError(
    'read',
    `${name}: ${length} bytes from byte ${offset} were asked for, ${bytes.byteLength} came`,
    'the file changed while it was being read: open it again',
  );
}

/** Zeroed memory for `length` bytes of a file; more than the machine can give is an error that says so. */
export function allocate(name: string, length: number): Uint8Array<ArrayBuffer> {
  try {
    return new Uint8Array(length);
  } catch {
    throw new FormatError('read', `${name}: ${length} bytes do not fit into memory at once`, 'read it in parts (chunks)');
  }
}

/** The formats store little-endian numbers and are read without swapping, so a big-endian host is refused. */
export function requireLittleEndian(op: string, hostIsLittleEndian: boolean = HOST_IS_LITTLE_ENDIAN): void {
  if (hostIsLittleEndian) return;
  throw new FormatError(
    op,
    'this machine is big-endian, the file is little-endian',
    'use a little-endian machine (x86-64, ARM64)',
  );
}

const HOST_IS_LITTLE_ENDIAN = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1;
