/** Windows bitmaps: the decoder in Node does not know them, and they are simple. */
import { emptyImage, type RgbImage } from './image.ts';
import { type ByteReader, damaged, refused, truncated } from './reader.ts';

const FILE_HEADER = 14;
/** Size of the header of OS/2, whose sides are 16 bits and whose palette has no fourth byte. */
const CORE = 12;
const [PLAIN, RLE8, RLE4, BITFIELDS] = [0, 1, 2, 3];

interface BmpHeader {
  readonly width: number;
  readonly height: number;
  /** Whether the first row is the top one. */
  readonly isTopDown: boolean;
  readonly bits: number;
  /** Bytes a row takes, padded to four. */
  readonly stride: number;
  /** Where pixels begin. */
  readonly pixels: number;
  readonly colours: Palette | undefined;
  /** Places of red, green and blue in a pixel of 16 or 32 bits. */
  readonly masks: readonly number[];
}

interface Palette {
  readonly begin: number;
  readonly count: number;
  readonly bytes: 3 | 4;
}

/** Reads the header. @throws FormatError for broken ones and for run-length coding */
export function readBmp(reader: ByteReader): BmpHeader {
  const { name } = reader;
  const [pixels, size] = [reader.u32(10, 'little'), reader.u32(FILE_HEADER, 'little')];
  const isCore = size === CORE;
  if (!isCore && (size < 40 || size > 4096)) throw damaged(name, `its header has ${size} bytes`);
  const at = FILE_HEADER + 4;
  const side = (offset: number): number => (isCore ? reader.u16(offset, 'little') : reader.u32(offset, 'little') | 0);
  const [width, signed] = [side(at), side(at + (isCore ? 2 : 4))];
  const height = Math.abs(signed);
  if (width < 1 || height < 1) throw damaged(name, `its header says ${width} x ${signed} pixels`);
  const bits = reader.u16(at + (isCore ? 6 : 10), 'little');
  const compression = isCore ? PLAIN : reader.u32(at + 12, 'little');
  if (compression === RLE8 || compression === RLE4) throw refused(name, 'is a run-length coded BMP');
  if (![1, 4, 8, 16, 24, 32].includes(bits) || (compression !== PLAIN && compression !== BITFIELDS))
    throw refused(name, `is a BMP of ${bits} bits with compression ${compression}`);
  const used = isCore ? 0 : reader.u32(at + 28, 'little');
  const colours =
    bits <= 8
      ? { begin: FILE_HEADER + size, count: Math.min(used || 2 ** bits, 2 ** bits), bytes: isCore ? (3 as const) : (4 as const) }
      : undefined;
  const usual = bits === 16 ? [0x7c00, 0x3e0, 0x1f] : [0xff0000, 0xff00, 0xff];
  const masks = compression === BITFIELDS ? [40, 44, 48].map((offset) => reader.u32(FILE_HEADER + offset, 'little')) : usual;
  return { width, height, isTopDown: signed < 0, bits, stride: Math.ceil((width * bits) / 32) * 4, pixels, colours, masks };
}

/** Decodes it; a fourth channel is dropped. */
export function decodeBmp(reader: ByteReader): RgbImage {
  const header = readBmp(reader);
  const { width, height, isTopDown, stride, pixels } = header;
  if (pixels + stride * height > reader.size)
    throw truncated(reader.name, `${reader.size} bytes cannot hold ${width} x ${height} pixels`);
  const image = emptyImage(width, height);
  const pixel = pixelReader(reader, header);
  for (let y = 0; y < height; y += 1) {
    const row = pixels + stride * (isTopDown ? y : height - 1 - y);
    for (let x = 0; x < width; x += 1) pixel(row, x, image.data, (y * width + x) * 3);
  }
  return image;
}

type ReadPixel = (row: number, x: number, to: Uint8Array, at: number) => void;

function pixelReader(reader: ByteReader, { bits, colours, masks }: BmpHeader): ReadPixel {
  const { bytes } = reader;
  const copy = (from: number, to: Uint8Array, at: number): void => {
    // Blue comes first.
    for (let channel = 0; channel < 3; channel += 1) to[at + channel] = bytes[from + 2 - channel]!;
  };
  if (colours) {
    if (colours.begin + colours.count * colours.bytes > reader.size) throw truncated(reader.name, 'it ends inside its palette');
    return (row, x, to, at) => {
      const place = x * bits;
      const index = (bytes[row + (place >> 3)]! >> (8 - bits - (place & 7))) & (2 ** bits - 1);
      if (index < colours.count) copy(colours.begin + index * colours.bytes, to, at);
    };
  }
  if (bits === 24) return (row, x, to, at) => copy(row + x * 3, to, at);
  const fields = masks.map((mask) => {
    const shift = mask === 0 ? 0 : Math.clz32(mask & -mask) ^ 31;
    return { shift, most: mask >>> shift };
  });
  return (row, x, to, at) => {
    const value = bits === 16 ? reader.u16(row + x * 2, 'little') : reader.u32(row + x * 4, 'little');
    // Five bits are scaled to 255 and cut off, as in Pillow.
    for (const [channel, { shift, most }] of fields.entries())
      to[at + channel] = most === 0 ? 0 : Math.floor((((value >>> shift) & most) * 255) / most);
  };
}
