/**
 * Checksums: the SHA-256 of a safetensors file in its metadata, so that damage to any byte is found.
 *
 * The first entry of `__metadata__` is `sha256`: over the file's beginning up to its data, with zeros in place of the digits, followed by the
 * SHA-256 of every part of at most 64 MiB of every tensor, in file order. Digests of parts need no hash that takes bytes piece by piece, which
 * browsers lack.
 */
import { FormatError } from '../errors.ts';
import { type ByteSource, joinBytes } from './bytes.ts';
import type { SafetensorsEntry } from './header.ts';

export const CHECKSUM_KEY = 'sha256';
export const NO_CHECKSUM = '0'.repeat(64);

const BEFORE_DIGITS = `{"__metadata__":{"${CHECKSUM_KEY}":"`;
/** Offset of the digits in a file, after the 8 bytes of the header's length. */
export const CHECKSUM_AT = 8 + BEFORE_DIGITS.length;
const PART = 2 ** 26;

/** Gathers the digests of a file while its bytes pass by. */
export class FileChecksum {
  private readonly parts: Uint8Array[];

  /** @param beginning all bytes before the data, with {@link NO_CHECKSUM} as digits */
  constructor(
    private readonly op: string,
    beginning: Uint8Array,
  ) {
    this.parts = [beginning];
  }

  /** The bytes of the next tensor. */
  async add(bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.byteLength; at += PART) this.parts.push(await sha256(this.op, bytes.subarray(at, at + PART)));
  }

  /** 64 hexadecimal digits. */
  async digits(): Promise<string> {
    return Array.from(await sha256(this.op, joinBytes(this.parts)), (byte) => byte.toString(16).padStart(2, '0')).join('');
  }
}

/**
 * Reads a whole file and compares.
 * @throws FormatError when the file has no checksum, or its contents do not match it
 */
export async function verifyChecksum(
  op: string,
  source: ByteSource,
  tensors: ReadonlyMap<string, SafetensorsEntry>,
): Promise<void> {
  const fail = (problem: string, fix: string) => new FormatError(op, `${source.name}: ${problem}`, fix);
  // Tensors lie without gaps, so the first begins where the header ends.
  const [first] = tensors.values();
  const beginning = (await source.read(0, first?.begin ?? source.size)).slice();
  const digits = new TextDecoder().decode(beginning.subarray(CHECKSUM_AT, CHECKSUM_AT + NO_CHECKSUM.length));
  const before = new TextDecoder().decode(beginning.subarray(8, CHECKSUM_AT));
  if (before !== BEFORE_DIGITS || !/^[0-9a-f]{64}$/.test(digits))
    throw fail('it has no SHA-256 of itself', 'it is damaged, or another program or an older version wrote it: make it anew');
  beginning.set(new TextEncoder().encode(NO_CHECKSUM), CHECKSUM_AT);
  const checksum = new FileChecksum(op, beginning);
  for (const { begin, end } of tensors.values())
    for (let at = begin; at < end; at += PART) await checksum.add(await source.read(at, Math.min(PART, end - at)));
  if ((await checksum.digits()) === digits) return;
  throw fail('its SHA-256 is not that of its contents', 'the file is damaged: take a copy of it, or make it anew');
}

async function sha256(op: string, bytes: Uint8Array): Promise<Uint8Array> {
  const { subtle } = globalThis.crypto ?? {};
  if (!subtle)
    throw new FormatError(op, 'this page is not a secure context, which has no hashes', 'serve it over https or from localhost');
  return new Uint8Array(await subtle.digest('SHA-256', bytes as Uint8Array<ArrayBuffer>));
}
