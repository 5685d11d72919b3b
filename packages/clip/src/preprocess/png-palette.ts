/** Palettes of PNG files that have fewer colours than their pixels can name: Pillow sees greys there, other decoders black or nothing. */
import { crc32 } from '../files/crc32.ts';

/** Where the width begins in the first chunk, IHDR; depth and colour type follow width and height. */
const HEADER_AT = 16;
const FIRST_CHUNK_AT = 33;
const PALETTE_COLOURS = 3;
const text = (bytes: Uint8Array, at: number): string => String.fromCharCode(...bytes.subarray(at, at + 4));

/**
 * The file with a palette for every index its pixels can have: colour i is the grey i where the file gives none, as in Pillow. The same
 * bytes where nothing is missing, and where the palette itself is damaged, which decoders report.
 */
export function withWholePalette(bytes: Uint8Array): Uint8Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const [depth = 0, colour] = bytes.subarray(HEADER_AT + 8, HEADER_AT + 10);
  if (colour !== PALETTE_COLOURS || depth > 8) return bytes;
  for (let at = FIRST_CHUNK_AT; at + 12 <= bytes.length; at += 12 + view.getUint32(at)) {
    const [length, kind] = [view.getUint32(at), text(bytes, at + 4)];
    const end = at + 12 + length;
    if (kind === 'IDAT' || end > bytes.length) return bytes;
    if (kind !== 'PLTE') continue;
    const isDamaged = length % 3 !== 0 || crc32(bytes.subarray(at + 4, end - 4)) !== view.getUint32(end - 4);
    if (isDamaged || length === 3 << depth) return bytes;
    return spliced(bytes, at, end, paletteChunk(bytes.subarray(at + 8, end - 4), 1 << depth));
  }
  return bytes;
}

/** Colours beyond the last index are left out. */
function paletteChunk(colours: Uint8Array, count: number): Uint8Array {
  const chunk = new Uint8Array(12 + 3 * count);
  const view = new DataView(chunk.buffer);
  view.setUint32(0, 3 * count);
  chunk.set([0x50, 0x4c, 0x54, 0x45], 4); // PLTE
  for (let index = 0; index < count; index += 1) chunk.fill(index, 8 + 3 * index, 11 + 3 * index);
  chunk.set(colours.subarray(0, 3 * count), 8);
  view.setUint32(8 + 3 * count, crc32(chunk.subarray(4, -4)));
  return chunk;
}

function spliced(bytes: Uint8Array, from: number, to: number, middle: Uint8Array): Uint8Array {
  const result = new Uint8Array(bytes.length - (to - from) + middle.length);
  result.set(bytes.subarray(0, from));
  result.set(middle, from);
  result.set(bytes.subarray(to), from + middle.length);
  return result;
}
