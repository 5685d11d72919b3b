/** The header of a safetensors file: parsed strictly, every claim checked against the size of the file. */
import { FormatError } from '../errors.ts';
import type { ByteSource } from './bytes.ts';
import { byteLength, DTYPE_LIST, isSafetensorsDType, type SafetensorsDType } from './dtypes.ts';
import { type JsonNode, type JsonObject, jsonKind, JsonProblem, parseStrictJson, quote } from './json.ts';

/** The same cap as the reference implementation: a header of more bytes is an attack or not a header. */
export const MAX_HEADER_BYTES = 100_000_000;
const LENGTH_BYTES = 8;

/** Where one tensor lies. */
export interface SafetensorsEntry {
  readonly dtype: SafetensorsDType;
  readonly shape: readonly number[];
  /** First byte in the file (not in the data section). */
  readonly begin: number;
  /** One past the last byte in the file. */
  readonly end: number;
}

export interface SafetensorsHeader {
  readonly metadata: Readonly<Record<string, string>>;
  /** In file order. */
  readonly tensors: ReadonlyMap<string, SafetensorsEntry>;
}

/** Reads and checks the header: two reads, of 8 bytes and of the header, neither beyond the end of the file. */
export async function readHeader(op: string, source: ByteSource): Promise<SafetensorsHeader> {
  const { name, size } = source;
  const fail = (problem: string, fix: string) =>
    new FormatError(op, `${name}: ${problem}`, fix, { code: 'safetensors.header', values: { name, problem } });
  if (size < LENGTH_BYTES) {
    throw fail(
      `the file has ${size} bytes, but a safetensors file begins with ${LENGTH_BYTES} bytes that hold the header's length`,
      FETCH_AGAIN,
    );
  }
  const lengthBytes = await source.read(0, LENGTH_BYTES);
  const length = new DataView(lengthBytes.buffer, lengthBytes.byteOffset, LENGTH_BYTES).getBigUint64(0, true);
  if (length > BigInt(MAX_HEADER_BYTES)) {
    throw fail(
      `byte 0 announces a header of ${length} bytes, the limit is ${MAX_HEADER_BYTES}`,
      'check that this is a safetensors file, not a pickle (.pt, .bin) or a web page',
    );
  }
  const dataStart = LENGTH_BYTES + Number(length);
  if (dataStart > size)
    throw fail(`byte 0 announces a header of ${length} bytes, but the file ends at byte ${size}`, FETCH_AGAIN);

  const text = decode(await source.read(LENGTH_BYTES, Number(length)), fail);
  if (!text.startsWith('{'))
    throw fail(`the header at byte ${LENGTH_BYTES} does not begin with "{"`, 'check that this is a safetensors file');
  return new HeaderReader(op, name, text, dataStart, size).header();
}

const FETCH_AGAIN = 'the file is truncated or not safetensors: fetch it again';
const WRITE_AGAIN =
  'the header is damaged or made by a faulty writer: fetch the file again or write it again with a current safetensors library';

function decode(bytes: Uint8Array, fail: (problem: string, fix: string) => FormatError): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw fail(`the header (bytes ${LENGTH_BYTES} to ${LENGTH_BYTES + bytes.byteLength}) is not UTF-8`, WRITE_AGAIN);
  }
}

class HeaderReader {
  constructor(
    readonly op: string,
    readonly name: string,
    readonly text: string,
    readonly dataStart: number,
    readonly size: number,
  ) {}

  header(): SafetensorsHeader {
    const root = this.parse();
    let metadata: Record<string, string> = {};
    const entries: [name: string, at: number, entry: SafetensorsEntry][] = [];
    for (const [key, node] of root) {
      if (key === '__metadata__') metadata = this.metadata(node);
      else entries.push([key, node.at, this.entry(key, node)]);
    }
    entries.sort(([, , a], [, , b]) => a.begin - b.begin || a.end - b.end);
    this.checkContiguous(entries);
    return { metadata, tensors: new Map(entries.map(([key, , entry]) => [key, entry])) };
  }

  private parse(): JsonObject {
    try {
      const { value } = parseStrictJson(this.text);
      // The text begins with "{", so a value that parsed is an object.
      return value as JsonObject;
    } catch (error) {
      if (error instanceof JsonProblem) throw this.error(error.at, `the header is not valid JSON: ${error.problem}`);
      throw error;
    }
  }

  private metadata({ value, at }: JsonNode): Record<string, string> {
    if (!(value instanceof Map)) throw this.error(at, `__metadata__ is ${jsonKind(value)}, not an object`);
    const pairs: [string, string][] = [];
    for (const [key, entry] of value as JsonObject) {
      if (typeof entry.value !== 'string')
        throw this.error(entry.at, `__metadata__ ${quote(key)} is ${jsonKind(entry.value)}, not a string`);
      pairs.push([key, entry.value]);
    }
    // fromEntries defines own properties, so even a key "__proto__" is only data.
    return Object.fromEntries(pairs);
  }

  private entry(key: string, { value, at }: JsonNode): SafetensorsEntry {
    const tensor = `tensor ${quote(key)}`;
    if (!(value instanceof Map))
      throw this.error(at, `${tensor} is ${jsonKind(value)}, not an object with dtype, shape and data_offsets`);
    const fields: JsonObject = value;
    const field = (name: string): JsonNode => {
      const node = fields.get(name);
      if (node === undefined) throw this.error(at, `${tensor} has no ${name}`);
      return node;
    };
    const dtype = this.dtype(tensor, field('dtype'));
    const shape = this.naturals(tensor, 'shape', field('shape'));
    const offsetsNode = field('data_offsets');
    const offsets = this.naturals(tensor, 'data_offsets', offsetsNode);
    const [begin, end] = offsets;
    if (begin === undefined || end === undefined || offsets.length !== 2) {
      throw this.error(offsetsNode.at, `${tensor} has ${offsets.length} data_offsets, not 2 (begin and end)`);
    }
    const dataBytes = this.size - this.dataStart;
    if (begin > end) throw this.error(offsetsNode.at, `${tensor} ends (at ${end}) before it begins (at ${begin})`);
    if (end > dataBytes) {
      throw this.error(
        offsetsNode.at,
        `${tensor} lies at ${begin} to ${end} of the data, which has ${dataBytes} bytes`,
        FETCH_AGAIN,
      );
    }
    const bytes = byteLength(dtype, shape);
    if (bytes !== end - begin) {
      const needs = bytes === undefined ? 'more than 2^53' : String(bytes);
      throw this.error(
        at,
        `${tensor} of dtype ${dtype} and shape ${listing(shape)} needs ${needs} bytes, its data_offsets span ${end - begin}`,
      );
    }
    return { dtype, shape, begin: this.dataStart + begin, end: this.dataStart + end };
  }

  private dtype(tensor: string, { value, at }: JsonNode): SafetensorsDType {
    if (isSafetensorsDType(value)) return value;
    const found = typeof value === 'string' ? quote(value) : jsonKind(value);
    throw this.error(
      at,
      `${tensor} has the dtype ${found}, which this reader does not know`,
      `convert the tensor to one of ${DTYPE_LIST}`,
    );
  }

  private naturals(tensor: string, field: string, { value, at }: JsonNode): number[] {
    if (!Array.isArray(value)) throw this.error(at, `${tensor} has a ${field} that is ${jsonKind(value)}, not an array`);
    return (value as readonly JsonNode[]).map((item, index) => {
      if (typeof item.value === 'number' && item.value >= 0) return item.value;
      throw this.error(
        item.at,
        `${tensor} has ${jsonKind(item.value)} as ${field}[${index}], not a whole number from 0 to 2^53 - 1`,
      );
    });
  }

  /** Every byte of the data belongs to exactly one tensor, so that all readers agree on the contents. */
  private checkContiguous(entries: readonly [string, number, SafetensorsEntry][]): void {
    let cursor = this.dataStart;
    let before = 'the header';
    for (const [key, at, { begin, end }] of entries) {
      const tensor = `tensor ${quote(key)}`;
      if (begin < cursor)
        throw this.error(at, `${tensor} begins at byte ${begin}, inside ${before}, which ends at byte ${cursor}`);
      if (begin > cursor)
        throw this.error(
          at,
          `${tensor} begins at byte ${begin}, but ${before} ends at byte ${cursor}: the gap belongs to no tensor`,
        );
      cursor = end;
      before = tensor;
    }
    if (cursor !== this.size) {
      throw new FormatError(
        this.op,
        `${this.name}: ${before} ends at byte ${cursor}, but the file at byte ${this.size}: the rest belongs to no tensor`,
        WRITE_AGAIN,
      );
    }
  }

  private error(at: number, problem: string, fix = WRITE_AGAIN): FormatError {
    return new FormatError(this.op, `${this.name}, byte ${LENGTH_BYTES + utf8Length(this.text, at)}: ${problem}`, fix);
  }
}

function listing(shape: readonly number[]): string {
  return shape.length > 12 ? `[${shape.slice(0, 12).join(', ')}, … ${shape.length} entries]` : `[${shape.join(', ')}]`;
}

/** Bytes that the first `units` UTF-16 units of well-formed text take in UTF-8. */
function utf8Length(text: string, units: number): number {
  let bytes = 0;
  for (let i = 0; i < units; i++) {
    const unit = text.charCodeAt(i);
    // Each half of a surrogate pair counts two of the pair's four bytes.
    bytes += unit < 0x80 ? 1 : unit < 0x800 || (unit >= 0xd800 && unit < 0xe000) ? 2 : 3;
  }
  return bytes;
}
