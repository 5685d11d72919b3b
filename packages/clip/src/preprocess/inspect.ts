/** What kind of image a file holds and how large it is, read from its first bytes, before any decoder sees it. */
import { readBmp } from './bmp.ts';
import type { ImageFormat, ImageHeader } from './image-header.ts';
import { inspectHeif } from './inspect-heif.ts';
import { inspectTiff } from './inspect-tiff.ts';
import { ByteReader, damaged, refused, truncated } from './reader.ts';

/** Other kinds of files that people pass by mistake, by their first bytes. */
const OTHERS: readonly (readonly [string | RegExp, string])[] = [
  ['II+\0', 'a BigTIFF image'],
  ['MM\0+', 'a BigTIFF image'],
  [/^.{4}ftyp/s, 'an MP4 video'],
  ['\0\0\0\x0cJXL ', 'a JPEG XL image'],
  ['\xff\x0a', 'a JPEG XL image'],
  ['\0\0\0\x0cjP ', 'a JPEG 2000 image'],
  ['\xff\x4f\xff\x51', 'a JPEG 2000 image'],
  ['8BPS', 'a Photoshop document'],
  ['\0\0\x01\0', 'an icon file (ICO)'],
  [/^P[1-7]\s/, 'a Netpbm image'],
  ['%PDF', 'a PDF document'],
  ['PK\x03\x04', 'a ZIP archive'],
  ['PK\x05\x06', 'a ZIP archive'],
  ['\x1f\x8b', 'a gzip archive'],
  [/^(?:\xef\xbb\xbf)?\s*(?:<\?xml[^>]*>\s*)?(?:<!--[^]*?-->\s*)?<svg/i, 'an SVG drawing'],
  [/^(?:\xef\xbb\xbf)?\s*<(?:!doctype|html|head|body|\?xml)/i, 'an HTML or XML page (a failed download often is one)'],
  ['version https://git-lfs', 'a Git LFS pointer, not the image itself'],
  [/^[\t\n\r\x20-\x7e]+$/, 'a text file'],
];

/** The format by the first bytes (256 are enough). @throws FormatError naming the kind of any other file */
export function imageFormat(bytes: Uint8Array, name: string): ImageFormat {
  if (bytes.length === 0) throw refused(name, 'is empty', 'copy or download it again', { code: 'image.empty', values: { name } });
  const start = String.fromCharCode(...bytes.subarray(0, 256));
  if (start.startsWith('\x89PNG\r\n\x1a\n')) return 'png';
  if (start.startsWith('\xff\xd8\xff')) return 'jpeg';
  if (/^RIFF.{4}WEBP/s.test(start)) return 'webp';
  if (/^GIF8[79]a/.test(start)) return 'gif';
  if (/^(?:II\*\0|MM\0\*)/.test(start)) return 'tiff';
  // The letters alone could begin a text.
  if (/^BM.{4}\0{4}/s.test(start)) return 'bmp';
  const brands = /^\0..(.)ftyp(.*)/s.exec(start);
  if (brands) {
    const told = (brands[2] ?? '').slice(0, Math.max(4, (brands[1] ?? '').charCodeAt(0) - 8));
    if (/avi[fs]/.test(told)) return 'avif';
    if (/^(?:heic|heix|hevc|hevx|heim|heis|mif1|msf1)/.test(told)) return 'heic';
  }
  const other = OTHERS.find(([mark]) => (typeof mark === 'string' ? start.startsWith(mark) : mark.test(start)))?.[1];
  const fix = `give ${KINDS} files`;
  if (other === undefined) throw refused(name, 'is no image of a known kind', fix, { code: 'image.unknown', values: { name } });
  throw refused(name, `is ${other}`, fix, { code: 'image.other', values: { name, other } });
}

/** What is decoded, in words. */
const KINDS = 'PNG, JPEG, WebP, GIF, TIFF, BMP or AVIF';

const INSPECTORS: Readonly<Record<ImageFormat, (reader: ByteReader) => ImageHeader>> = {
  png: inspectPng,
  jpeg: inspectJpeg,
  webp: inspectWebp,
  gif: inspectGif,
  bmp: inspectBmp,
  tiff: inspectTiff,
  avif: (reader) => inspectHeif(reader, 'avif'),
  heic: (reader) => inspectHeif(reader, 'heic'),
};

/** Reads the header. @throws FormatError for files of other kinds, broken headers, and variants that are not decoded, by name */
export function inspectImage(bytes: Uint8Array, name: string): ImageHeader {
  const header = INSPECTORS[imageFormat(bytes, name)](new ByteReader(name, bytes));
  // The first frame of a GIF enlarges its screen, from nothing too.
  if (header.format === 'gif' || (header.width > 0 && header.height > 0)) return header;
  throw damaged(name, `its header says ${header.width} x ${header.height} pixels`);
}

/** Channels by PNG colour type. */
const PNG_CHANNELS = new Map([
  [0, 1],
  [2, 3],
  [3, 1],
  [4, 2],
  [6, 4],
]);

function inspectPng(reader: ByteReader): ImageHeader {
  if (reader.text(12, 4) !== 'IHDR') throw damaged(reader.name, 'its first chunk is not IHDR');
  const [width, height] = [reader.u32(16, 'big'), reader.u32(20, 'big')];
  const [depth, colour] = [reader.u8(24), reader.u8(25)];
  const channels = PNG_CHANNELS.get(colour);
  if (channels === undefined || ![1, 2, 4, 8, 16].includes(depth))
    throw damaged(reader.name, `its header says colour type ${colour} with ${depth} bits`);
  // Deflate packs at most 1032 to 1.
  const leastBytes = (Math.ceil((width * channels * depth) / 8) * height) / 1032;
  return { format: 'png', width, height, hasAlpha: colour >= 4 || hasTransparency(reader), isCmyk: false, leastBytes };
}

/** A tRNS chunk stands before the first IDAT. */
function hasTransparency(reader: ByteReader): boolean {
  for (let at = 33; at + 12 <= reader.size; at += 12 + reader.u32(at, 'big')) {
    const kind = reader.text(at + 4, 4);
    if (kind === 'tRNS') return true;
    if (kind === 'IDAT') return false;
  }
  return false;
}

function inspectJpeg(reader: ByteReader): ImageHeader {
  for (let at = 2; at < reader.size; ) {
    if (reader.u8(at) !== 0xff) {
      at++; // Decoders skip stray bytes between segments.
      continue;
    }
    const marker = reader.u8(at + 1);
    const isFrame = marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker);
    if (isFrame) return readFrame(reader, at + 4, marker);
    if (marker === 0xda || marker === 0xd9) throw damaged(reader.name, 'its pixels begin before a frame header');
    const isBare = marker === 0xff || marker === 0 || marker === 1 || (marker >= 0xd0 && marker <= 0xd8);
    at += marker === 0xff ? 1 : isBare ? 2 : 2 + reader.u16(at + 2, 'big');
  }
  throw truncated(reader.name, 'it has no frame header');
}

function readFrame(reader: ByteReader, at: number, marker: number): ImageHeader {
  const bits = reader.u8(at);
  if (bits !== 8) throw refused(reader.name, `is a JPEG of ${bits} bits per channel`);
  if (marker === 0xc3 || marker === 0xc7 || marker === 0xcb || marker === 0xcf) throw refused(reader.name, 'is a lossless JPEG');
  const [height, width, components] = [reader.u16(at + 1, 'big'), reader.u16(at + 3, 'big'), reader.u8(at + 5)];
  if (![1, 3, 4].includes(components)) throw refused(reader.name, `is a JPEG of ${components} channels`);
  // With Huffman codes a block of 8 x 8 takes at least a bit, and at most 16 x 64 pixels share one.
  const leastBytes = marker <= 0xc2 ? (width * height) / 8192 : 0;
  return { format: 'jpeg', width, height, hasAlpha: false, isCmyk: components === 4, leastBytes };
}

function inspectWebp(reader: ByteReader): ImageHeader {
  const common = { format: 'webp', isCmyk: false } as const;
  const promised = reader.u32(4, 'little') + 8;
  if (promised > reader.size) throw truncated(reader.name, `it has ${reader.size} of ${promised} bytes`);
  const kind = reader.text(12, 4);
  if (kind === 'VP8X') {
    const [width, height] = [reader.u24(24) + 1, reader.u24(27) + 1];
    return { ...common, width, height, hasAlpha: (reader.u8(20) & 0x10) !== 0, leastBytes: 0 };
  }
  if (kind === 'VP8L') {
    const bits = reader.u32(21, 'little');
    const [width, height] = [(bits & 0x3fff) + 1, ((bits >>> 14) & 0x3fff) + 1];
    return { ...common, width, height, hasAlpha: (bits & 0x10000000) !== 0, leastBytes: 0 };
  }
  if (kind === 'VP8 ') {
    const [width, height] = [reader.u16(26, 'little') & 0x3fff, reader.u16(28, 'little') & 0x3fff];
    return { ...common, width, height, hasAlpha: false, leastBytes: 0 };
  }
  throw damaged(reader.name, `its first chunk is ${JSON.stringify(kind)}`);
}

function inspectGif(reader: ByteReader): ImageHeader {
  const [width, height] = [reader.u16(6, 'little'), reader.u16(8, 'little')];
  return { format: 'gif', width, height, hasAlpha: false, isCmyk: false, leastBytes: 0 };
}

function inspectBmp(reader: ByteReader): ImageHeader {
  const { width, height, bits, stride, pixels } = readBmp(reader);
  return { format: 'bmp', width, height, hasAlpha: bits === 32, isCmyk: false, leastBytes: pixels + stride * height };
}
