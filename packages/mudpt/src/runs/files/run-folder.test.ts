import { appendFile, readFile, symlink } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { put, temporaryFolder } from '@mudpt/testing/files';
import { resolveConfig } from '../settings/config.ts';
import type { MetricsLine } from '../../train/metrics-line.ts';
import { RunFolder } from './run-folder.ts';
import { sealText, YAML_SEAL } from './sealed.ts';

const step = (number: number): MetricsLine => ({
  kind: 'step',
  epoch: 0,
  step: number,
  loss: 1,
  accuracy: 50,
  lr: 0.1,
  imagesPerSecond: 3,
  bytes: 4,
});

describe('RunFolder', () => {
  it('keeps a configuration as YAML, and says when somebody broke it', async () => {
    await using at = await temporaryFolder();
    const folder = new RunFolder(join(at.path, 'a', 'b'));
    await folder.create();
    const config = resolveConfig({ method: 'coop', template: 'a {}: "quoted"' });
    await folder.writeConfig(config);
    expect(await folder.readConfig()).toEqual(config);
    await put(folder.file('config'), 'shots: [1');
    await expect(folder.readConfig()).rejects.toThrow(/config\.yaml is not what was written/);
    await put(folder.file('config'), sealText('shots: [1\n', YAML_SEAL));
    await expect(folder.readConfig()).rejects.toThrow(/config\.yaml is no YAML/);
    await put(folder.file('config'), sealText('shots: many\n', YAML_SEAL));
    await expect(folder.readConfig()).rejects.toThrow(/config\.yaml: shots/);
    await expect(new RunFolder(at.path).readConfig()).rejects.toThrow(/cannot be read.*folder of a run/s);
  });

  it('appends metrics, cuts them, and leaves out a line that a crash cut', async () => {
    await using at = await temporaryFolder();
    const folder = new RunFolder(at.path);
    await folder.create();
    const bytes = await folder.metrics.append([step(0), step(1)]);
    await folder.metrics.append([step(2)]);
    await appendFile(folder.file('metrics'), '{"kind":"st');
    expect((await folder.metrics.read()).map((line) => line.kind === 'step' && line.step)).toEqual([0, 1, 2]);
    await folder.metrics.cut(bytes);
    expect(await folder.metrics.read()).toEqual([step(0), step(1)]);
  });

  it('writes results for spreadsheets, quoting what needs it', async () => {
    await using at = await temporaryFolder();
    const folder = new RunFolder(at.path);
    const metrics = { count: 8, correct: 6, accuracy: 75, error: 25, macroF1: 70.5, perClass: [], confusion: [] };
    const evaluation = { what: 'tuned', data: 'cats, dogs', split: 'test', classes: 'all', metrics, time: 'T' } as const;
    const calibration = { ece: 3.125, adaptiveEce: 2, bins: [] };
    const measured = { ...evaluation, metrics: { ...metrics, balancedAccuracy: 72.25, calibration } };
    const summary = { evaluations: [measured, evaluation], model: { name: 'm' }, method: { name: 'coop' } };
    await folder.writeResults(summary as never, resolveConfig({ method: 'coop', seed: 2 }));
    expect((await readFile(folder.file('results'), 'utf8')).split('\n')).toEqual([
      'time,data,split,classes,method,model,shots,seed,what,pictures,accuracy,error,macro_f1,balanced_accuracy,ece,adaptive_ece',
      'T,"cats, dogs",test,all,coop,m,16,2,tuned,8,75.0000,25.0000,70.5000,72.2500,3.1250,2.0000',
      // Of an earlier version.
      'T,"cats, dogs",test,all,coop,m,16,2,tuned,8,75.0000,25.0000,70.5000,,,',
      '',
    ]);
  });

  it('says why it cannot be written', async () => {
    await using at = await temporaryFolder();
    await put(join(at.path, 'file'), '');
    await expect(new RunFolder(join(at.path, 'file', 'run')).create()).rejects.toThrow(/cannot be written.*--out/s);
  });

  it.skipIf(!existsSync('/dev/full'))('says so when the disk is full', async () => {
    await using at = await temporaryFolder();
    const folder = new RunFolder(at.path);
    await symlink('/dev/full', folder.file('metrics'));
    await expect(folder.metrics.append([step(0)])).rejects.toThrow(/ENOSPC.*resume the run/is);
  });
});
