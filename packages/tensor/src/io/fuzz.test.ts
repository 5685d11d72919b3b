/**
 * 10,000 mutated files: each is read or refused with a FormatError, within the memory the file itself takes. The seed is fixed, so
 * a failure repeats; its number is in the message.
 */
import { describe, expect, it } from 'vitest';
import { pick, type Random, seeded } from '@mudpt/testing/fuzz';
import { counting, fileBytes, readAll, smallFile, WatchedSource } from '@mudpt/testing/safetensors';
import { FormatError } from '../errors.ts';
import { openSafetensors } from './safetensors.ts';
import { readSafetensorsIndex } from './shards.ts';
import { serializeSafetensors } from './writer.ts';
import { nth } from '../values.ts';

const FILES = 10_000;

/** Numbers that overflow, wrap, round or are not allowed. */
const NUMBERS = [
  '0',
  '-1',
  '1',
  '255',
  '4294967295',
  '4294967296',
  '9007199254740991',
  '9007199254740992',
  '18446744073709551615',
  '18446744073709551616',
  '1e308',
  '1e999',
  '0.5',
  '-0',
  '1E2',
  '9'.repeat(400),
];
const VALUES = [
  ...NUMBERS,
  'null',
  'true',
  '""',
  '"F8_E5M2"',
  '"F64"',
  '"BOOL"',
  '[]',
  '{}',
  '[0,0]',
  '[[0],[4]]',
  '{"dtype":"U8","shape":[],"data_offsets":[0,1]}',
  '"\\ud834"',
  '"\\u0000"',
  'NaN',
  'undefined',
  '//',
];
const LENGTHS = [0n, 1n, 7n, 8n, 99_999_999n, 100_000_001n, 2n ** 31n, 2n ** 32n, 2n ** 53n, 2n ** 63n, 2n ** 64n - 1n];

type Mutation = (file: Uint8Array, random: Random) => Uint8Array;

/** Changes the header text and announces its new length, so that the change is reached. */
function editHeader(file: Uint8Array, edit: (header: string) => string): Uint8Array {
  const announced = new DataView(file.buffer, file.byteOffset).getBigUint64(0, true);
  const length = Math.min(Number(announced), file.byteLength - 8);
  const header = new TextDecoder('latin1').decode(file.subarray(8, 8 + length));
  const edited = Uint8Array.from(edit(header), (character) => character.charCodeAt(0));
  return fileBytes(edited, file.subarray(8 + length));
}

function replaceMatch(header: string, pattern: RegExp, random: Random, replacement: string): string {
  const matches = [...header.matchAll(pattern)];
  const match = matches[random(matches.length)];
  return match === undefined ? header : header.slice(0, match.index) + replacement + header.slice(match.index + match[0].length);
}

const MUTATIONS: Record<string, Mutation> = {
  flipBits: (file, random) => {
    const copy = file.slice();
    for (let flips = 1 + random(4); flips > 0; flips--) {
      const at = random(copy.byteLength);
      copy[at] = nth(copy, at) ^ (1 << random(8));
    }
    return copy;
  },
  flipHeaderBit: (file, random) => {
    const copy = file.slice();
    const at = random(Math.min(copy.byteLength, 200));
    copy[at] = nth(copy, at) ^ (1 << random(8));
    return copy;
  },
  cut: (file, random) => file.slice(0, random(file.byteLength + 1)),
  extend: (file, random) => new Uint8Array([...file, ...counting(random(64))]),
  announceLength: (file, random) => {
    const copy = file.slice();
    new DataView(copy.buffer).setBigUint64(0, pick(random, [...LENGTHS, BigInt(random(copy.byteLength * 2))]), true);
    return copy;
  },
  number: (file, random) => editHeader(file, (header) => replaceMatch(header, /\d+/g, random, pick(random, NUMBERS))),
  value: (file, random) =>
    editHeader(file, (header) => replaceMatch(header, /"[^"]*"|\d+|\[[^\]]*\]/g, random, pick(random, VALUES))),
  remove: (file, random) => editHeader(file, (header) => replaceMatch(header, /./g, random, '')),
  insert: (file, random) =>
    editHeader(file, (header) =>
      replaceMatch(header, /./g, random, pick(random, ['{', '}', '[', ']', '"', ',', ':', '\\', '\0', 'ÿ', ...VALUES])),
    ),
  doubleKey: (file, random) => editHeader(file, (header) => replaceMatch(header, /"[^"]*":/g, random, '"dtype":"U8","dtype":')),
  renameKey: (file, random) =>
    editHeader(file, (header) =>
      replaceMatch(
        header,
        /"[^"]*"(?=:)/g,
        random,
        pick(random, ['"__proto__"', '"constructor"', '"__metadata__"', '""', '"shape"']),
      ),
    ),
  nest: (file, random) =>
    editHeader(file, (header) =>
      replaceMatch(header, /\d+|"[^"]*"/g, random, pick(random, ['[', '{"a":']).repeat(1 + random(2000))),
    ),
  swapOffsets: (file, random) =>
    editHeader(file, (header) => replaceMatch(header, /\[\d+,\d+\]/g, random, `[${random(40)},${random(40)}]`)),
  noise: (_, random) => Uint8Array.from({ length: random(200) }, () => random(256)),
  noiseHeader: (file, random) =>
    fileBytes(
      Uint8Array.from({ length: random(100) }, () => random(256)),
      file.subarray(0, random(20)),
    ),
};

const SEEDS: readonly Uint8Array[] = [
  smallFile(),
  fileBytes('{}'),
  serializeSafetensors(
    {
      a: { dtype: 'BF16', shape: [3, 2], data: counting(12) },
      b: { dtype: 'U8', shape: [5], data: counting(5) },
      c: { dtype: 'F64', shape: [], data: counting(8) },
    },
    { metadata: { format: 'pt' } },
  ),
];

/** Reads everything; returns whether the file was accepted. Any outcome but that and a FormatError fails the test. */
async function outcome(file: Uint8Array): Promise<'read' | 'refused'> {
  const source = new WatchedSource(file);
  let taken = true;
  try {
    await readAll(await openSafetensors(source));
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    if (error.message.length > 2000) throw new Error(`a message of ${error.message.length} characters`, { cause: error });
    taken = false;
  }
  const asked = source.requests.reduce((sum, length) => sum + length, 0);
  // Header and tensors do not overlap, so a strict reader requests every byte at most once.
  if (asked > file.byteLength) throw new Error(`${asked} bytes were asked for, the file has ${file.byteLength}`);
  return taken ? 'read' : 'refused';
}

describe('fuzz', () => {
  it(`${FILES} mutated files are read or refused, never anything else`, { timeout: 60_000 }, async () => {
    const names = Object.keys(MUTATIONS);
    const tally = { read: 0, refused: 0 };
    for (let seed = 0; seed < FILES; seed++) {
      const random = seeded(seed);
      let file: Uint8Array = pick(random, SEEDS).slice();
      const applied: string[] = [];
      for (let count = 1 + random(3); count > 0; count--) {
        const name = pick(random, names);
        applied.push(name);
        if (file.byteLength >= 8 || name === 'noise') file = MUTATIONS[name]?.(file, random) ?? file;
      }
      try {
        tally[await outcome(file)] += 1;
      } catch (error) {
        throw new Error(`seed ${seed} (${applied.join(', ')}): ${String(error)}`, { cause: error });
      }
    }
    // Mutations that only ever break the file, or never do, would test one path alone.
    expect(tally.read).toBeGreaterThan(FILES / 50);
    expect(tally.refused).toBeGreaterThan(FILES / 2);
    expect(tally.read + tally.refused).toBe(FILES);
  });

  it('mutated shard indices are read or refused, and open nothing outside', { timeout: 60_000 }, async () => {
    const shard = serializeSafetensors({ a: { dtype: 'U8', shape: [1], data: counting(1) } });
    const text = '{"metadata":{"total_size":1},"weight_map":{"a":"model-1.safetensors","b":"model-2.safetensors"}}';
    const inserts = ['/', '\\', '..', '%2e', ':', '\0', '{', '"', ',', '1e999', '[', '\u00e9'];
    for (let seed = 0; seed < 2000; seed++) {
      const random = seeded(seed);
      const edited = replaceMatch(text, /./g, random, pick(random, inserts))
        .replace('-2', random(2) === 0 ? '-1' : '-2')
        .replace(',"b":"model-1.safetensors"', '');
      const opened: string[] = [];
      try {
        await readSafetensorsIndex(new TextEncoder().encode(edited), async (file) => {
          opened.push(file);
          return shard;
        });
      } catch (error) {
        if (!(error instanceof FormatError)) throw new Error(`seed ${seed}: ${edited}`, { cause: error });
      }
      expect(
        opened.filter((file) => /[/\\:%\0]|^\./.test(file)),
        edited,
      ).toEqual([]);
    }
  });
});
