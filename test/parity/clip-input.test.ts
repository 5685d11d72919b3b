import { copyFile, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fixturePath } from '@mudpt/testing/files';
import { openSafetensors, writeSafetensors } from '@mudpt/tensor';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runPreprocessFile } from './preprocess.ts';
import { runTokenizerFile } from './tokenizer.ts';

const fixtures = fixturePath('');
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'parity-'));
});
afterAll(() => rm(folder, { recursive: true }));

describe('golden texts', () => {
  it('pass when all ids are equal, and fail with the texts that differ', async () => {
    const { cases } = await runTokenizerFile(join(fixtures, 'tokenizer', 'labels.json'));
    expect(cases.flatMap(({ tensors }) => tensors)).toEqual([{ tensor: 'ids', error: 0, note: undefined, passed: true }]);
    const path = join(folder, 'tokenizer.json');
    const texts = [
      { text: 'a dog', ids: [49406, 320, 1929, 49407] },
      { text: 'a cat', ids: [49406, 320, 1929, 49407] },
    ];
    await writeFile(path, JSON.stringify({ cases: texts }));
    const [verdict] = (await runTokenizerFile(path)).cases[0]?.tensors ?? [];
    expect(verdict).toMatchObject({ error: 0.5, passed: false });
    expect(verdict?.note).toBe('1 differ: "a cat" gave [49406,320,2368,49407], [49406,320,1929,49407] is expected');
  });

  it.each(['{}', '{"cases": []}', '{"cases": [{"text": "a"}]}', '{"cases": [{"text": "a", "ids": ["b"]}]}'])(
    'refuse %s',
    async (content) => {
      const path = join(folder, 'broken.json');
      await writeFile(path, content);
      await expect(runTokenizerFile(path)).rejects.toThrow(/"cases" is not a list|case 0 has no text or no ids/);
    },
  );
});

describe('golden pictures', () => {
  const golden = join(fixtures, 'preprocess', 'golden');

  it('pass when no byte differs', async () => {
    const { cases } = await runPreprocessFile(join(golden, 'expected.safetensors'));
    expect(cases).toHaveLength(10);
    for (const { tensors } of cases) expect(tensors).toEqual([{ tensor: 'pixels', error: 0, note: undefined, passed: true }]);
  });

  it('fail for one different byte, a missing picture, and a wrong shape, each by itself', async () => {
    const name = '26_49x239_anim.gif';
    await using source = await openSafetensors(join(golden, 'expected.safetensors'));
    const { shape, bytes } = await source.read(name);
    const changed = bytes.slice();
    changed[5000]! ^= 1;
    await copyFile(join(golden, name), join(folder, 'changed.gif'));
    await copyFile(join(golden, name), join(folder, 'shape.gif'));
    const path = join(folder, 'expected.safetensors');
    const images = {
      'changed.gif': { dtype: 'U8', shape, data: changed },
      'absent.gif': { dtype: 'U8', shape, data: bytes },
      'shape.gif': { dtype: 'U8', shape: [48, 192, 3], data: bytes },
    } as const;
    const sizes = JSON.stringify({ 'changed.gif': '96', 'absent.gif': '96', 'shape.gif': '96' });
    await writeSafetensors(path, images, { metadata: { sizes } });
    const { cases } = await runPreprocessFile(path);
    expect(cases.map(({ tensors }) => tensors[0]?.passed)).toEqual([false, false, false]);
    expect(cases.map(({ tensors }) => tensors[0]?.note)).toEqual([
      '1 of 27648 bytes differ, by up to 1 of 255',
      expect.stringMatching(/absent\.gif cannot be opened/),
      '[48, 192, 3] is expected for size 96',
    ]);
  });

  it('refuse a file that does not name its pictures', async () => {
    const path = join(folder, 'unnamed.safetensors');
    await writeSafetensors(
      path,
      { a: { dtype: 'U8', shape: [1], data: Uint8Array.of(1) } },
      { metadata: { sizes: '{"b": "1"}' } },
    );
    await expect(runPreprocessFile(path)).rejects.toThrow(/does not name a/);
  });
});
