import { mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { loadTuning, saveTuning, Tuner } from './tuner.ts';

describe('stored tuning', () => {
  afterEach(() => void vi.unstubAllEnvs());

  it('keeps choices between runs and refuses a spoilt file', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'tuning-'));
    vi.stubEnv('MUDPT_TUNING_DIR', folder);
    const tuner = new Tuner();
    await loadTuning(tuner, 'nothing-yet');
    tuner.remember('gemm', 'NT/large', 'tile');
    const file = await saveTuning(tuner, 'adapter-1');
    expect(JSON.parse(await readFile(file, 'utf8'))).toEqual({ gemm: { 'NT/large': 'tile' } });
    const other = new Tuner();
    await loadTuning(other, 'adapter-1');
    expect(other.choose('gemm', ['plain', 'tile'], 'NT/large')).toBe('tile');
    await writeFile(file, '{"gemm": 3}');
    await expect(loadTuning(other, 'adapter-1')).rejects.toThrow(/no variants for "gemm"/);
    await writeFile(file, '{');
    await expect(loadTuning(other, 'adapter-1')).rejects.toThrow(/not JSON/);
  });
});
