import { expect, it } from 'vitest';
import * as z from 'zod';
import { flagValue, settingsOf, takesOf, withDefault } from './fields.ts';
import { settingMetadata } from './metadata.ts';

it.each([
  [z.int().positive(), 'a whole number from 1 up'],
  [z.int().min(0).max(256), 'a whole number from 0 to 256'],
  [z.int(), 'a whole number'],
  [z.number().min(0).max(1), 'a number from 0 to 1'],
  [z.number().positive(), 'a number above 0'],
  [z.number(), 'a number'],
  [z.union([z.literal('all'), z.coerce.number().int().positive()]), 'a whole number from 1 up, or "all"'],
  [z.enum(['all', 'base']), 'one of all, base'],
])('%#: says what a type takes', (type, words) => {
  expect(takesOf(type)).toBe(words);
});

it('reads the value of a flag by the type', () => {
  expect(flagValue('n', '12', z.int().positive())).toBe(12);
  expect(flagValue('n', '1e-3', z.number())).toBe(0.001);
  expect(flagValue('n', 'all', z.union([z.literal('all'), z.int()]))).toBe('all');
  expect(flagValue('text', '12', z.string())).toBe('12');
  for (const text of ['', ' ', '0', '1.5', 'many', 'Infinity'])
    expect(() => flagValue('n', text, z.int().positive())).toThrow(`--n: "${text}" is not a whole number from 1 up`);
});

it('another default leaves description and metadata', () => {
  const lr = z.number().positive().default(1).describe('rate').register(settingMetadata, { flag: 'lr' });
  const [setting] = settingsOf(z.strictObject({ lr: withDefault(lr, 2) }));
  expect(setting).toMatchObject({ name: 'lr', description: 'rate', metadata: { flag: 'lr' } });
  expect(setting?.type.parse(undefined)).toBe(2);
  expect(lr.parse(undefined)).toBe(1);
});

it('refuses what is no object schema', () => {
  expect(() => settingsOf(z.string())).toThrow(/must be a z\.object/);
});
