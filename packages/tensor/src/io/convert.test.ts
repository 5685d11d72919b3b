import { describe, expect, it } from 'vitest';
import { failureOf } from '@mudpt/testing/failure';
import { FormatError, InputError } from '../errors.ts';
import {
  bfloat16ToFloat32,
  float16ToFloat32,
  float32ToBfloat16,
  float32ToFloat16,
  toBigInt64,
  toFloat32,
  toInt32,
  toUint32,
} from './convert.ts';
import { nth } from '../values.ts';

const bytesOf = (array: ArrayBufferView) => new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
const bitsOf = (value: number) => new Uint32Array(Float32Array.of(value).buffer)[0];

/** f16 by its definition, without bit tricks. */
function halfValue(half: number): number {
  const sign = half & 0x8000 ? -1 : 1;
  const exponent = (half >> 10) & 31;
  const fraction = half & 1023;
  if (exponent === 31) return fraction === 0 ? sign * Infinity : NaN;
  return exponent === 0 ? sign * fraction * 2 ** -24 : sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

const ALL_HALVES = Uint16Array.from({ length: 65536 }, (_, index) => index);

describe('f16', () => {
  it('widens all 65536 values as the definition says', () => {
    const widened = float16ToFloat32(ALL_HALVES);
    for (const half of ALL_HALVES) {
      if (!Object.is(widened[half], halfValue(half))) expect.fail(`0x${half.toString(16)} became ${widened[half]}`);
    }
    expect(bitsOf(nth(float16ToFloat32(Uint16Array.of(0x8000)), 0))).toBe(0x80000000);
  });

  it('narrows every f16 value back to itself, and NaN to a NaN', () => {
    const narrowed = float32ToFloat16(float16ToFloat32(ALL_HALVES));
    for (const half of ALL_HALVES) {
      const isNaN = (half & 0x7fff) > 0x7c00;
      const expected = isNaN ? half | 0x200 : half;
      if (narrowed[half] !== expected) expect.fail(`0x${half.toString(16)} became 0x${narrowed[half]?.toString(16)}`);
    }
  });

  it('rounds to nearest even between all neighbours', () => {
    for (let half = 0; half < 0x7c00; half++) {
      const low = halfValue(half);
      // Above the largest f16 the next step would be 65536.
      const high = half === 0x7bff ? 65536 : halfValue(half + 1);
      const middle = (low + high) / 2;
      const even = half % 2 === 0 ? half : half + 1;
      const gap = (high - low) / 1024;
      const [atMiddle, below, above] = float32ToFloat16(Float32Array.of(middle, middle - gap, -(middle + gap)));
      if (atMiddle !== even || below !== half || above !== (0x8000 | (half + 1)))
        expect.fail(`around ${middle}: ${atMiddle}, ${below}, ${above}`);
    }
  });

  it('takes what lies outside its range', () => {
    const values = Float32Array.of(65519.99, 65520, 1e30, -Infinity, 2 ** -25, 2 ** -26, -(2 ** -150), 1e-45);
    expect([...float32ToFloat16(values)]).toEqual([0x7bff, 0x7c00, 0x7c00, 0xfc00, 0, 0, 0x8000, 0]);
  });
});

describe('bf16', () => {
  it('is the upper half of an f32, rounded to nearest even', () => {
    const values = [1, -2.5, 0, -0, Infinity, -Infinity, 3.4028234663852886e38, 1e-40];
    expect([...float32ToBfloat16(Float32Array.from(values))].map((bits) => bits.toString(16))).toEqual([
      '3f80',
      'c020',
      '0',
      '8000',
      '7f80',
      'ff80',
      '7f80',
      '1',
    ]);
    const ties = new Float32Array(Uint32Array.of(0x3f808000, 0x3f818000, 0x3f808001, 0x3f807fff).buffer);
    expect([...float32ToBfloat16(ties)]).toEqual([0x3f80, 0x3f82, 0x3f81, 0x3f80]);
    expect(Number.isNaN(bfloat16ToFloat32(float32ToBfloat16(Float32Array.of(NaN)))[0])).toBe(true);
    const quietened = new Float32Array(Uint32Array.of(0x7f800001).buffer);
    expect(Number.isNaN(bfloat16ToFloat32(float32ToBfloat16(quietened))[0])).toBe(true);
  });

  it('survives the way there and back for all values', () => {
    const back = float32ToBfloat16(bfloat16ToFloat32(ALL_HALVES));
    for (const bits of ALL_HALVES) {
      const isNaN = (bits & 0x7fff) > 0x7f80;
      if (back[bits] !== (isNaN ? bits | 0x40 : bits)) expect.fail(`0x${bits.toString(16)} became 0x${back[bits]?.toString(16)}`);
    }
  });
});

describe('toFloat32', () => {
  it.each([
    ['F32', Float32Array.of(1.5, -0, NaN), [1.5, -0, NaN]],
    ['F64', Float64Array.of(0.1, 1e300, -1e-300), [Math.fround(0.1), Infinity, -0]],
    ['F16', Uint16Array.of(0x3c00, 0x0001, 0xfc00), [1, 2 ** -24, -Infinity]],
    ['BF16', Uint16Array.of(0x3f80, 0xc020), [1, -2.5]],
    ['I32', Int32Array.of(-5, 16777217), [-5, 16777216]],
    ['U32', Uint32Array.of(4294967295), [4294967296]],
    ['I16', Int16Array.of(-32768), [-32768]],
    ['U16', Uint16Array.of(65535), [65535]],
    ['I8', Int8Array.of(-128), [-128]],
    ['U8', Uint8Array.of(255), [255]],
    ['BOOL', Uint8Array.of(1, 0), [1, 0]],
    ['I64', BigInt64Array.of(-3n, -(2n ** 63n)), [-3, -(2 ** 63)]],
    ['U64', BigUint64Array.of(2n ** 64n - 1n), [2 ** 64]],
  ] as const)('%s', (dtype, array, expected) => {
    expect([...toFloat32(dtype, bytesOf(array))]).toEqual(expected);
  });

  it('rounds 64-bit integers once, not first to f64', () => {
    // Just above the middle of two floats: rounding to f64 first would land on the middle and then round to even, downwards.
    const value = 2n ** 60n + 2n ** 36n + 1n;
    expect(toFloat32('I64', bytesOf(BigInt64Array.of(value, -value)))).toEqual(
      Float32Array.of(2 ** 60 + 2 ** 37, -(2 ** 60) - 2 ** 37),
    );
    expect(toFloat32('U64', bytesOf(BigUint64Array.of(value - 1n)))).toEqual(Float32Array.of(2 ** 60));
  });

  it('takes bytes at any alignment, such as those of a Node Buffer inside its pool', () => {
    const pool = new Uint8Array(32);
    pool.set(bytesOf(Float32Array.of(7, 8)), 3);
    expect([...toFloat32('F32', pool.subarray(3, 11))]).toEqual([7, 8]);
    pool.set(bytesOf(Float64Array.of(0.5)), 17);
    expect([...toFloat32('F64', pool.subarray(17, 25))]).toEqual([0.5]);
  });

  it('does not copy aligned F32 bytes', () => {
    const values = Float32Array.of(1, 2);
    expect(toFloat32('F32', bytesOf(values)).buffer).toBe(values.buffer);
  });

  it('refuses broken numbers and BOOLs that are neither 0 nor 1', async () => {
    expect(String(await failureOf(() => toFloat32('F32', new Uint8Array(7))))).toContain(
      '7 bytes are not a whole number of 4-byte numbers',
    );
    expect(String(await failureOf(() => toFloat32('BOOL', Uint8Array.of(1, 2))))).toContain('BOOL at index 1 is 2');
  });
});

describe('integers', () => {
  it('keeps 64 bits as BigInts', () => {
    expect([...toBigInt64('I64', bytesOf(BigInt64Array.of(-(2n ** 63n), 5n)))]).toEqual([-(2n ** 63n), 5n]);
    expect([...toBigInt64('U64', bytesOf(BigUint64Array.of(2n ** 64n - 1n)))]).toEqual([2n ** 64n - 1n]);
  });

  it('narrows what fits', () => {
    expect([...toInt32('I64', bytesOf(BigInt64Array.of(-(2n ** 31n), 2n ** 31n - 1n)))]).toEqual([-(2 ** 31), 2 ** 31 - 1]);
    expect([...toUint32('U64', bytesOf(BigUint64Array.of(2n ** 32n - 1n)))]).toEqual([2 ** 32 - 1]);
    expect([...toInt32('I8', bytesOf(Int8Array.of(-1)))]).toEqual([-1]);
    expect([...toUint32('I32', bytesOf(Int32Array.of(3)))]).toEqual([3]);
    expect([...toInt32('BOOL', Uint8Array.of(1))]).toEqual([1]);
  });

  it.each([
    ['toInt32', () => toInt32('I64', bytesOf(BigInt64Array.of(0n, 2n ** 31n))), 'value 2147483648 at index 1'],
    ['toInt32', () => toInt32('U32', bytesOf(Uint32Array.of(2 ** 31))), 'value 2147483648 at index 0'],
    ['toUint32', () => toUint32('I64', bytesOf(BigInt64Array.of(-1n))), 'value -1 at index 0'],
    ['toUint32', () => toUint32('U64', bytesOf(BigUint64Array.of(1n, 2n, 2n ** 32n))), 'value 4294967296 at index 2'],
  ])('%s refuses %#', async (_, action, message) => {
    const error = await failureOf(action);
    expect(error).toBeInstanceOf(FormatError);
    expect(String(error)).toContain(message);
  });

  it('are not made of floats: who asked for that is told', () => {
    expect(() => toInt32('F32', bytesOf(Float32Array.of(1)))).toThrow(InputError);
    expect(() => toInt32('F32', bytesOf(Float32Array.of(1)))).toThrow('the numbers are F32, not integers');
  });
});
