import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { put, temporaryFolder } from '@mudpt/testing/files';
import { resolveConfig } from '../index.ts';
import { suggestion } from '../../settings/suggestion.ts';
import { inputOf } from './input.ts';

describe('inputOf', () => {
  it('puts flags and assignments where they belong', async () => {
    const input = await inputOf({
      data: 'pets',
      shots: '4',
      epochs: '3',
      depth: '2',
      set: ['lr=0.01', 'settings.zeroInit=true', 'training.momentum=0.5', 'precision=f16', 'augment=false'],
    });
    expect(resolveConfig(input)).toMatchObject({
      data: 'pets',
      shots: 4,
      precision: 'f16',
      augment: false,
      settings: { depth: 2, zeroInit: true },
      training: { lr: 0.01, epochs: 3, momentum: 0.5 },
    });
  });

  it('takes nothing after = as no words, where a setting takes words', async () => {
    const { settings } = await inputOf({ method: 'cocoop', set: ['initWords=', 'length=8'] });
    expect(settings).toEqual({ initWords: '', length: 8 });
    const input = await inputOf({ method: 'cocoop', set: ['lr='] });
    expect(() => resolveConfig(input)).toThrow(/training\.lr/);
  });

  it('sets the depth of both towers where a method counts them apart', async () => {
    const { settings } = resolveConfig(await inputOf({ method: 'ivlp', depth: '3', length: '5' }));
    expect(Object.values(settings ?? {}).filter((value) => value === 3).length).toBeGreaterThan(1);
    expect(Object.values(settings ?? {}).filter((value) => value === 5).length).toBeGreaterThan(1);
  });

  it('lets flags win over a file, and --set over flags', async () => {
    await using at = await temporaryFolder();
    const config = join(at.path, 'c.yaml');
    await put(config, 'shots: 2\nseed: 5\ntraining:\n  epochs: 7\n  lr: 0.5\n');
    const resolved = resolveConfig(await inputOf({ config, shots: '8', epochs: '9', set: ['epochs=11'] }));
    expect(resolved).toMatchObject({ shots: 8, seed: 5, training: { epochs: 11, lr: 0.5 } });
    await put(config, '- 1');
    await expect(inputOf({ config })).rejects.toThrow(/holds no settings/);
    await expect(inputOf({ config: join(at.path, 'absent') })).rejects.toThrow(/cannot be read/);
  });

  it.each([
    [{ set: ['epoch=3'] }, /did you mean epochs\?/i],
    [{ set: ['training.depth=3'] }, /no setting "training\.depth"/],
    [{ set: ['lr'] }, /is no assignment/],
    [{ epochs: 'many' }, /"many" is not a whole number from 1 up/],
    [{ method: 'zero-shot', epochs: '3' }, /zero-shot has no epochs/],
    [{ method: 'coop', depth: '3' }, /coop has no depth/],
  ])('refuses %o', async (flags, message) => {
    await expect(inputOf(flags)).rejects.toThrow(message);
  });
});

it('suggests the nearest name, or lists all', () => {
  expect(suggestion('shot', ['shots', 'seed'])).toBe('did you mean shots?');
  expect(suggestion('elephant', ['shots', 'seed'])).toBe('use one of shots, seed');
});
