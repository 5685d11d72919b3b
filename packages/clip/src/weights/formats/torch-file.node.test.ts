import { createRequire } from 'node:module';
import { Uint8ArrayReader, Uint8ArrayWriter, ZipWriter } from '@zip.js/zip.js';
import { describe, expect, it } from 'vitest';
import { FormatError, memorySource, toFloat32 } from '@mudpt/tensor';
import { failureOf } from '@mudpt/testing/failure';
import { fixture } from '@mudpt/testing/weights/models';
import { type Picklable, pickle } from '@mudpt/testing/weights/pickles';
import { torchBytes } from '@mudpt/testing/weights/torch-writer';
import { openArchive } from './archive.ts';
import { openTorch } from './torch-file.ts';

type Entries = Readonly<Record<string, Uint8Array | string>>;

async function zip(entries: Entries, level = 0): Promise<Uint8Array<ArrayBuffer>> {
  const writer = new ZipWriter(new Uint8ArrayWriter(), { level });
  for (const [name, content] of Object.entries(entries))
    await writer.add(name, new Uint8ArrayReader(typeof content === 'string' ? new TextEncoder().encode(content) : content));
  return writer.close();
}

const open = (bytes: Uint8Array) => openTorch(memorySource(bytes, 'test.pt'));

type View = { offset?: number; shape: readonly number[]; strides: readonly number[]; count?: number; type?: string };

/** An archive of one storage with the floats 0, 1, 2, ... and one tensor in it. */
async function archiveOf(
  { offset = 0, shape, strides, count = 12, type = 'FloatStorage' }: View,
  stored = count,
): Promise<Uint8Array> {
  const storage: Picklable = {
    global: ['', ''],
    persistent: ['storage', { global: ['torch', type], bare: true }, '0', 'cpu', count],
  };
  const tensor: Picklable = {
    global: ['torch._utils', '_rebuild_tensor_v2'],
    args: [storage, offset, shape, strides, false, []],
  };
  return zip({
    'a/data.pkl': pickle(new Map([['w', tensor]])),
    'a/data/0': new Uint8Array(Float32Array.from({ length: stored }, (_, i) => i).buffer),
  });
}

describe('views of storages', () => {
  it.each<[string, View, readonly number[]]>([
    ['contiguous', { offset: 2, shape: [2, 2], strides: [2, 1] }, [2, 3, 4, 5]],
    ['transposed', { shape: [3, 4], strides: [1, 3] }, [0, 3, 6, 9, 1, 4, 7, 10, 2, 5, 8, 11]],
    ['with gaps', { offset: 1, shape: [2, 2, 1], strides: [6, 2, 99] }, [1, 3, 7, 9]],
    ['repeated', { shape: [2, 3], strides: [0, 1] }, [0, 1, 2, 0, 1, 2]],
    ['one number for all', { offset: 3, shape: [2, 9], strides: [0, 0] }, Array.from({ length: 18 }, () => 3)],
    ['scalar', { offset: 11, shape: [], strides: [] }, [11]],
    ['empty', { shape: [0, 4], strides: [4, 1] }, []],
  ])('%s', async (_, view, values) => {
    const file = await open(await archiveOf(view));
    const { dtype, shape, bytes } = await file.read('w');
    expect([...toFloat32(dtype, bytes)]).toEqual(values);
    expect(shape).toEqual(view.shape);
  });

  it.each<[string, View, string]>([
    ['beyond its storage', { offset: 9, shape: [2, 2], strides: [2, 1] }, 'reaches beyond its storage of 12 numbers'],
    ['of a stride beyond it', { shape: [2, 2], strides: [12, 1] }, 'reaches beyond its storage'],
    [
      'that repeats a number without end',
      { shape: [1_000_000, 1_000_000], strides: [0, 0] },
      'repeats a storage of 12 numbers too often',
    ],
    ['of more numbers than can be counted', { shape: [2 ** 30, 2 ** 30], strides: [2 ** 30, 1] }, 'reaches beyond its storage'],
  ])('%s is refused', async (_, view, says) => {
    expect(String(await failureOf(async () => open(await archiveOf(view))))).toContain(says);
  });

  it('a storage with fewer bytes than it claims is refused', async () => {
    const error = await failureOf(async () => open(await archiveOf({ shape: [12], strides: [1] }, 11)));
    expect(error.message).toContain('lies in a storage of 12 numbers (F32), for which 44 bytes are there');
  });
});

describe('archives', () => {
  const data = { 'a/data.pkl': pickle(new Map([['w', 1]])) };
  it.each<[string, () => Promise<Uint8Array>, string]>([
    ['without data.pkl', () => zip({ 'a/other.pkl': 'x' }), 'has one data.pkl, this zip archive has 0'],
    ['with two', () => zip({ ...data, 'b/data.pkl': 'x' }), 'this zip archive has 2'],
    ['of a big-endian machine', () => zip({ ...data, 'a/byteorder': 'big' }), 'its numbers are "big"-endian'],
    ['that are compressed', () => zip({ 'a/data.pkl': 'x'.repeat(1000) }, 9), 'its entry "a/data.pkl" is compressed'],
    ['without a dict of tensors', () => zip(data), 'the checkpoint holds none'],
    ['cut short', async () => (await zip(data)).slice(0, -5), 'the zip archive cannot be read'],
  ])('%s are refused', async (_, bytes, says) => {
    const error = await failureOf(async () => open(await bytes()));
    expect(error).toBeInstanceOf(FormatError);
    expect(error.message).toContain(says);
  });

  it('close their source when they are refused, and when they are closed', async () => {
    let closed = 0;
    const watched = (bytes: Uint8Array) => ({ ...memorySource(bytes), close: async () => void (closed += 1) });
    await failureOf(async () => openTorch(watched(await zip(data))));
    expect(closed).toBe(1);
    const file = await openTorch(watched(await archiveOf({ shape: [1], strides: [1] })));
    await file.close();
    expect(closed).toBe(2);
  });

  it('a byte that is wrong is noticed, whether all of an entry is read or a part', async () => {
    const whole = await zip({ 'a/b': 'x'.repeat(40) });
    const at = Buffer.from(whole.buffer).indexOf('xxxx');
    whole[at + 30] = 0x79;
    for (const range of [[], [3, 2]] as const) {
      const archive = await openArchive(memorySource(whole, 'test.pt'));
      const error = await failureOf(() => archive.read('a/b', ...range));
      expect(error).toBeInstanceOf(FormatError);
      expect(error.message).toMatch(/its entry "a\/b" is damaged: its CRC-32 is [0-9a-f]{8}, the archive says [0-9a-f]{8}/);
    }
  });

  it('entries are read by ranges, and only what lies in them', async () => {
    const archive = await openArchive(memorySource(await zip({ 'a/b': 'hello', 'a/c': '' })));
    expect(new TextDecoder().decode(await archive.read('a/b', 1, 3))).toBe('ell');
    expect((await archive.read('a/c')).byteLength).toBe(0);
    expect(String(await failureOf(() => archive.read('a/b', 3, 3)))).toContain('bytes 3 to 6 of "a/b" were asked for, it has 5');
    expect(String(await failureOf(() => archive.read('a/d')))).toContain('no entry "a/d"');
  });
});

describe('checkpoints', () => {
  const one = (name: string) => new Map([[name, { shape: [1], dtype: 'f32', data: async () => Float32Array.of(1) }]] as const);
  it('the usual keys come first, else the only dict of tensors', async () => {
    expect([...(await open(await torchBytes(one('w'), { nested: 'net' }))).tensors.keys()]).toEqual(['w']);
    const several = (first: string, second: string) => {
      const storage: Picklable = {
        global: ['', ''],
        persistent: ['storage', { global: ['torch', 'FloatStorage'], bare: true }, '0', 'cpu', 1],
      };
      const tensor: Picklable = { global: ['torch._utils', '_rebuild_tensor_v2'], args: [storage, 0, [1], [1], false, []] };
      const root = new Map([first, second].map((key) => [key, new Map([[`${key}.w`, tensor]])]));
      return zip({ 'a/data.pkl': pickle(root), 'a/data/0': new Uint8Array(4) });
    };
    expect([...(await open(await several('ema', 'state_dict'))).tensors.keys()]).toEqual(['state_dict.w']);
    expect(String(await failureOf(async () => open(await several('ema', 'net'))))).toContain('holds several: ema, net');
  });

  it.each([2, 4])('what training scripts save beside the weights is passed over (pickle protocol %i)', async (protocol) => {
    const file = await open(await fixture(`training-p${protocol}.pt`));
    const found = new Map<string, readonly number[]>();
    for (const name of file.tensors.keys()) {
      const { dtype, bytes } = await file.read(name);
      found.set(name, [...toFloat32(dtype, bytes)]);
    }
    expect([...found]).toEqual([
      ['visual.conv1.weight', Array.from({ length: 12 }, (_, at) => at)],
      ['visual.ln_pre.bias', [0.5, 0.5, 0.5, 0.5]],
      ['token_embedding.weight', [1, 1, 1, 1]],
    ]);
  });

  it("a CLIP's tensors are found wherever they lie", async () => {
    const storage: Picklable = {
      global: ['', ''],
      persistent: ['storage', { global: ['torch', 'FloatStorage'], bare: true }, '0', 'cpu', 1],
    };
    const tensor: Picklable = { global: ['torch._utils', '_rebuild_tensor_v2'], args: [storage, 0, [1], [1], false, []] };
    const clip = (name: string): Picklable => new Map([[`${name}.visual.conv1.weight`, tensor]]);
    const dict = (items: Readonly<Record<string, Picklable>>): Picklable => new Map(Object.entries(items));
    const names = async (root: Picklable): Promise<readonly string[]> => {
      const bytes = await zip({ 'a/data.pkl': pickle(root), 'a/data/0': new Uint8Array(4) });
      return [...(await open(bytes)).tensors.keys()].map((name) => name.slice(0, -'.visual.conv1.weight'.length));
    };
    expect(await names(dict({ loss: tensor, model: dict({ state_dict: clip('a'), epoch: 1 }) }))).toEqual(['a']);
    expect(await names([3, clip('a'), dict({ loss: tensor })])).toEqual(['a']);
    expect(await names(dict({ ema: clip('b'), model: dict({ state_dict: clip('a') }) }))).toEqual(['a']);
    expect(await names(dict({ module: clip('b'), state_dict: clip('a') }))).toEqual(['a']);
    expect(await names(dict({ loss: tensor, deep: [dict({ x: [clip('a')] })] }))).toEqual(['a']);
    expect(String(await failureOf(() => names([clip('a'), clip('b')])))).toContain('holds several: 0, 1');
    expect(String(await failureOf(() => names(dict({ net: clip('a'), ema: dict({ state_dict: clip('b') }) }))))).toContain(
      'holds several: net, ema.state_dict',
    );
  });

  it('another unpickler sees the same tensors in the files of PyTorch', async () => {
    // pickleparser is trusted with our own fixtures only (see pickle.ts).
    const { Parser } = createRequire(import.meta.url)('pickleparser') as typeof import('pickleparser');
    for (const name of ['state-dict-f32.pt', 'checkpoint-f16.pt']) {
      const bytes = await fixture(name);
      const archive = await openArchive(memorySource(bytes));
      const entry = [...archive.entries.keys()].find((key) => key.endsWith('data.pkl')) ?? '';
      const tuples = new Parser({
        nameResolver: {
          resolve:
            (module, global) =>
            (...args: unknown[]) =>
              global === 'OrderedDict' ? {} : [module, global, ...args],
        },
        persistentResolver: { resolve: (id) => id },
      }).parse<Record<string, unknown>>(await archive.read(entry));
      // It keeps an attribute of the OrderedDict as one of its items.
      const { _metadata, ...dict } = (tuples['state_dict'] ?? tuples) as Record<string, readonly unknown[]>;
      const file = await open(bytes);
      expect(Object.keys(dict)).toEqual([...file.tensors.keys()]);
      for (const [key, tuple] of Object.entries(dict))
        expect(file.tensors.get(key)).toMatchObject({ shape: tuple[4], strides: tuple[5] });
    }
  });
});
