/** 10,000 mutated files: each loads or is refused by name; none crashes, hangs, leaves a source open, or takes more memory than its size. */
import { describe, expect, it } from 'vitest';
import { pick, type Random, seeded } from '@mudpt/testing/fuzz';
import { type ByteSource, memorySource, serializeSafetensors, TensorError, type TensorToWrite } from '@mudpt/tensor';
import { fixture, readAll, TINY_CONFIG, tinyWeights, written } from '@mudpt/testing/weights/models';
import { openClipConfig } from '@mudpt/testing/weights/formats';
import { torchBytes } from '@mudpt/testing/weights/torch-writer';
import { openArchive } from './archive.ts';
import { openWeights, type OpenWeightsOptions } from '../open.ts';
import { unpickle } from './pickle.ts';
import { serializeHuggingFace } from '../save.ts';
import { findStateDict } from './state-dict.ts';
import { torchNames } from './torch-globals.ts';

/** One change of some bytes from `begin` to `end`. */
type Mutation = (bytes: Uint8Array, random: Random, begin: number, end: number) => Uint8Array;

const splice = (bytes: Uint8Array, at: number, remove: number, insert: Uint8Array): Uint8Array => {
  const result = new Uint8Array(bytes.byteLength - remove + insert.byteLength);
  result.set(bytes.subarray(0, at));
  result.set(insert, at);
  result.set(bytes.subarray(at + remove), at + insert.byteLength);
  return result;
};

const ODD_NUMBERS = [0, 1, 0x7f, 0x80, 0xff, 0x7fff, 0xffff, 0x7fffffff, 0x80000000, 0xfffffffe, 0xffffffff];
const u32 = (value: number) => new Uint8Array(Uint32Array.of(value).buffer);
const ascii = (text: string) => new TextEncoder().encode(text);
/** Hostile names, calls, long texts, long numbers, deep nesting, attributes of lists. */
const PICKLED = [
  'cos\nsystem\n',
  'cbuiltins\neval\n',
  'ctorch\nload\n',
  'c__torch__.x\nY\n',
  'ccollections\nOrderedDict\n)R',
  ')R',
  '}b',
  ']}(\x8a\x04\xfe\xff\xff\xffNub',
  '(((((((((((((((((((((((((((((',
  'tttttt',
  'X\xff\xff\xff\x7f',
  '\x8d\xff\xff\xff\xff\xff\xff\xff\xff',
  '\x8b\xff\xff\xff\x7f',
  '\x8a\xff',
  'B\xff\xff\xff\x7f',
  '\x96\xff\xff\xff\xff\x00\x00\x00\x00',
  'h\x00h\x00\x86q\x00',
  'Q',
  '\x81',
  'q\x00',
  '.',
].map((text) => Uint8Array.from(text, (character) => character.charCodeAt(0)));

const MUTATIONS: readonly Mutation[] = [
  (bytes, random, begin, end) => {
    const copy = bytes.slice();
    for (let flips = 1 + random(3); flips > 0; flips -= 1) {
      const at = begin + random(end - begin);
      copy[at]! ^= 1 << random(8);
    }
    return copy;
  },
  (bytes, random, begin, end) => splice(bytes, begin + random(end - begin), 0, Uint8Array.of(random(256))),
  (bytes, random, begin, end) => splice(bytes, begin + random(end - begin), 1, new Uint8Array(0)),
  (bytes, random, begin, end) => {
    const at = begin + random(Math.max(1, end - begin - 4));
    return splice(bytes, at, Math.min(4, bytes.byteLength - at), u32(pick(random, ODD_NUMBERS)));
  },
  (bytes, random, begin, end) => {
    const [from, at] = [begin + random(end - begin), begin + random(end - begin)];
    return splice(bytes, at, 0, bytes.slice(from, Math.min(end, from + random(200))));
  },
  (bytes, random, begin, end) => {
    const from = begin + random(end - begin);
    return splice(bytes, from, Math.min(random(100), bytes.byteLength - from), new Uint8Array(0));
  },
];
const insertPickled: Mutation = (bytes, random, begin, end) =>
  splice(bytes, begin + random(end - begin), 0, pick(random, PICKLED));
const cut: Mutation = (bytes, random) => bytes.slice(0, random(bytes.byteLength));

const LIMIT_MS = 5000;

/** Fails unless `attempt` succeeds or refuses by one of our errors, soon. */
async function outcome(seed: number, attempt: () => Promise<void> | void): Promise<'read' | 'refused'> {
  const start = performance.now();
  let verdict: 'read' | 'refused' = 'read';
  try {
    await attempt();
  } catch (error) {
    if (!(error instanceof TensorError) || error.message.length > 20_000)
      throw new Error(`seed ${seed}: ${String(error)}`, { cause: error });
    verdict = 'refused';
  }
  const took = performance.now() - start;
  if (took > LIMIT_MS) throw new Error(`seed ${seed} took ${took} ms`);
  return verdict;
}

/** Counts, so that a fuzz that only ever breaks (or never does) is noticed. */
async function many(
  count: number,
  run: (seed: number) => Promise<'read' | 'refused'>,
): Promise<{ read: number; refused: number }> {
  const tally = { read: 0, refused: 0 };
  for (let seed = 0; seed < count; seed += 1) tally[await run(seed)] += 1;
  return tally;
}

/** Opens files in memory as a folder, reads every weight, and checks what that took. */
async function load(files: Readonly<Record<string, Uint8Array>>, options: OpenWeightsOptions = {}): Promise<void> {
  let [open, asked, largest] = [0, 0, 0];
  const size = Object.values(files).reduce((sum, { byteLength }) => sum + byteLength, 0);
  const watch = (name: string, bytes: Uint8Array): ByteSource => {
    const source = memorySource(bytes, name);
    open += 1;
    const read = async (offset: number, length: number) => {
      asked += length;
      largest = Math.max(largest, length);
      return source.read(offset, length);
    };
    return { name, size: source.size, read, close: async () => void (open -= 1) };
  };
  const opened = {
    name: 'folder',
    names: Object.keys(files),
    open: async (name: string) => {
      const bytes = files[name];
      if (!bytes) throw new TensorError('open', `there is no ${name}`, 'fetch it');
      return watch(name, bytes);
    },
  };
  const readThrough = async (): Promise<void> => {
    const source = await openWeights(opened, options);
    try {
      let held = 0;
      for (const { data } of (await readAll(source)).values()) held += data.byteLength;
      // Whatever the dtype, a number becomes four bytes at most; and none is read twice.
      expect(held).toBeLessThanOrEqual(4 * size);
    } finally {
      await source.close();
    }
  };
  const failure = await readThrough().then(
    () => undefined,
    (error: unknown) => error,
  );
  if (open !== 0) throw new Error(`${open} sources were left open`);
  // The directory of an archive is looked for from its end, some times over.
  if (largest > size || asked > 100 * size) throw new Error(`${asked} bytes were asked for, ${largest} at once, of ${size}`);
  if (failure !== undefined) throw failure;
}

const archives = [
  await torchBytes(written(tinyWeights())),
  await torchBytes(written(tinyWeights()), { script: true }),
  await torchBytes(written(tinyWeights()), { nested: 'state_dict', prefix: 'module.' }),
];

describe('fuzz', { timeout: 120_000 }, () => {
  it('4000 pickles', async () => {
    const pickles: Uint8Array[] = [];
    for (const bytes of [...archives, await fixture('checkpoint-f16.pt'), await fixture('torchscript-f16.pt')]) {
      const archive = await openArchive(memorySource(bytes));
      const entry = [...archive.entries.keys()].find((name) => name.endsWith('data.pkl')) ?? '';
      pickles.push((await archive.read(entry)).slice());
    }
    const tally = await many(4000, (seed) => {
      const random = seeded(seed);
      let bytes = pick(random, pickles);
      for (let count = 1 + random(2); count > 0 && bytes.byteLength > 0; count -= 1)
        bytes = pick(random, [...MUTATIONS, insertPickled, insertPickled, cut])(bytes, random, 0, bytes.byteLength);
      return outcome(seed, () => void findStateDict(unpickle(bytes, 'fuzz', torchNames(random(2) === 0)), 'fuzz'));
    });
    expect(tally.read).toBeGreaterThan(50);
    expect(tally.refused).toBeGreaterThan(2000);
  });

  it('3000 archives', async () => {
    const tally = await many(3000, (seed) => {
      const random = seeded(seed);
      let bytes: Uint8Array = pick(random, archives);
      const directory = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).indexOf('PK\x01\x02');
      for (let count = 1 + random(2); count > 0 && bytes.byteLength > 4; count -= 1) {
        // The pickle comes first, the directory last; between them lie numbers, of which all values are fine.
        const [begin, end] = pick(random, [
          [0, Math.min(3000, bytes.byteLength)],
          [Math.min(directory, bytes.byteLength - 1), bytes.byteLength],
          [Math.max(0, bytes.byteLength - 40), bytes.byteLength],
          [0, bytes.byteLength],
        ] as const);
        bytes = pick(random, [...MUTATIONS, insertPickled, cut])(bytes, random, begin, end);
      }
      return outcome(seed, () => load({ 'model.pt': bytes }, { config: TINY_CONFIG, onExtra: 'ignore' }));
    });
    expect(tally.read).toBeGreaterThan(100);
    expect(tally.refused).toBeGreaterThan(1500);
  });

  it('3000 folders of Hugging Face and open_clip', async () => {
    const source = await openWeights(archives[0] ?? new Uint8Array(), { config: TINY_CONFIG });
    const whole = await serializeHuggingFace(source);
    const tensors: Record<string, TensorToWrite> = {};
    for (const [name, { shape, data }] of await readAll(source)) tensors[name] = { dtype: 'F32', shape, data };
    const folders: readonly Readonly<Record<string, Uint8Array>>[] = [
      whole,
      whole,
      {
        'open_clip_model.safetensors': serializeSafetensors(tensors),
        'open_clip_config.json': ascii(JSON.stringify(openClipConfig(TINY_CONFIG))),
      },
      {
        'config.json': whole['config.json'] ?? new Uint8Array(),
        'model.safetensors.index.json': ascii(
          JSON.stringify({
            weight_map: Object.fromEntries(huggingFaceNames(whole).map((name) => [name, 'model-1.safetensors'])),
          }),
        ),
        'model-1.safetensors': whole['model.safetensors'] ?? new Uint8Array(),
      },
    ];
    // Unchanged, every one of them loads.
    for (const files of folders) await load(files);
    const tally = await many(3000, (seed) => {
      const random = seeded(seed);
      const files = { ...pick(random, folders) };
      for (let count = 1 + random(2); count > 0; count -= 1) {
        const name = pick(random, Object.keys(files));
        const bytes = files[name] ?? new Uint8Array();
        const header = name.endsWith('.safetensors') ? Math.min(8 + 6000, bytes.byteLength) : bytes.byteLength;
        const mutation = pick(random, [...MUTATIONS, editJson, editJson, editJson, editJson, cut]);
        if (bytes.byteLength > 0) files[name] = mutation(bytes, random, 0, header);
      }
      return outcome(seed, () => load(files));
    });
    expect(tally.read).toBeGreaterThan(100);
    expect(tally.refused).toBeGreaterThan(1500);
  });
});

function huggingFaceNames(files: Readonly<Record<string, Uint8Array>>): string[] {
  const bytes = files['model.safetensors'] ?? new Uint8Array(8);
  const length = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true);
  return Object.keys(JSON.parse(new TextDecoder().decode(bytes.subarray(8, 8 + length))) as object).filter(
    (name) => name !== '__metadata__',
  );
}

const VALUES = [
  '-1',
  '0',
  '1',
  '2',
  '1e9',
  '1e308',
  '4294967296',
  '9007199254740991',
  '0.5',
  'null',
  'true',
  '""',
  '"gelu"',
  '[]',
  '{}',
  '[1,1,1]',
  'NaN',
  '"__proto__"',
];

/** Replaces one value of the JSON text, and in a safetensors file announces the new length, so that the change is reached. */
const editJson: Mutation = (bytes, random) => {
  const isJson = bytes[0] === 0x7b;
  const length = isJson
    ? bytes.byteLength
    : Math.min(new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true), bytes.byteLength - 8);
  const start = isJson ? 0 : 8;
  if (length < 0) return bytes;
  const text = new TextDecoder('latin1').decode(bytes.subarray(start, start + length));
  const matches = [...text.matchAll(/-?\d+(\.\d+)?|"[^"]*"|true|null/g)];
  const match = matches[random(matches.length)];
  if (!match) return bytes;
  const edited = ascii(text.slice(0, match.index) + pick(random, VALUES) + text.slice(match.index + match[0].length));
  const result = splice(bytes, start, length, edited);
  if (!isJson) new DataView(result.buffer).setUint32(0, edited.byteLength, true);
  return result;
};
