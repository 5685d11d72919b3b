/** What is known of an adapter at its first use: the package's table, what was kept, and a measurement where there is neither. */
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { eachDevice } from '@mudpt/testing/support';
import { firstUse } from './device.ts';
import { tunedTableOf } from './engine/tuned-adapters.ts';
import { tuningMode } from './engine/tuner.ts';
import { FIRST_ON_CPUS, firstProblems, measureFirst } from './first-use.ts';
import { Device, InputError } from './index.ts';
import { Tuner, tuningProblems } from './internal.ts';

const H100 = { kind: 'gpu', vendor: 'nvidia', architecture: '', device: 'NVIDIA H100 80GB HBM3' } as const;

describe('tables of adapters', () => {
  it('are found by kind, vendor and architecture or name; an adapter that nobody measured has none', () => {
    expect(tunedTableOf(H100)?.['gemm']).toMatchObject({ 'kk/few/t8/k512': 'dot' });
    expect(tunedTableOf({ ...H100, device: 'NVIDIA GeForce RTX 4060', architecture: 'lovelace' })).toBeUndefined();
    expect(tunedTableOf({ ...H100, device: 'nvidia-h200' })).toBe(tunedTableOf(H100)); // as Dawn reports it
    expect(tunedTableOf({ ...H100, vendor: 'amd' })).toBeUndefined();
    expect(tunedTableOf({ ...H100, kind: 'software' })).toBeUndefined();
    // On these the rules were made by measurement.
    expect(tunedTableOf({ kind: 'lavapipe', vendor: 'mesa', architecture: 'software', device: '' })).toEqual({});
    expect(tunedTableOf({ kind: 'swiftshader', vendor: 'google', architecture: 'swiftshader', device: '' })).toEqual({});
    const rows = [{ kind: 'gpu', vendor: 'apple', architecture: 'metal-3', table: { gemm: { a: 'tile' } } }] as const;
    expect(tunedTableOf({ ...H100, vendor: 'apple', architecture: 'metal-3' }, rows)).toEqual({ gemm: { a: 'tile' } });
    expect(tunedTableOf({ ...H100, vendor: 'apple', architecture: 'common-3' }, rows)).toBeUndefined();
  });
});

describe('MUDPT_TUNING', () => {
  afterEach(() => void vi.unstubAllEnvs());

  it('is asked where the option says nothing; Node measures unless told otherwise', () => {
    vi.stubEnv('MUDPT_TUNING', '');
    expect(tuningMode(undefined)).toBe('measure');
    vi.stubEnv('MUDPT_TUNING', 'stored');
    expect(tuningMode(undefined)).toBe('stored');
    expect(tuningMode('none')).toBe('none');
    vi.stubEnv('MUDPT_TUNING', 'off');
    expect(() => tuningMode(undefined)).toThrow(/MUDPT_TUNING is "off".*Use measure, stored, none/);
    expect(() => tuningMode('sotred')).toThrow(InputError);
  });
});

eachDevice('first use', (ctx) => {
  const hooks = { ...firstUse };
  let folder = '';
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'first-use-'));
    vi.stubEnv('MUDPT_TUNING_DIR', folder);
  });
  afterEach(async () => {
    Object.assign(firstUse, hooks);
    vi.unstubAllEnvs();
    vi.restoreAllMocks();
    await rm(folder, { recursive: true });
  });

  it('measures an adapter that is neither known nor kept, once; a known one, and one that is told not to, never', async () => {
    const measured: string[] = [];
    firstUse.measure = async ({ adapter: { key } }) => {
      measured.push(key);
      await writeFile(join(folder, `${key}.json`), '{ "fill": { "flat": "short" } }');
    };
    const open = async (tuning?: 'measure' | 'stored' | 'none'): Promise<string> => {
      using device = await Device.open(tuning ? { tuning } : {});
      return device.tuner.choose('fill', ['long', 'short'], 'flat');
    };
    expect(await open()).toBe('long'); // known
    expect(measured).toEqual([]);
    firstUse.tableOf = () => undefined;
    expect(await open('stored')).toBe('long');
    expect(await open('none')).toBe('long');
    expect(measured).toEqual([]);
    await open('measure');
    expect(measured.length).toBe(1);
    expect(await open()).toBe('short'); // kept
    expect(measured.length).toBe(1);
    expect(await open('none')).toBe('long');
    firstUse.tableOf = () => ({ fill: { flat: 'long' } });
    expect(await open()).toBe('short'); // what was measured here is worth more than the package's table
    delete firstUse.tableOf;
    delete firstUse.measure;
    await rm(join(folder, (await readdir(folder))[0] as string));
    expect(await open()).toBe('long'); // a small bundle
    await expect(open('measure')).rejects.toThrow(/'measure' needs what @mudpt\/tensor\/functions leaves out/);
  });

  it('measures a handful of problems for as long as it may, and keeps what it found', async () => {
    const { device } = ctx;
    const told = vi.spyOn(console, 'warn').mockImplementation(() => undefined);
    const names = firstProblems(device).map(({ family, key }) => `${family}/${key}`);
    if (device.adapter.kind !== 'gpu') expect(names).toEqual(FIRST_ON_CPUS.filter((name) => names.includes(name)));
    expect(names.length).toBeGreaterThan(4);
    const problems = tuningProblems(device, ['fill']);
    expect(await measureFirst(device, { most: 0, problems })).toEqual([]);
    const [result] = await measureFirst(device, { problems });
    expect(result?.key).toBe('flat');
    const [file] = await readdir(folder);
    expect(file).toBe(`${device.adapter.key}.json`);
    expect(JSON.parse(await readFile(join(folder, file as string), 'utf8'))).toMatchObject({ fill: { flat: result?.chosen } });
    expect(told.mock.calls.map(([text]) => text)).toEqual(
      Array.from({ length: 2 }, () => expect.stringMatching(/^mudpt: measuring kernels on .*, once/)),
    );
    vi.stubEnv('MUDPT_TUNING_DIR', join(folder, file as string, 'no folder'));
    await measureFirst(device, { most: 0, problems });
    expect(told.mock.calls.at(-1)?.[0]).toMatch(/could not be kept, so the next run measures again: .*MUDPT_TUNING_DIR/);
    device.tuner.remember('fill', 'flat', device.adapter.kind === 'gpu' ? 'short' : 'long');
  });

  it('a table from another adapter never makes a kernel run that this one cannot', () => {
    const tuner = new Tuner();
    tuner.load(tunedTableOf(H100) ?? {});
    const choices = new Set<string>();
    for (const { family, key, candidates } of tuningProblems(ctx.device)) {
      const chosen = tuner.choose(family, candidates, key);
      expect(candidates).toContain(chosen);
      choices.add(chosen);
    }
    expect(choices.size).toBeGreaterThan(3);
  });
});
