import { copyFile, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openSafetensors, type TensorToWrite, toFloat32, writeSafetensors } from '@mudpt/tensor';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { fixturePath } from '@mudpt/testing/files';
import { eachDevice } from '@mudpt/testing/support';
import { hasPassed } from '../report.ts';
import type { MethodRunner } from './case.ts';
import { METHOD_NAMES, runnerOf } from './registry.ts';
import { runMethodFile } from './run.ts';

const FIXTURES = fixturePath('methods/');

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'methods-'));
});
afterAll(() => rm(folder, { recursive: true }));

/** A copy of a fixture with one number changed and one tensor nobody computes. */
async function spoiled(name: string, changed: string): Promise<string> {
  await copyFile(join(FIXTURES, 'clip_a.safetensors'), join(folder, 'clip_a.safetensors'));
  await using file = await openSafetensors(join(FIXTURES, name));
  const tensors: Record<string, TensorToWrite> = {
    'expect.unknown': { dtype: 'F32', shape: [1], data: Float32Array.of(1) },
  };
  for (const tensor of file.tensors.keys()) {
    const { dtype, shape, bytes } = await file.read(tensor);
    const data = tensor === changed ? toFloat32(dtype, bytes).map((value, i) => (i === 0 ? value + 0.01 : value)) : bytes;
    tensors[tensor] = { dtype, shape, data };
  }
  await writeSafetensors(join(folder, name), tensors, { metadata: { ...file.metadata } });
  return join(folder, name);
}

eachDevice('method goldens', (ctx) => {
  const open = () => Promise.resolve(ctx.device);

  it('all fixtures pass', async () => {
    const names = (await readdir(FIXTURES)).filter((name) => name !== 'clip_a.safetensors');
    const tried = new Set<MethodRunner | undefined>();
    for (const name of names) {
      await using file = await openSafetensors(join(FIXTURES, name));
      const result = await runMethodFile(join(FIXTURES, name), file.metadata['method'] ?? '', open);
      expect(
        result.cases[0]?.tensors.filter(({ passed }) => !passed),
        name,
      ).toEqual([]);
      expect(hasPassed(result), name).toBe(true);
      tried.add(runnerOf(file.metadata['method'] ?? ''));
    }
    expect(METHOD_NAMES.filter((name) => !tried.has(runnerOf(name)))).toEqual([]);
  });

  it('a number that is off, and a tensor that nothing computes, fail by name', async () => {
    const path = await spoiled('zeroshot_ensemble_a.safetensors', 'expect.logits');
    const { cases } = await runMethodFile(path, 'zeroshot_ensemble', open);
    const failed = cases[0]?.tensors.filter(({ passed }) => !passed) ?? [];
    expect(failed.map(({ tensor }) => tensor).sort()).toEqual(['expect.logits', 'expect.unknown']);
    expect(failed.find(({ tensor }) => tensor === 'expect.unknown')?.note).toBe('was not computed');
  });

  it('a method nobody knows is unsupported before a device is opened', async () => {
    const noDevice = () => Promise.reject(new Error('opened'));
    await expect(runMethodFile('x', 'unheard_of', noDevice)).rejects.toThrow('the method unheard_of is not known');
  });
});
