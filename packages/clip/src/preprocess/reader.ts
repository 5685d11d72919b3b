/** Numbers and words in a file's bytes; reading beyond the end is an error that names the file. */
import { FormatError, type TensorErrorOptions } from '@mudpt/tensor';

/** The order of the bytes of a number. */
export type ByteOrder = 'little' | 'big';

export class ByteReader {
  private readonly view: DataView;

  constructor(
    readonly name: string,
    readonly bytes: Uint8Array,
  ) {
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get size(): number {
    return this.bytes.length;
  }

  u8(offset: number): number {
    return this.view.getUint8(this.checked(offset, 1));
  }

  u16(offset: number, order: ByteOrder): number {
    return this.view.getUint16(this.checked(offset, 2), order === 'little');
  }

  u24(offset: number): number {
    return this.u16(offset, 'little') | (this.u8(offset + 2) << 16);
  }

  u32(offset: number, order: ByteOrder): number {
    return this.view.getUint32(this.checked(offset, 4), order === 'little');
  }

  /** `length` bytes as Latin-1 characters. */
  text(offset: number, length: number): string {
    this.checked(offset, length);
    return String.fromCharCode(...this.bytes.subarray(offset, offset + length));
  }

  private checked(offset: number, length: number): number {
    if (offset >= 0 && offset + length <= this.size) return offset;
    throw truncated(this.name, `it ends at byte ${this.size}, inside a header`);
  }
}

/** The error for a file that ends too early. */
export function truncated(name: string, how: string, cause?: unknown): FormatError {
  return new FormatError('decodeImage', `${name} is truncated: ${how}`, 'copy or download it again', {
    cause,
    code: 'image.truncated',
    values: { name, how },
  });
}

/** The error for a kind or variant that is not decoded. */
export function refused(
  name: string,
  what: string,
  fix = 'convert it to an 8-bit PNG or a JPEG',
  told: TensorErrorOptions = { code: 'image.refused', values: { name, what } },
): FormatError {
  return new FormatError('decodeImage', `${name} ${what}`, fix, told);
}

/** The error for a file that breaks the rules of its format. */
export function damaged(name: string, how: string, cause?: unknown): FormatError {
  return new FormatError('decodeImage', `${name} is damaged: ${how}`, 'copy or download it again, or leave it out', {
    cause,
    code: 'image.damaged',
    values: { name, how },
  });
}
