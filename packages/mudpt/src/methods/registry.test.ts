import { expect, it } from 'vitest';
import { z } from 'zod';
import { sharedVpt } from '../../test/example-method.ts';
import { defineMethod, type MethodDefinition } from '../method/definition.ts';
import { trainingPreset } from '../method/training-settings.ts';
import { methodNamed, methodNames, registerMethod } from './registry.ts';

it('a registered method is known by name until its registration is disposed', () => {
  const before = methodNames();
  {
    using _registered = registerMethod(sharedVpt);
    expect(methodNamed('shared-vpt')).toBe(sharedVpt);
    expect(methodNames()).toEqual([...before, 'shared-vpt']);
    expect(() => registerMethod(sharedVpt)).toThrow(/there is a method "shared-vpt" already.*another name/);
  }
  expect(methodNames()).toEqual(before);
  expect(() => methodNamed('shared-vpt')).toThrow(/no method "shared-vpt".*mudpt.*--plugin/);
});

it('a name of this package cannot be taken, nor taken away', () => {
  expect(() => registerMethod({ ...sharedVpt, name: 'mudpt' })).toThrow(/there is a method "mudpt" already/);
  expect(methodNamed('mudpt').title).toBe('MuDPT');
});

it.each<[string, Partial<Record<keyof MethodDefinition, unknown>>, RegExp]>([
  ['a name that is no name', { name: 'Shared VPT' }, /"Shared VPT" has no name that --method could take/],
  ['a name that means something else', { name: 'auto' }, /understands as something else/],
  ['no title', { title: '' }, /"x" has no title/],
  ['no summary', { summary: undefined }, /"x" has no summary/],
  ['no create', { create: undefined }, /has no function create.*defineMethod/],
  ['no variants', { variants: undefined }, /has no variants/],
  ['settings that are no schema', { settings: { depth: 3 } }, /settings that are no zod schema/],
  ['settings without a default', { settings: z.strictObject({ depth: z.int() }) }, /settings that refuse \{\}.*depth/s],
  [
    'training that lacks a field',
    { training: z.strictObject({ lr: z.number().default(1) }) },
    /without optimizer, .*trainingPreset/,
  ],
  [
    'a variant its settings refuse',
    { variants: { deep: { settings: { depht: 3 } } } },
    /variant "deep" that refuse \{"depht":3\}/,
  ],
  ['a variant of training that is refused', { variants: { fast: { training: { lr: -1 } } } }, /variant "fast" that refuse/],
])('refused: %s', (_, wrong, message) => {
  const definition = { ...sharedVpt, name: 'x', ...wrong } as MethodDefinition;
  expect(() => registerMethod(definition)).toThrow(message);
  expect(methodNames()).not.toContain('x');
});

it('what is not an object is refused, not read', () => {
  expect(() => registerMethod(undefined as never)).toThrow(/the definition has no name/);
});

it('a definition that is fitted states no training', () => {
  const fitted = defineMethod({
    ...sharedVpt,
    name: 'fitted',
    settings: z.strictObject({}),
    training: undefined,
    create: () => fail(),
  });
  using _registered = registerMethod(fitted);
  expect(methodNamed('fitted').training).toBeUndefined();
  expect(trainingPreset({}).parse({}).epochs).toBe(10);
});

function fail(): never {
  throw new Error('nothing is created here');
}
