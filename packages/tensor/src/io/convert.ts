/**
 * Numbers of a safetensors file as typed arrays. Node 20 has no Float16Array and no engine has a BFloat16Array, so both are
 * converted here by their bits: exactly upwards (subnormals, infinities, NaN payloads), to nearest even downwards.
 */
import { FormatError, InputError } from '../errors.ts';
import { floatBitsOfHalf, halfOfFloatBits } from '../half.ts';
import type { SafetensorsDType } from './dtypes.ts';

interface TypedArrayConstructor<A> {
  new (buffer: ArrayBufferLike, byteOffset: number, length: number): A;
  readonly BYTES_PER_ELEMENT: number;
}

/** Bytes as a typed array: a view where the alignment allows it, else a copy. A remainder that fills no number is refused. */
function numbers<A>(ArrayType: TypedArrayConstructor<A>, bytes: Uint8Array): A {
  const width = ArrayType.BYTES_PER_ELEMENT;
  if (bytes.byteLength % width !== 0) {
    throw new FormatError(
      'convert',
      `${bytes.byteLength} bytes are not a whole number of ${width}-byte numbers`,
      'pass the bytes of one whole tensor',
    );
  }
  const aligned = bytes.byteOffset % width === 0 ? bytes : new Uint8Array(bytes);
  return new ArrayType(aligned.buffer, aligned.byteOffset, aligned.byteLength / width);
}

/** Any dtype as f32, rounded once to nearest even where f32 cannot hold the value. F32 bytes that are aligned are not copied. */
export function toFloat32(dtype: SafetensorsDType, bytes: Uint8Array): Float32Array {
  switch (dtype) {
    case 'F32':
      return numbers(Float32Array, bytes);
    case 'F64':
      return new Float32Array(numbers(Float64Array, bytes));
    case 'F16':
      return float16ToFloat32(numbers(Uint16Array, bytes));
    case 'BF16':
      return bfloat16ToFloat32(numbers(Uint16Array, bytes));
    case 'I64':
    case 'U64':
      return bigIntsToFloat32(toBigInt64(dtype, bytes));
    default:
      return new Float32Array(smallIntegers(dtype, bytes));
  }
}

/** I64 or U64 as BigInts. */
export function toBigInt64(dtype: 'I64' | 'U64', bytes: Uint8Array): BigInt64Array | BigUint64Array {
  return dtype === 'I64' ? numbers(BigInt64Array, bytes) : numbers(BigUint64Array, bytes);
}

/** Integers of any width as i32. @throws FormatError naming the first value that does not fit, and its index */
export function toInt32(dtype: SafetensorsDType, bytes: Uint8Array): Int32Array {
  return dtype === 'I32' ? numbers(Int32Array, bytes) : narrow('toInt32', dtype, bytes, Int32Array, -(2 ** 31), 2 ** 31 - 1);
}

/** Integers of any width as u32. @throws FormatError naming the first value that does not fit, and its index */
export function toUint32(dtype: SafetensorsDType, bytes: Uint8Array): Uint32Array {
  return dtype === 'U32' ? numbers(Uint32Array, bytes) : narrow('toUint32', dtype, bytes, Uint32Array, 0, 2 ** 32 - 1);
}

function narrow<A extends Int32Array | Uint32Array>(
  op: string,
  dtype: SafetensorsDType,
  bytes: Uint8Array,
  Target: new (length: number) => A,
  lowest: number,
  highest: number,
): A {
  if (dtype === 'F64' || dtype === 'F32' || dtype === 'F16' || dtype === 'BF16') {
    throw new InputError(op, `the numbers are ${dtype}, not integers`, 'read them with toFloat32');
  }
  const from = dtype === 'I64' || dtype === 'U64' ? toBigInt64(dtype, bytes) : smallIntegers(dtype, bytes);
  const to = new Target(from.length);
  for (const [i, value] of from.entries()) {
    if (value < lowest || value > highest) {
      throw new FormatError(
        op,
        `value ${value} at index ${i} is outside ${lowest} to ${highest}`,
        'the tensor does not hold what it should (ids, indices); use toBigInt64 to see it',
      );
    }
    to[i] = Number(value);
  }
  return to;
}

type SmallInteger = Exclude<SafetensorsDType, 'F64' | 'F32' | 'F16' | 'BF16' | 'I64' | 'U64'>;

function smallIntegers(dtype: SmallInteger, bytes: Uint8Array) {
  switch (dtype) {
    case 'I32':
      return numbers(Int32Array, bytes);
    case 'U32':
      return numbers(Uint32Array, bytes);
    case 'I16':
      return numbers(Int16Array, bytes);
    case 'U16':
      return numbers(Uint16Array, bytes);
    case 'I8':
      return numbers(Int8Array, bytes);
    case 'U8':
      return numbers(Uint8Array, bytes);
    case 'BOOL':
      return booleans(bytes);
  }
}

function booleans(bytes: Uint8Array): Uint8Array {
  const index = bytes.findIndex((byte) => byte > 1);
  if (index < 0) return bytes;
  throw new FormatError('convert', `the BOOL at index ${index} is ${bytes[index]}`, 'a BOOL is 0 or 1: write the tensor again');
}

function bigIntsToFloat32(values: BigInt64Array | BigUint64Array): Float32Array {
  const result = new Float32Array(values.length);
  values.forEach((value: bigint, i: number) => {
    result[i] = bigIntToFloat(value);
  });
  return result;
}

/** Rounds once: a double holds 53 bits, so of larger numbers the low 11 bits are folded into one sticky bit first. */
function bigIntToFloat(value: bigint): number {
  const magnitude = value < 0n ? -value : value;
  if (magnitude < 1n << 53n) return Number(value);
  const low = magnitude & 0x7ffn;
  const folded = Number(low === 0n ? magnitude : (magnitude - low) | 0x800n);
  return value < 0n ? -folded : folded;
}

let halfTable: Uint32Array | undefined;

/** f16 bits to f32, exactly. */
export function float16ToFloat32(bits: Uint16Array): Float32Array {
  const table = (halfTable ??= Uint32Array.from({ length: 1 << 16 }, (_, half) => floatBitsOfHalf(half)));
  const result = new Uint32Array(bits.length);
  bits.forEach((half, i) => {
    result[i] = table[half] as number; // the table has every half
  });
  return new Float32Array(result.buffer);
}

/** f32 to f16 bits, to nearest even; beyond 65520 becomes infinity, NaN stays NaN (quiet). */
export function float32ToFloat16(values: Float32Array): Uint16Array<ArrayBuffer> {
  const bits = bitsOf(values);
  const result = new Uint16Array(bits.length);
  bits.forEach((word, i) => {
    result[i] = halfOfFloatBits(word);
  });
  return result;
}

/** bf16 bits to f32, exactly. */
export function bfloat16ToFloat32(bits: Uint16Array): Float32Array {
  const result = new Uint32Array(bits.length);
  bits.forEach((word, i) => {
    result[i] = word << 16;
  });
  return new Float32Array(result.buffer);
}

/** f32 to bf16 bits, to nearest even; NaN stays NaN (quiet). */
export function float32ToBfloat16(values: Float32Array): Uint16Array<ArrayBuffer> {
  const bits = bitsOf(values);
  const result = new Uint16Array(bits.length);
  bits.forEach((value, i) => {
    const isNaN = (value & 0x7fffffff) > 0x7f800000;
    result[i] = isNaN ? (value >>> 16) | 0x40 : (value + 0x7fff + ((value >>> 16) & 1)) >>> 16;
  });
  return result;
}

function bitsOf(values: Float32Array): Uint32Array {
  return new Uint32Array(values.buffer, values.byteOffset, values.length);
}
