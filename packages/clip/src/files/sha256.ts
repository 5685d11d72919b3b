/** SHA-256 by the platform's Web Crypto. */
import { FormatError } from '@mudpt/tensor';

/** In hexadecimal. @throws FormatError in a page that is not a secure context */
export async function sha256Hex(op: string, view: ArrayBufferView): Promise<string> {
  const { subtle } = globalThis.crypto ?? {};
  if (!subtle)
    throw new FormatError(op, 'this page is not a secure context, which has no hashes', 'serve it over https or from localhost');
  const bytes = new Uint8Array(view.buffer as ArrayBuffer, view.byteOffset, view.byteLength);
  const digest = new Uint8Array(await subtle.digest('SHA-256', bytes));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('');
}
