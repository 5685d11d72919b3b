import { readFile } from 'node:fs/promises';
import { expect, it } from 'vitest';
import { temporaryFolder } from '@mudpt/testing/files';
import { crc32c, EventFile, record } from './tensorboard.ts';

const ascii = (text: string) => new TextEncoder().encode(text);

it('computes CRC-32C as RFC 3720 has it', () => {
  expect(crc32c(ascii('123456789'))).toBe(0xe3069283);
  expect(crc32c(new Uint8Array(32))).toBe(0x8a9136aa);
});

it('frames records, length first', () => {
  const framed = record(ascii('abc'));
  expect(framed).toHaveLength(8 + 4 + 3 + 4);
  expect([...framed.subarray(0, 8)]).toEqual([3, 0, 0, 0, 0, 0, 0, 0]);
  expect(new TextDecoder().decode(framed.subarray(12, 15))).toBe('abc');
});

it('writes a version and then scalars that can be read back', async () => {
  await using folder = await temporaryFolder();
  const file = new EventFile(folder.path, () => 1.5);
  await file.add(300, { loss: 0.25 });
  await file.add(301, { loss: 0.125 });
  const bytes = new Uint8Array(await readFile(file.path));
  const records: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; ) {
    const length = Number(new DataView(bytes.buffer, bytes.byteOffset + at).getBigUint64(0, true));
    records.push(bytes.subarray(at + 12, at + 12 + length));
    at += 16 + length;
  }
  expect(records).toHaveLength(4);
  const [version, session, first] = records as [Uint8Array, Uint8Array, Uint8Array];
  expect(new TextDecoder().decode(version)).toContain('brain.Event:2');
  // wall_time 1.5, step 300, session_log { status: START }: readers drop what an earlier file says of steps from there on.
  expect(Buffer.from(session).toString('hex')).toBe('09000000000000f83f10ac023a020801');
  // wall_time 1.5, step 300 as a varint, summary { value { tag: "loss", simple_value: 0.25 } }
  expect(Buffer.from(first).toString('hex')).toBe('09000000000000f83f10ac022a0d0a0b0a046c6f7373150000803e');
});
