import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { fixturePath } from '@mudpt/testing/files';
import { failureOf } from '@mudpt/testing/failure';
import { readAll } from '@mudpt/testing/safetensors';
import { toFloat32, toInt32 } from './convert.ts';
import { openSafetensors } from './safetensors.ts';

const FIXTURE = fixturePath('gather_rows.safetensors');

describe('a file written by PyTorch', () => {
  it('is read from its path, with the numbers Python reads', async () => {
    await using file = await openSafetensors(FIXTURE);
    expect(file.name).toBe(FIXTURE);
    expect(file.metadata['torch']).toBe('1.13.0a0');
    expect(file.tensors.size).toBe(10);
    expect(file.tensors.get('eot_rows.in.index')).toEqual({
      dtype: 'I32',
      shape: [5],
      begin: 8 + 1560 + 560,
      end: 8 + 1560 + 580,
    });
    const index = await file.read('eot_rows.in.index');
    expect([...toInt32(index.dtype, index.bytes)]).toEqual([4, 5, 2, 5, 1]);
    const x = await file.read('index_select_repeated.in.x');
    expect(x.shape).toEqual([5, 4]);
    expect([...toFloat32(x.dtype, x.bytes)].slice(0, 4)).toEqual([
      0.62702476978302, 0.05669211223721504, -0.5656189322471619, 1.2917855978012085,
    ]);
  });

  it('reads the same from bytes, a Buffer inside a larger one, a Blob and a File', async () => {
    const buffer = await readFile(FIXTURE);
    const shifted = Buffer.concat([Buffer.from('abc'), buffer]).subarray(3);
    const expected = await readAll(await openSafetensors(new Uint8Array(buffer).buffer));
    expect(Object.keys(expected)).toHaveLength(10);
    expect(await readAll(await openSafetensors(shifted))).toEqual(expected);
    expect(await readAll(await openSafetensors(new Blob([buffer])))).toEqual(expected);
    expect((await openSafetensors(new File([buffer], 'picked.safetensors'))).name).toBe('picked.safetensors');
  });
});

describe('paths', () => {
  it('says so when a path is not there or a folder', async () => {
    expect(String(await failureOf(() => openSafetensors('/no/such/file')))).toMatch(
      /InputError: openFile: \/no\/such\/file cannot be opened \(ENOENT/,
    );
    expect(String(await failureOf(() => openSafetensors('/')))).toContain('/ is a folder, not a file');
  });

  it('a source that was closed says so', async () => {
    const file = await openSafetensors(FIXTURE);
    await file.close();
    expect(String(await failureOf(() => file.read('eot_rows.out')))).toMatch(/cannot be read at byte \d+ \(.*closed/);
  });
});
