/** Numbers of a TensorProto, checked against the shape it claims before any memory is taken. */
import { float16ToFloat32, bfloat16ToFloat32, InputError } from '@mudpt/tensor';
import type { HostTensor } from './tensor.ts';
import type { External, TensorProto } from '../format/proto.ts';
import { type ElementType, elementType, isPacked, type PackedType, rangeOf, TYPE_NAMES, widthOf } from '../format/types.ts';
import { broken } from '../format/wire.ts';

/** The bytes of constants that are in files beside the model. */
export type ExternalBytes = ReadonlyMap<External, Uint8Array>;

/** A constant in host memory. @throws FormatError where bytes and shape do not fit; InputError for types that nothing here holds */
export function constantOf(proto: TensorProto, where: string, external: ExternalBytes): HostTensor {
  const name = proto.name === '' ? where : `tensor "${proto.name}"`;
  const type = elementTypeOf(proto.type, name);
  const count = proto.dims.reduce((product, size) => product * size, 1);
  const bad = proto.dims.find((size) => !Number.isSafeInteger(size) || size < 0);
  if (bad !== undefined || proto.dims.length > 64 || count >= 2 ** 32)
    throw broken(name, `its shape [${proto.dims.slice(0, 16).join(', ')}] cannot be`);
  const raw = (proto.external && external.get(proto.external)) ?? proto.raw;
  if (!raw || (raw.length === 0 && proto.numbers.length > 0))
    return { type, shape: proto.dims, data: typedData(proto, type, count, name) };
  const bytes = Math.ceil(count * widthOf(type));
  if (raw.length !== bytes)
    throw broken(name, `${raw.length} bytes do not fill shape [${proto.dims.join(', ')}] of ${type}, which takes ${bytes}`);
  return { type, shape: proto.dims, data: isPacked(type) ? unpacked(raw, type, count) : rawData(raw, type) };
}

/** @throws FormatError for a number that names no type; InputError for one that the engine does not have */
export function elementTypeOf(code: number, where: string): ElementType {
  const type = elementType(code);
  if (type !== undefined) return type;
  const name = TYPE_NAMES[code];
  if (name === undefined) throw broken(where, `there is no data type ${code}`);
  throw new InputError(
    'loadOnnx',
    `${where} holds ${name}, which the engine does not have`,
    'use float, float16, integers of 2 to 64 bits, or bool',
  );
}

/** Integers of 2 or 4 bits, of which a byte holds several, the first in its lowest bits. */
function unpacked(bytes: ArrayLike<number>, type: PackedType, count: number): HostTensor['data'] {
  const bits = 8 * widthOf(type);
  const perByte = 8 / bits;
  const [low] = rangeOf(type) ?? [0];
  return Int32Array.from({ length: count }, (_, index) => {
    const value = ((bytes[Math.floor(index / perByte)] ?? 0) >> (bits * (index % perByte))) & (2 ** bits - 1);
    return low < 0 && value >= -low ? value + 2 * low : value;
  });
}

/** Elements in memory of their own, aligned. Where the file is, they are little-endian. */
function rawData(raw: Uint8Array, type: Exclude<ElementType, PackedType>): HostTensor['data'] {
  const { buffer } = raw.byteOffset % widthOf(type) === 0 ? raw : raw.slice();
  const at = buffer === raw.buffer ? raw.byteOffset : 0;
  const count = raw.length / widthOf(type);
  switch (type) {
    case 'float':
      return new Float32Array(buffer, at, count);
    case 'double':
      return new Float64Array(buffer, at, count);
    case 'float16':
      return float16ToFloat32(new Uint16Array(buffer, at, count));
    case 'bfloat16':
      return bfloat16ToFloat32(new Uint16Array(buffer, at, count));
    case 'int32':
      return new Int32Array(buffer, at, count);
    case 'uint32':
      return new Uint32Array(buffer, at, count);
    case 'uint16':
      return new Uint16Array(buffer, at, count);
    case 'uint8':
      return new Uint8Array(buffer, at, count);
    case 'bool':
      return Uint8Array.from(new Uint8Array(buffer, at, count), (value) => Number(value !== 0));
    case 'int16':
      return Int32Array.from(new Int16Array(buffer, at, count));
    case 'int8':
      return Int32Array.from(new Int8Array(buffer, at, count));
    case 'int64':
      return Float64Array.from(
        { length: count },
        wide(raw, (view, byte) => view.getBigInt64(byte, true)),
      );
    case 'uint64':
      return Float64Array.from(
        { length: count },
        wide(raw, (view, byte) => view.getBigUint64(byte, true)),
      );
    default:
      return type satisfies never;
  }
}

function wide(raw: Uint8Array, read: (view: DataView, byte: number) => bigint): (_: unknown, index: number) => number {
  const view = new DataView(raw.buffer, raw.byteOffset, raw.byteLength);
  return (_, index) => Number(read(view, 8 * index));
}

function typedData(proto: TensorProto, type: ElementType, count: number, where: string): HostTensor['data'] {
  const { numbers } = proto;
  // Packed as in bytes, a byte in each number.
  const expected = isPacked(type) ? Math.ceil(count * widthOf(type)) : count;
  if (numbers.length !== expected)
    throw broken(where, `it has ${numbers.length} numbers, and its shape [${proto.dims.join(', ')}] takes ${expected}`);
  if (isPacked(type)) return unpacked(numbers, type, count);
  if (type === 'float') return Float32Array.from(numbers);
  if (type === 'float16') return float16ToFloat32(Uint16Array.from(numbers));
  if (type === 'bfloat16') return bfloat16ToFloat32(Uint16Array.from(numbers));
  if (type === 'bool') return Uint8Array.from(numbers, (value) => Number(value !== 0));
  return Float64Array.from(numbers);
}
