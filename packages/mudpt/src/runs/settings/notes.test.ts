import { expect, it } from 'vitest';
import { resolveConfig } from './config.ts';
import { effectNotes } from './notes.ts';

const notesOf = (input: object, images = 64) => effectNotes(resolveConfig(input as never), images, input);

it('a rate that no epoch has is told', () => {
  const told = /the only epoch is warm-up, at the rate 0.00001: lr 0\.007 is never reached/;
  expect(notesOf({ training: { epochs: 1 } })).toEqual([expect.stringMatching(told)]);
  expect(notesOf({ training: { epochs: 3, warmupEpochs: 4 } })).toEqual([expect.stringMatching(/all 3 epochs are warm-up/)]);
  // 64 images in batches of 16 are 4 updates an epoch.
  expect(notesOf({ training: { iterations: 3 } })).toHaveLength(1);
  expect(notesOf({ training: { iterations: 5 } })).toEqual([]);
  expect(notesOf({ training: { epochs: 1, warmupEpochs: 0 } })).toEqual([]);
  expect(notesOf({ method: 'mma', training: { epochs: 1 } })).toEqual([]);
  expect(notesOf({ method: 'linear-probe' })).toEqual([]);
});

it('descriptions that a method does not read are told', () => {
  const descriptions = 'file.json';
  expect(notesOf({ method: 'kgcoop', descriptions })).toEqual([
    'KgCoOp reads no descriptions of classes: they change the zero-shot accuracy alone',
  ]);
  for (const method of ['zero-shot', 'tip-adapter', 'tip-adapter-f', 'promptsrc', 'tcp', 'coprompt'])
    expect([method, notesOf({ method, descriptions })]).toEqual([method, []]);
  expect(notesOf({ method: 'dept', descriptions })).toHaveLength(1);
  expect(notesOf({ method: 'dept', descriptions, settings: { base: 'promptsrc' } })).toEqual([]);
});

it('settings that have no effect beside the others are told to who asked for them', () => {
  expect(notesOf({ method: 'clip-lora', training: { momentum: 0.5, adamEps: 1e-6 } })).toEqual([
    'momentum 0.5 has no effect, because optimizer is adamw',
  ]);
  expect(notesOf({ training: { adamBetas: [0.8, 0.9], randMagnitude: 3, iterations: 50, epochs: 7 } })).toEqual([
    'epochs 7 has no effect, because iterations is 50',
    'adamBetas [0.8,0.9] has no effect, because optimizer is sgd',
    'randMagnitude 3 has no effect, because augmentation is crop',
  ]);
  expect(notesOf({ settings: { injection: 'linear', norm: 'post' } })).toEqual([
    'norm "post" has no effect, because injection is linear',
  ]);
  expect(notesOf({ method: 'atprompt', settings: { depth: 3 } })).toHaveLength(1);
  expect(notesOf({ method: 'atprompt', settings: { depth: 3, form: 'maple' } })).toEqual([]);
  const baseSettings = { injection: 'linear', norm: 'post' };
  expect(notesOf({ method: 'dept', settings: { base: 'mudpt', baseSettings } })).toEqual([
    'baseSettings.norm "post" has no effect, because injection is linear',
  ]);
  expect(notesOf({ method: 'dept', settings: { base: 'maple', baseSettings: { depth: 2 } } })).toEqual([]);
  const templates = ['a {}.'];
  expect(notesOf({ method: 'coprompt', settings: { templates }, descriptions: 'file.json' })).toEqual([
    'templates ["a {}."] has no effect, because descriptions of the classes take its place',
  ]);
  expect(notesOf({ method: 'coprompt', settings: { templates } })).toEqual([]);
  const complete = resolveConfig({ method: 'clip-lora' });
  expect(effectNotes(complete, 64, complete)).toEqual([]);
});
