import { expect, it } from 'vitest';
import { crc32 } from './crc32.ts';

it('has the values of the standard, in one part or many, aligned or not', () => {
  const text = new TextEncoder().encode('123456789');
  expect(crc32(text)).toBe(0xcbf43926);
  expect(crc32(new Uint8Array())).toBe(0);
  // zlib.crc32(bytes(range(256)) * 3)
  const bytes = Uint8Array.from({ length: 768 }, (_, at) => at);
  expect(crc32(bytes)).toBe(0xb0c0df2a);
  for (const cut of [0, 1, 7, 8, 100]) expect(crc32(bytes.subarray(cut), crc32(bytes.subarray(0, cut)))).toBe(0xb0c0df2a);
});
