/** The command as the user runs it, over folders that need no device. */
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { serializeSafetensors } from '@mudpt/tensor';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { countLine, describeFile, hasPassed } from './report.ts';

const MAIN = fileURLToPath(new URL('main.ts', import.meta.url));

function parity(...args: string[]): Promise<{ code: number; out: string; err: string }> {
  return new Promise((resolve) => {
    execFile(process.execPath, ['--import', 'tsx', MAIN, ...args], { cwd: dirname(MAIN) }, (error, out, err) =>
      resolve({ code: typeof error?.code === 'number' ? error.code : 0, out, err }),
    );
  });
}

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'parity-'));
  const files: Record<string, string | Uint8Array> = {
    'README.md': 'about',
    'tokenizer.json': '{}',
    'clip_a.safetensors': serializeSafetensors({ 'clip.x': { dtype: 'U8', shape: [1], data: Uint8Array.of(1) } }),
    'coop_a.safetensors': serializeSafetensors({}, { metadata: { method: 'unheard_of' } }),
    'preprocess/picture.png': 'x',
    'preprocess/expected.safetensors': serializeSafetensors({}, { metadata: { sizes: '{}' } }),
    'weights/hf/config.json': '{}',
    'weights/hf/model.safetensors': serializeSafetensors({}),
    'ops/broken.safetensors': Uint8Array.of(1, 2, 3),
    'ops/other.bin': '',
  };
  for (const [name, content] of Object.entries(files)) {
    await mkdir(dirname(join(folder, name)), { recursive: true });
    await writeFile(join(folder, name), content);
  }
});
afterAll(() => rm(folder, { recursive: true }));

describe('pnpm parity', () => {
  it('walks a folder whole, names what it cannot run, counts it as failed, and exits 1', async () => {
    const { code, out } = await parity(folder);
    const lines = out
      .trimEnd()
      .split('\n')
      .map((line) => line.replaceAll(`${folder}/`, ''));
    expect(lines).toEqual([
      'README.md belongs to nothing: it is text',
      'clip_a.safetensors belongs to the method goldens: it holds their CLIP weights',
      'FAIL coop_a.safetensors: unsupported: the method unheard_of is not known',
      expect.stringMatching(/^FAIL ops\/broken\.safetensors: openSafetensors: .*the file has 3 bytes/),
      'FAIL ops/other.bin: unsupported: a file named other.bin: not supported yet',
      'FAIL preprocess/expected.safetensors: "sizes" does not name any image',
      'preprocess/picture.png belongs to the preprocessing golden beside it',
      'FAIL tokenizer.json: "cases" is not a list with entries',
      'weights/hf/config.json belongs to the model beside it',
      expect.stringMatching(
        /^FAIL weights\/hf\/model\.safetensors: openWeights: .*of its 0 tensors .*none is named like a CLIP's/,
      ),
      '0 passed, 6 failed',
    ]);
    expect(code).toBe(1);
  });

  it('a file that is no golden fails when it is asked for by name', async () => {
    const { code, out } = await parity(join(folder, 'clip_a.safetensors'));
    expect(out).toMatch(/^FAIL .*clip_a\.safetensors: is no golden by itself/);
    expect(out).toMatch(/\n0 passed, 1 failed\n$/);
    expect(code).toBe(1);
  });

  it('a folder without goldens does not pass', async () => {
    const empty = join(folder, 'empty');
    await mkdir(empty);
    expect(await parity(empty)).toMatchObject({ code: 1, out: '0 passed, 0 failed\n' });
    await rm(empty, { recursive: true });
  });

  it('explains itself, and tells a path that is not there', async () => {
    expect(await parity()).toMatchObject({ code: 2, err: expect.stringContaining('usage: pnpm parity FILE-or-FOLDER') });
    expect(await parity('--help')).toMatchObject({ code: 0 });
    expect(await parity('--fast', folder)).toMatchObject({ code: 2 });
    expect(await parity('/no/such/folder')).toMatchObject({ code: 2, err: expect.stringContaining('ENOENT') });
  });
});

describe('report', () => {
  const good = { tensor: 'out', error: 1.5e-7, passed: true, note: undefined };
  const bad = { tensor: 'grad.x', error: undefined, passed: false, note: 'gradients are not supported yet' };

  it('prints every tensor, the verdict and the count', () => {
    const passed = { path: 'a', cases: [{ name: '3x5', tensors: [good] }] };
    const failed = { path: 'b', cases: [{ name: '3x5', tensors: [good, bad, { ...bad, tensor: 'grad.w' }] }] };
    expect(describeFile(passed)).toEqual(['  3x5: out 1.5e-7', 'PASS a: 1 cases, 1 tensors, largest relative error 1.5e-7']);
    expect(describeFile(failed)).toEqual([
      '  3x5: out 1.5e-7, grad.x - FAILED, grad.w - FAILED',
      '      grad.x, grad.w: gradients are not supported yet',
      'FAIL b: 1 cases, 3 tensors, 2 failed, largest relative error 1.5e-7',
    ]);
    expect(countLine([passed, failed, passed])).toBe('2 passed, 1 failed');
  });

  it('nothing compared is not a pass', () => {
    expect(hasPassed({ path: 'a', cases: [] })).toBe(false);
    expect(hasPassed({ path: 'a', cases: [{ name: 'x', tensors: [] }] })).toBe(false);
    expect(hasPassed({ path: 'a', cases: [{ name: 'x', tensors: [good] }], problem: 'broken' })).toBe(false);
  });
});
