/** The orientation tag of a camera, in JPEG (APP1), PNG (eXIf), WebP (EXIF chunk) and TIFF (its own tags). */
import type { ImageFormat } from './image-header.ts';

const ORIENTATION = 0x0112;

/** A range of bytes in a file. */
interface Part {
  readonly start: number;
  readonly end: number;
}

/** A chunk or segment with EXIF data: all of it, and the TIFF structure inside. */
interface ExifPart extends Part {
  readonly tiff: number;
}

/** The orientation, 1 to 8; 1 (upright) where the file has none, or one that cannot be read. */
export function exifOrientation(bytes: Uint8Array, format: ImageFormat): number {
  if (format === 'tiff') return readOrientation(bytes);
  const [part] = exifParts(bytes, format);
  return part === undefined ? 1 : readOrientation(bytes.subarray(part.tiff, part.end));
}

/** The file without its EXIF data, for decoders that would turn the image themselves. */
export function withoutExif(bytes: Uint8Array, format: ImageFormat): Uint8Array<ArrayBuffer> {
  const kept: Uint8Array[] = [];
  let at = 0;
  for (const { start, end } of exifParts(bytes, format)) {
    kept.push(bytes.subarray(at, start));
    at = end;
  }
  kept.push(bytes.subarray(at));
  const size = kept.reduce((sum, part) => sum + part.length, 0);
  const result = new Uint8Array(size);
  kept.reduce((offset, part) => (result.set(part, offset), offset + part.length), 0);
  if (format === 'webp' && result.length >= 21) {
    new DataView(result.buffer).setUint32(4, size - 8, true);
    if (letters(result, 12, 4) === 'VP8X') result[20]! &= ~0x08;
  }
  return result;
}

function exifParts(bytes: Uint8Array, format: ImageFormat): ExifPart[] {
  if (format === 'jpeg') return jpegParts(bytes);
  if (format === 'png') return chunks(bytes, { first: 8, isRiff: false, wanted: 'eXIf' });
  return format === 'webp' ? chunks(bytes, { first: 12, isRiff: true, wanted: 'EXIF' }) : [];
}

const letters = (bytes: Uint8Array, at: number, length: number): string =>
  String.fromCharCode(...bytes.subarray(at, at + length));

function jpegParts(bytes: Uint8Array): ExifPart[] {
  const parts: ExifPart[] = [];
  const view = viewOf(bytes);
  for (let at = 2; at + 4 <= bytes.length && view.getUint8(at) === 0xff; ) {
    const marker = view.getUint8(at + 1);
    if (marker === 0xda || marker === 0xd9) break;
    if (marker === 0xff) {
      at++;
      continue;
    }
    const end = at + 2 + view.getUint16(at + 2);
    if (end > bytes.length) break;
    if (marker === 0xe1 && letters(bytes, at + 4, 6) === 'Exif\0\0') parts.push({ start: at, end, tiff: at + 10 });
    at = end;
  }
  return parts;
}

/** Where the first chunk begins, and the kind of chunk that is wanted. */
type Chunked = { readonly first: number; readonly isRiff: boolean; readonly wanted: string };

/** PNG: length, kind, data, checksum, big-endian. WebP (RIFF): kind, length, data padded to even. */
function chunks(bytes: Uint8Array, { first, isRiff, wanted }: Chunked): ExifPart[] {
  const parts: ExifPart[] = [];
  const view = viewOf(bytes);
  for (let at = first; at + 8 <= bytes.length; ) {
    const length = view.getUint32(at + (isRiff ? 4 : 0), isRiff);
    const data = at + 8;
    const end = isRiff ? data + length + (length % 2) : data + length + 4;
    if (end > bytes.length) break;
    if (letters(bytes, at + (isRiff ? 0 : 4), 4) === wanted) {
      // Some writers put the prefix of JPEG's segment into WebP.
      parts.push({ start: at, end, tiff: letters(bytes, data, 6) === 'Exif\0\0' ? data + 6 : data });
    }
    at = end;
  }
  return parts;
}

function readOrientation(tiff: Uint8Array): number {
  const order = letters(tiff, 0, 2);
  if ((order !== 'II' && order !== 'MM') || tiff.length < 8) return 1;
  const isLittle = order === 'II';
  const view = viewOf(tiff);
  const directory = view.getUint32(4, isLittle);
  if (directory + 2 > tiff.length) return 1;
  const count = view.getUint16(directory, isLittle);
  for (let entry = 0; entry < count; entry++) {
    const at = directory + 2 + entry * 12;
    if (at + 12 > tiff.length) break;
    const isShort = view.getUint16(at + 2, isLittle) === 3;
    if (view.getUint16(at, isLittle) !== ORIENTATION || !isShort) continue;
    const orientation = view.getUint16(at + 8, isLittle);
    return orientation >= 1 && orientation <= 8 ? orientation : 1;
  }
  return 1;
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
