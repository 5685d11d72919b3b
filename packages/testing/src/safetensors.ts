/** Valid and invalid safetensors files for tests, built independently of the writer, and a record of the ranges that a reader requests. */
import type { ByteSource, SafetensorsReader } from '@mudpt/tensor';

/** A file with exactly this header text and this data; `announced` replaces the true header length. */
export function fileBytes(header: string | Uint8Array, data: Uint8Array = new Uint8Array(0), announced?: bigint): Uint8Array {
  const text = typeof header === 'string' ? new TextEncoder().encode(header) : header;
  const file = new Uint8Array(8 + text.byteLength + data.byteLength);
  new DataView(file.buffer).setBigUint64(0, announced ?? BigInt(text.byteLength), true);
  file.set(text, 8);
  file.set(data, 8 + text.byteLength);
  return file;
}

/** Bytes 1, 2, 3, ... */
export function counting(length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, index) => (index + 1) & 0xff);
}

/** A small sound file: three tensors of different widths, one of them empty, and metadata. */
export function smallFile(): Uint8Array {
  const header = {
    __metadata__: { format: 'pt', größe: 'ü𝄞' },
    'layer.weight': { dtype: 'F32', shape: [2, 3], data_offsets: [0, 24] },
    empty: { dtype: 'I64', shape: [0, 4], data_offsets: [24, 24] },
    flags: { dtype: 'BOOL', shape: [3], data_offsets: [24, 27] },
  };
  const data = new Uint8Array(27);
  data.set(new Uint8Array(Float32Array.from([1, -2, 3.5, 0, 1e-3, 65504]).buffer));
  data.set([1, 0, 1], 24);
  return fileBytes(JSON.stringify(header), data);
}

/** Records every request, and fails loudly when a reader asks for bytes beyond the file. */
export class WatchedSource implements ByteSource {
  readonly name = 'watched';
  readonly requests: number[] = [];
  closed = 0;
  constructor(readonly bytes: Uint8Array) {}

  get size(): number {
    return this.bytes.byteLength;
  }

  async read(offset: number, length: number): Promise<Uint8Array> {
    if (!(offset >= 0 && length >= 0 && offset + length <= this.size))
      throw new RangeError(`asked for ${offset}+${length} of ${this.size}`);
    this.requests.push(length);
    return this.bytes.slice(offset, offset + length);
  }

  async close(): Promise<void> {
    this.closed += 1;
  }
}

/** All tensors with their bytes as plain values that compare well. */
export async function readAll(
  reader: SafetensorsReader,
): Promise<Record<string, { dtype: string; shape: number[]; bytes: number[] }>> {
  const all: [string, { dtype: string; shape: number[]; bytes: number[] }][] = [];
  for (const name of reader.tensors.keys()) {
    const { dtype, shape, bytes } = await reader.read(name);
    all.push([name, { dtype, shape: [...shape], bytes: [...bytes] }]);
  }
  return Object.fromEntries(all);
}
