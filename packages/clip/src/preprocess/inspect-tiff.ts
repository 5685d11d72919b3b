/** The size and kind of the first page of a TIFF. */
import type { ImageHeader } from './image-header.ts';
import { type ByteOrder, type ByteReader, damaged, refused } from './reader.ts';

const TAGS = { width: 256, height: 257, bits: 258, compression: 259, photometric: 262, samples: 277, format: 339 } as const;
const [SHORT, LONG] = [3, 4];
/** Fax codes can pack any number of pixels into few bytes. */
const FAX = [2, 3, 4];
const SEPARATED = 5;

/** Reads the header. @throws FormatError for broken ones, and for numbers that are no shades of 8 or 16 bits */
export function inspectTiff(reader: ByteReader): ImageHeader {
  const { name } = reader;
  const order: ByteOrder = reader.text(0, 2) === 'II' ? 'little' : 'big';
  const directory = reader.u32(4, order);
  const count = reader.u16(directory, order);
  const values = new Map<number, number>();
  for (let entry = 0; entry < count; entry += 1) {
    const at = directory + 2 + entry * 12;
    const [tag, type, length] = [reader.u16(at, order), reader.u16(at + 2, order), reader.u32(at + 4, order)];
    if (length < 1 || (type !== SHORT && type !== LONG)) continue;
    const isInPlace = length * (type === SHORT ? 2 : 4) <= 4;
    const place = isInPlace || !Object.values<number>(TAGS).includes(tag) ? at + 8 : reader.u32(at + 8, order);
    values.set(tag, type === SHORT ? reader.u16(place, order) : reader.u32(place, order));
  }
  const of = (tag: keyof typeof TAGS, otherwise: number): number => values.get(TAGS[tag]) ?? otherwise;
  const [width, height, bits, samples] = [of('width', 0), of('height', 0), of('bits', 1), of('samples', 1)];
  if (of('format', 1) !== 1)
    throw refused(name, 'is a TIFF of signed or floating-point numbers, whose range has no agreed meaning');
  if (![1, 2, 4, 8, 16].includes(bits)) throw refused(name, `is a TIFF of ${bits} bits per channel`);
  if (samples < 1 || samples > 64) throw damaged(name, `its header says ${samples} channels`);
  const compression = of('compression', 1);
  const whole = (width * height * samples * bits) / 8;
  return {
    format: 'tiff',
    width,
    height,
    hasAlpha: samples === 2 || samples === 4,
    isCmyk: of('photometric', 0) === SEPARATED && samples >= 4,
    leastBytes: FAX.includes(compression) ? 0 : compression === 1 ? whole : whole / 4096,
  };
}
