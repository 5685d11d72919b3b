/** The protocol buffer wire format: fields of a message, each checked against the bytes that are there. */
import { FormatError } from '@mudpt/tensor';

/** One field of a message. Numbers of 64 bits are rounded to 53: sizes and indices beyond that fit nowhere. */
export type Field = {
  readonly number: number;
  readonly wire: Wire;
  /** Low and high word of a varint, unsigned. */
  readonly low: number;
  readonly high: number;
  /** The content of a length-delimited field, or the 4 or 8 bytes of a fixed one; a view of the file. */
  readonly bytes: Uint8Array;
};
type Wire = 'varint' | 'fixed64' | 'bytes' | 'fixed32';

const NOTHING = new Uint8Array(0);
const WIRES: Readonly<Record<number, Wire>> = { 0: 'varint', 1: 'fixed64', 2: 'bytes', 5: 'fixed32' };
const TRUNCATED = 'the file is damaged or cut off: fetch it again';
const utf8 = new TextDecoder('utf-8', { fatal: true });

/** An error about a file's content. */
export function broken(where: string, problem: string, fix = TRUNCATED): FormatError {
  return new FormatError('loadOnnx', `${where}: ${problem}`, fix);
}

/** Reads numbers from `bytes`, from the front. */
class Cursor {
  at = 0;
  low = 0;
  high = 0;

  constructor(
    readonly bytes: Uint8Array,
    private readonly where: string,
  ) {}

  /** Sets `low` and `high` to a varint of up to 10 bytes. */
  varint(): void {
    let low = 0;
    let high = 0;
    for (let shift = 0; shift < 70; shift += 7) {
      const byte = this.bytes[this.at];
      if (byte === undefined) throw broken(this.where, 'it ends inside of a number');
      this.at += 1;
      const part = byte & 0x7f;
      if (shift < 28) low |= part << shift;
      else if (shift === 28) {
        low |= part << 28;
        high = part >> 4;
      } else high |= shift < 64 ? part << (shift - 32) : 0;
      if (byte < 0x80) {
        this.low = low >>> 0;
        this.high = high >>> 0;
        return;
      }
    }
    throw broken(this.where, 'a number is longer than 10 bytes');
  }

  take(length: number): Uint8Array {
    const end = this.at + length;
    if (end > this.bytes.length)
      throw broken(this.where, `a field of ${length} bytes begins ${this.bytes.length - this.at} bytes before the end`);
    const part = this.bytes.subarray(this.at, end);
    this.at = end;
    return part;
  }
}

/** Calls `visit` for every field of a message. @throws FormatError for bytes that are no fields */
export function eachField(message: Uint8Array, where: string, visit: (field: Field) => void): void {
  const cursor = new Cursor(message, where);
  while (cursor.at < message.length) {
    cursor.varint();
    const number = Math.floor((cursor.high * 2 ** 32 + cursor.low) / 8);
    const wire = WIRES[cursor.low & 7];
    if (!wire || number === 0 || number >= 2 ** 29)
      throw broken(
        where,
        `byte ${cursor.at} begins no field`,
        'give a model in ONNX format (.onnx); this is none, or a damaged one',
      );
    if (wire === 'varint') {
      cursor.varint();
      visit({ number, wire, low: cursor.low, high: cursor.high, bytes: NOTHING });
      continue;
    }
    if (wire === 'bytes') cursor.varint();
    const length = wire === 'bytes' ? cursor.high * 2 ** 32 + cursor.low : wire === 'fixed64' ? 8 : 4;
    visit({ number, wire, low: 0, high: 0, bytes: cursor.take(length) });
  }
}

function expectWire(field: Field, wire: Wire, where: string): void {
  if (field.wire !== wire)
    throw broken(
      where,
      `field ${field.number} is written as ${field.wire} where ONNX has ${wire}`,
      'give a model that follows onnx.proto',
    );
}

/** A signed number of up to 64 bits. */
const signed = (low: number, high: number): number => (high | 0) * 2 ** 32 + low;
const unsigned = (low: number, high: number): number => high * 2 ** 32 + low;

/** The whole number of a field. */
export function integerOf(field: Field, where: string): number {
  expectWire(field, 'varint', where);
  return signed(field.low, field.high);
}

/** The content of a message, or raw bytes: a view of the file. */
export function bytesOf(field: Field, where: string): Uint8Array {
  expectWire(field, 'bytes', where);
  return field.bytes;
}

export function textOf(field: Field, where: string): string {
  try {
    return utf8.decode(bytesOf(field, where));
  } catch (cause) {
    if (cause instanceof FormatError) throw cause;
    throw broken(where, `the text of field ${field.number} is not UTF-8`);
  }
}

export function floatOf(field: Field, where: string): number {
  expectWire(field, 'fixed32', where);
  return new DataView(field.bytes.buffer, field.bytes.byteOffset, 4).getFloat32(0, true);
}

/** Appends the whole numbers of a repeated field, packed or not. */
export function pushIntegers(list: number[], field: Field, where: string, { isUnsigned = false } = {}): void {
  const convert = isUnsigned ? unsigned : signed;
  if (field.wire === 'varint') {
    list.push(convert(field.low, field.high));
    return;
  }
  const cursor = new Cursor(bytesOf(field, where), where);
  while (cursor.at < field.bytes.length) {
    cursor.varint();
    list.push(convert(cursor.low, cursor.high));
  }
}

/** Appends the floats (4 bytes) or doubles (8) of a repeated field, packed or not. */
export function pushFloats(list: number[], field: Field, width: 4 | 8, where: string): void {
  if (field.wire === 'varint') expectWire(field, 'bytes', where);
  if (field.wire !== 'bytes') expectWire(field, width === 4 ? 'fixed32' : 'fixed64', where);
  const { bytes } = field;
  if (bytes.length % width !== 0) throw broken(where, `field ${field.number} has ${bytes.length} bytes, no multiple of ${width}`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  for (let at = 0; at < bytes.length; at += width) list.push(width === 4 ? view.getFloat32(at, true) : view.getFloat64(at, true));
}
