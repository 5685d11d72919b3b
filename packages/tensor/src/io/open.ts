/** Byte sources opened from paths, addresses, blobs and memory. */
import { openFile } from '#file';
import { blobSource, type ByteSource, memorySource } from './bytes.ts';
import { type HttpOptions, httpSource } from './http.ts';

/** Anything `byteSource` can open: bytes, a Blob or File, a path (Node), an http(s) URL, or a source that is open already. */
export type ByteSourceInput = ByteSource | ArrayBuffer | Uint8Array | Blob | string | URL;

/** Opens `input` as a ByteSource. Strings that begin with http:// or https:// are URLs, all others are paths. */
export async function byteSource(input: ByteSourceInput, options: HttpOptions = {}): Promise<ByteSource> {
  if (typeof input === 'string') return /^https?:\/\//i.test(input) ? httpSource(input, options) : openFile(input);
  if (input instanceof URL) return /^https?:$/.test(input.protocol) ? httpSource(input.href, options) : openFile(input);
  if (input instanceof ArrayBuffer || input instanceof Uint8Array) return memorySource(input);
  if (input instanceof Blob) return blobSource(input);
  return input;
}
