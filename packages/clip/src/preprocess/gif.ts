/**
 * The first frame of a GIF, as Pillow sees it: outside of the frame the screen has the transparent colour, or else colour 0, and
 * transparent pixels keep their colour. Other decoders make both black, which is why this one is here.
 */
import { emptyImage, type RgbImage } from './image.ts';
import { ByteReader, damaged, refused, truncated } from './reader.ts';

interface Frame {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
  readonly isInterlaced: boolean;
  /** 256 colours of 3 bytes; those the file does not give are greys, as in Pillow. */
  readonly palette: Uint8Array;
  /** Where the compressed pixels begin. */
  readonly dataAt: number;
}

/** Decodes the first frame of `bytes`. @throws FormatError when the file is damaged, truncated or larger than `maxPixels` */
export function decodeGif(bytes: Uint8Array, name: string, maxPixels: number): RgbImage {
  const reader = new ByteReader(name, bytes);
  const screen = reader.u8(10);
  const globalSize = screen & 0x80 ? 2 << (screen & 7) : 0;
  const { frame, transparent } = findFrame(reader, 13 + globalSize * 3, globalSize);
  // A frame that reaches beyond the screen enlarges it.
  const width = Math.max(reader.u16(6, 'little'), frame.left + frame.width);
  const height = Math.max(reader.u16(8, 'little'), frame.top + frame.height);
  if (width * height > maxPixels) throw refused(name, `has ${width} x ${height} pixels, more than maxPixels`);
  const indices = decompress(reader, frame);
  const image = emptyImage(width, height);
  if (transparent !== undefined || frame.palette.subarray(0, 3).some((level) => level > 0)) {
    const colour = 3 * (transparent ?? 0);
    const background = frame.palette.subarray(colour, colour + 3);
    for (let at = 0; at < image.data.length; at += 3) image.data.set(background, at);
  }
  rowOrder(frame).forEach((row, position) => {
    for (let column = 0; column < frame.width; column++) {
      const colour = indices[position * frame.width + column]! * 3;
      const to = ((frame.top + row) * width + frame.left + column) * 3;
      for (let channel = 0; channel < 3; channel++) image.data[to + channel] = frame.palette[colour + channel] ?? 0;
    }
  });
  return image;
}

/** Walks the blocks to the first image; a graphic control extension before it may name a transparent colour. */
function findFrame(reader: ByteReader, start: number, globalSize: number): { frame: Frame; transparent: number | undefined } {
  let transparent: number | undefined;
  for (let at = start; ; ) {
    const block = reader.u8(at);
    if (block === 0x2c) return { frame: readFrame(reader, at + 1, globalSize), transparent };
    if (block === 0x21) {
      if (reader.u8(at + 1) === 0xf9 && reader.u8(at + 2) >= 4 && reader.u8(at + 3) & 1) transparent = reader.u8(at + 6);
      at = skipBlocks(reader, at + 2);
    } else if (block === 0x3b) throw damaged(reader.name, 'it ends without a picture');
    else at++; // Pillow passes over stray bytes.
  }
}

function skipBlocks(reader: ByteReader, start: number): number {
  let at = start;
  for (let length = reader.u8(at); length > 0; length = reader.u8(at)) at += length + 1;
  return at + 1;
}

function readFrame(reader: ByteReader, at: number, globalSize: number): Frame {
  const [left = 0, top = 0, width = 0, height = 0] = [0, 2, 4, 6].map((offset) => reader.u16(at + offset, 'little'));
  const flags = reader.u8(at + 8);
  const localSize = flags & 0x80 ? 2 << (flags & 7) : 0;
  const palette = Uint8Array.from({ length: 768 }, (_, index) => Math.floor(index / 3));
  const [colours, paletteAt] = localSize > 0 ? [localSize, at + 9] : [globalSize, 13];
  if (paletteAt + colours * 3 > reader.size) throw truncated(reader.name, 'it ends inside its palette');
  palette.set(reader.bytes.subarray(paletteAt, paletteAt + colours * 3));
  if (width === 0 || height === 0) throw damaged(reader.name, `its first frame says ${width} x ${height} pixels`);
  return { left, top, width, height, isInterlaced: (flags & 0x40) !== 0, palette, dataAt: at + 9 + localSize * 3 };
}

/** The rows of the frame in the order they are stored. */
function rowOrder({ height, isInterlaced }: Frame): number[] {
  const passes = isInterlaced ? [[0, 8] as const, [4, 8] as const, [2, 4] as const, [1, 2] as const] : [[0, 1] as const];
  return passes.flatMap(([first, step]) => {
    const rows: number[] = [];
    for (let row = first; row < height; row += step) rows.push(row);
    return rows;
  });
}

const TABLE_SIZE = 4096;

/** LZW, codes of 3 to 12 bits, lowest bit first: a colour index for every pixel of the frame. */
function decompress(reader: ByteReader, frame: Frame): Uint8Array {
  const rootBits = reader.u8(frame.dataAt);
  if (rootBits < 1 || rootBits > 8) throw damaged(reader.name, `its LZW codes begin with ${rootBits} bits`);
  const clear = 1 << rootBits;
  const indices = new Uint8Array(frame.width * frame.height);
  // A string is the string of an earlier code and one more index.
  const prefix = new Uint16Array(TABLE_SIZE);
  const suffix = new Uint8Array(TABLE_SIZE);
  const lengths = new Uint16Array(TABLE_SIZE).fill(1);
  for (let code = 0; code < clear; code++) suffix[code] = code;
  const codes = new CodeReader(reader, frame.dataAt + 1);
  let bits = rootBits + 1;
  let next = clear + 2;
  let previous = -1;
  let written = 0;
  while (written < indices.length) {
    const code = codes.read(bits);
    if (code === clear) {
      bits = rootBits + 1;
      next = clear + 2;
      previous = -1;
      continue;
    }
    if (code === clear + 1) throw truncated(reader.name, `its pixels end after ${written} of ${indices.length}`);
    // The string a code stands for may be the one about to be made: the previous one and its own first index.
    const isKnown = code < clear || (code < next && code >= clear + 2 && previous >= 0);
    if (!isKnown && !(code === next && previous >= 0)) throw damaged(reader.name, `LZW code ${code} is not in use yet`);
    const source = isKnown ? code : previous;
    const length = lengths[source] ?? 1;
    let walk = source;
    for (let i = written + length - 1; i >= written; i--) {
      // What does not fit the frame is dropped.
      if (i < indices.length) indices[i] = suffix[walk]!;
      else if (i > indices.length + TABLE_SIZE) throw damaged(reader.name, 'an LZW string has no end');
      if (i > written) walk = prefix[walk]!;
    }
    const first = suffix[walk]!;
    written += length;
    if (!isKnown) {
      if (written < indices.length) indices[written] = first;
      written++;
    }
    if (previous >= 0 && next < TABLE_SIZE) {
      prefix[next] = previous;
      suffix[next] = first;
      lengths[next] = (lengths[previous] ?? 1) + 1;
      next++;
      if (next === 1 << bits && bits < 12) bits++;
    }
    previous = code;
  }
  return indices;
}

/** Codes out of the sub-blocks. */
class CodeReader {
  private blockEnd: number;
  private buffer = 0;
  private filled = 0;

  constructor(
    private readonly reader: ByteReader,
    private at: number,
  ) {
    this.blockEnd = at;
  }

  read(bits: number): number {
    while (this.filled < bits) {
      if (this.at === this.blockEnd) {
        if (this.at >= this.reader.size) throw truncated(this.reader.name, 'it ends inside its pixels');
        const length = this.reader.u8(this.at++);
        if (length === 0) throw truncated(this.reader.name, 'its pixels end early');
        this.blockEnd = this.at + length;
      }
      if (this.at >= this.reader.size) throw truncated(this.reader.name, 'it ends inside its pixels');
      this.buffer |= this.reader.u8(this.at++) << this.filled;
      this.filled += 8;
    }
    const code = this.buffer & ((1 << bits) - 1);
    this.buffer >>>= bits;
    this.filled -= bits;
    return code;
  }
}
