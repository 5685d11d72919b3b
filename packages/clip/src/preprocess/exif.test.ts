import { describe, expect, it } from 'vitest';
import { exifOrientation, withoutExif } from './exif.ts';

const ascii = (text: string) => Array.from(text, (character) => character.charCodeAt(0));

/** A TIFF structure with one tag, or with `entries` bytes instead. */
function tiff(orientation: number, isLittle: boolean, type = 3): number[] {
  const u16 = (value: number) => (isLittle ? [value & 255, value >> 8] : [value >> 8, value & 255]);
  const u32 = (value: number) => (isLittle ? [...u16(value), 0, 0] : [0, 0, ...u16(value)]);
  return [
    ...ascii(isLittle ? 'II' : 'MM'),
    ...u16(42),
    ...u32(8),
    ...u16(1),
    ...u16(0x112),
    ...u16(type),
    ...u32(1),
    ...u16(orientation),
    0,
    0,
  ];
}

function jpeg(data: readonly number[]): Uint8Array {
  const length = data.length + 8;
  const exif = [0xff, 0xe1, length >> 8, length & 255, ...ascii('Exif\0\0'), ...data];
  return Uint8Array.from([0xff, 0xd8, 0xff, 0xe0, 0, 4, 1, 2, ...exif, 0xff, 0xda, 0, 4, 9, 9, 0xff, 0xd9]);
}

describe('exifOrientation', () => {
  it.each([true, false])('reads both byte orders (little-endian: %s)', (isLittle) => {
    expect(exifOrientation(jpeg(tiff(6, isLittle)), 'jpeg')).toBe(6);
  });

  it('takes nonsense as upright', () => {
    expect(exifOrientation(jpeg(tiff(9, true)), 'jpeg')).toBe(1);
    expect(exifOrientation(jpeg(tiff(6, true, 4)), 'jpeg')).toBe(1);
    expect(exifOrientation(jpeg(ascii('XX')), 'jpeg')).toBe(1);
    expect(exifOrientation(jpeg(tiff(6, true).slice(0, 14)), 'jpeg')).toBe(1);
    expect(exifOrientation(Uint8Array.of(0xff, 0xd8, 0xff, 0xe1, 0xff), 'jpeg')).toBe(1);
    expect(exifOrientation(Uint8Array.of(1, 2), 'gif')).toBe(1);
  });

  it('survives every truncation and every directory offset', () => {
    const whole = jpeg(tiff(6, true));
    for (let length = 0; length < whole.length; length++) exifOrientation(whole.subarray(0, length), 'jpeg');
    const at = whole.indexOf(0x49) + 4;
    for (const offset of [0, 20, 21, 22, 23, 255]) {
      const moved = whole.slice();
      moved.fill(offset, at, at + 4);
      expect(exifOrientation(moved, 'jpeg')).toBe(1);
    }
  });
});

describe('withoutExif', () => {
  it('removes the segment and nothing else', () => {
    const removed = withoutExif(jpeg(tiff(6, true)), 'jpeg');
    expect([...removed]).toEqual([0xff, 0xd8, 0xff, 0xe0, 0, 4, 1, 2, 0xff, 0xda, 0, 4, 9, 9, 0xff, 0xd9]);
  });

  it('removes the chunk of a WebP, its flag, and its part of the length', () => {
    const chunk = (kind: string, data: readonly number[]) => [...ascii(kind), data.length, 0, 0, 0, ...data];
    const body = [...ascii('WEBP'), ...chunk('VP8X', [0x1a, 0, 0, 0, 1, 0, 0, 1, 0, 0])];
    const file = (chunks: readonly number[]) => Uint8Array.from([...ascii('RIFF'), chunks.length, 0, 0, 0, ...chunks]);
    const removed = withoutExif(file([...body, ...chunk('EXIF', tiff(6, true)), ...chunk('VP8 ', [1, 2])]), 'webp');
    const expected = file([...body, ...chunk('VP8 ', [1, 2])]);
    expected[20] = 0x12;
    expect([...removed]).toEqual([...expected]);
  });
});
