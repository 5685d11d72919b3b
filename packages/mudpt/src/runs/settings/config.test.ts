import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { methodNames } from '../../methods/index.ts';
import { resolveConfig, runName } from './config.ts';
import { identity } from './identity.ts';
import type { RunInput } from './settings.ts';

describe('resolveConfig', () => {
  it("fills in the method's published settings", () => {
    const config = resolveConfig({ model: 'elsewhere' });
    expect(config).toMatchObject({ data: 'icons', method: 'mudpt', shots: 16, seed: 1 });
    expect(config.settings).toMatchObject({ length: 2, depth: 9, injection: 'transformer' });
    expect(config.training).toMatchObject({ lr: 0.0025, epochs: 10, batchSize: 4, momentum: 0.9, weightDecay: 5e-4 });
  });

  it('gives methods the strengths that were found on the embedded model, unless others are asked for', () => {
    const scale = (input: RunInput): unknown => (resolveConfig({ method: 'mma', ...input }).settings as { scale: number }).scale;
    expect([scale({}), scale({ model: 'elsewhere' }), scale({ settings: { scale: 0.1 } })]).toEqual([0.01, 0.001, 0.1]);
  });
  it('trains on the embedded model with settings made for it, unless others are given', () => {
    const { model, training } = resolveConfig({ training: { epochs: 3 } });
    expect(model).toBe('embedded');
    expect(training).toMatchObject({ lr: 0.007, epochs: 3, batchSize: 16, momentum: 0.9, weightDecay: 5e-4 });
    expect(resolveConfig({ method: 'cocoop' }).training).toMatchObject({ batchSize: 16, epochs: 20, lr: 0.06 });
    expect(resolveConfig({ method: 'ivlp' }).training).toMatchObject({ lr: 0.02 });
    expect(resolveConfig({ method: 'tip-adapter-f' }).training).toEqual(
      resolveConfig({ method: 'tip-adapter-f', model: 'elsewhere' }).training,
    );
  });

  it("augments as the method's authors do, and on the embedded model as with every method", () => {
    expect(resolveConfig({ method: 'coprompt', model: 'elsewhere' }).training).toMatchObject({ augmentation: 'randaugment' });
    expect(resolveConfig({ method: 'coprompt' }).training).toMatchObject({ augmentation: 'crop', cropScale: [0.9, 1] });
  });

  it.each(methodNames())('is its own fixed point: %s', (method) => {
    const config = resolveConfig({ method });
    expect(resolveConfig(config)).toEqual(config);
  });

  it.each([
    [{ shots: 0 }, /shots/],
    [{ classes: 'old' }, /classes/],
    [{ learning: 1 }, /learning/],
    [{ settings: { dept: 3 } }, /settings\..*dept/],
    [{ training: { epochs: 0 } }, /training\.epochs/],
    [{ method: 'zero-shot', training: { lr: 1 } }, /fitted, not trained/],
    [{ method: 'mudbt' }, /no method "mudbt"/],
  ])('names what is wrong: %o', (input, message) => {
    expect(() => resolveConfig(input as never)).toThrow(message);
  });
});

describe('what words of a context decide', () => {
  const of = (input: object) => resolveConfig(input as never).settings;

  it('gives way where the base model chose the words', () => {
    expect(of({ method: 'coop' })).toMatchObject({ length: 4, initWords: 'an icon of a' });
    expect(of({ method: 'coop', settings: { length: 8 } })).toMatchObject({ length: 8, initWords: '' });
    expect(of({ method: 'coop', settings: { classSpecific: true } })).toMatchObject({ classSpecific: true, initWords: '' });
    expect(of({ method: 'kgcoop', settings: { length: 2 } })).toMatchObject({ length: 2, initWords: 'an icon of a' });
  });

  it.each([
    [{ method: 'cocoop', settings: { length: 8 } }],
    [{ method: 'coop', settings: { length: 8, initWords: 'a_photo_of_a' } }],
    [{ method: 'coop', protocol: 'base-to-new', model: 'elsewhere', settings: { length: 8 } }],
    [{ method: 'coop', settings: { classSpecific: true, initWords: 'an icon' } }],
  ])('is refused where it would have no effect: %j', (input) => {
    expect(() => of(input)).toThrow(/would have no effect, because initWords \(.*\) decides it.*--set initWords= gives none/);
  });

  it('may be asked for as it is, and a complete configuration may be given back', () => {
    expect(of({ method: 'cocoop', settings: { length: 4, initWords: 'a photo of a' } })).toMatchObject({ length: 4 });
    const complete = resolveConfig({ method: 'coop', protocol: 'base-to-new', model: 'elsewhere' });
    expect(complete.settings).toMatchObject({ length: 16, initWords: 'a photo of a' });
    expect(resolveConfig(complete)).toEqual(complete);
  });
});

it.each([
  [{ settings: { length: 1e9 } }, /settings\.length: 1000000000 is more than any tower takes/],
  [
    { method: 'ivlp', settings: { textDepth: 5000 } },
    /settings\.textDepth: 5000 is more than any tower takes: give at most 4096/,
  ],
  [{ workers: 1e9 }, /workers: .*256/],
  [{ method: 'coop', settings: { lenght: 4 } }, /there is no setting "settings\.lenght".*did you mean length\?/is],
  [{ training: { epoch: 4 } }, /there is no setting "training\.epoch".*did you mean epochs\?/is],
  [{ sead: 4 }, /there is no setting "sead".*did you mean seed\?/is],
  [
    { method: 'dept', settings: { baseSettings: { lenght: 4 } } },
    /settings\.baseSettings\.lenght: coop has no such setting: did you mean length\?/,
  ],
])('absurd numbers and unknown names are refused: %j', (input, message) => {
  expect(() => resolveConfig(input as RunInput)).toThrow(message);
});

describe('runName', () => {
  const nameOf = (input: object) => runName(resolveConfig(input as never), 'pets', 'f00d1234');

  it('says data, method, model, shots and classes, and ends with a mark and the seed', () => {
    expect(nameOf({})).toBe('pets/mudpt-embedded-16shots-f00d1234/seed1');
    expect(nameOf({ shots: 'all', classes: 'base', seed: 3, method: 'coop', model: '/models/ViT B.pt' })).toBe(
      'pets/coop-ViT_B.pt-all-base-f00d1234/seed3',
    );
  });

  it('never leaves the folder of runs', () => {
    expect(runName(resolveConfig({ model: '../..' }), '../../etc', 'm')).toBe('etc/mudpt-unnamed-16shots-m/seed1');
  });
});

describe('identity', () => {
  const of = (input: object) => identity(resolveConfig(input as never));

  it('differs for whatever changes the numbers, and for nothing else', () => {
    const inputs = [
      {},
      { training: { lr: 0.1 } },
      { settings: { depth: 3 } },
      { accumulate: 2 },
      { augment: false },
      { precision: 'f16' },
      { activations: 'f16' },
      { seed: 2 },
    ];
    expect(new Set(inputs.map(of)).size).toBe(inputs.length);
    expect(of({ workers: 2, logEvery: 1, checkpointSeconds: 5 })).toBe(of({}));
    // These count by what lies there.
    expect(of({ data: '/elsewhere/pets', root: '/elsewhere', template: 'a {}.' })).toBe(of({}));
  });
});

it('a run of an earlier version is the same run still', () => {
  const digest = (input: object) =>
    createHash('sha256')
      .update(identity(resolveConfig(input as never)))
      .digest('hex')
      .slice(0, 16);
  // As the version before the schema had metadata gave them.
  // With what runs on the embedded model took then.
  expect(
    digest({
      settings: { length: 2, initWords: 'a photo of a' },
      training: { lr: 0.06, batchSize: 32, epochs: 20, cropScale: [0.6, 1] },
    }),
  ).toBe('058bd297e8208938');
  expect(digest({ method: 'tip-adapter-f' })).toBe('0e671cee9bfd5d8e');
  const other = { model: 'x/y', exif: 'apply', shots: 'all', classes: 'base', patience: 3, workers: 2, memory: '1GiB' };
  expect(digest({ ...other, method: 'ivlp' })).toBe('6502107a23eb0825');
  expect(digest({ ...other, method: 'promptsrc' })).toBe('c08c80b12fa3081b');
});
