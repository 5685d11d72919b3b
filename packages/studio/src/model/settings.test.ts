import { expect, it } from 'vitest';
import { resolveConfig } from 'mudpt';
import { toldOf } from '../worker/rpc.ts';
import { methodFacts, resolveSettings } from './settings.ts';

const embedded = { kind: 'embedded', layers: { text: 4, image: 4 } } as const;

it('settings are those that Node takes for the same model', () => {
  for (const method of ['mudpt', 'coop', 'maple', 'promptsrc', 'cocoop', 'linear-probe']) {
    const { settings, training } = resolveSettings(
      { method, settings: {}, training: {} },
      { kind: 'embedded', layers: { text: 99, image: 99 } },
    );
    const node = resolveConfig({ method, model: 'embedded' });
    expect([method, settings, training ?? {}]).toEqual([method, node.settings, node.training]);
  }
});

it('depths are lowered to the layers there are, unless asked for', () => {
  const { settings, notes, lowered } = resolveSettings({ method: 'mudpt', settings: {}, training: {} }, embedded);
  expect(settings['depth']).toBe(4);
  expect(lowered).toEqual([{ name: 'depth', method: 'mudpt', usual: 9, value: 4, layers: 4 }]);
  expect(notes).toEqual(["depth is 4, not mudpt's usual 9: the model has 4 layers"]);
  expect(resolveSettings({ method: 'mudpt', settings: { depth: 2 }, training: {} }, embedded).settings['depth']).toBe(2);
  const wrong = { method: 'mudpt', settings: {}, training: { epochs: -3 } };
  expect(() => resolveSettings(wrong, embedded)).toThrow('epochs is -3');
  const told = toldOf(errorOf(() => resolveSettings({ ...wrong, settings: { depth: 0 }, training: {} }, embedded)));
  expect(told).toMatchObject({
    problem: 'depth is 0',
    fix: 'give a whole number from 1 to 4096',
    said: { key: 'settingWhole', words: ['depth', '0', '1', '4096'] },
  });
});

it('what words decide is not asked for in vain: those of the model give way, those of the method are told', () => {
  const of = (method: string, settings: object) => resolveSettings({ method, settings: { ...settings }, training: {} }, embedded);
  expect(of('coop', {}).settings).toMatchObject({ length: 4, initWords: 'an icon of a' });
  expect(of('coop', { length: 16 }).settings).toMatchObject({ length: 16, initWords: '' });
  expect(toldOf(errorOf(() => of('cocoop', { length: 8 })))).toMatchObject({
    problem: 'length would have no effect: initWords is “a photo of a” and decides that it is 4',
    said: { key: 'settingDecided', words: ['length', '4', 'initWords', 'a photo of a'] },
  });
  expect(of('cocoop', { length: 8, initWords: '' }).settings).toMatchObject({ length: 8, initWords: '' });
});

it('every method has fields with the values of its schemas', () => {
  const facts = methodFacts(embedded);
  expect(facts.map(({ name }) => name)).toContain('mudpt');
  expect(facts.map(({ name }) => name)).not.toContain('zero-shot');
  expect(facts.filter(({ lacks }) => lacks).map(({ name, lacks }) => [name, lacks])).toEqual([['promptkd', 'teacher']]);
  const mudpt = facts.find(({ name }) => name === 'mudpt')?.fields ?? [];
  expect(mudpt.filter(({ isMain }) => isMain).map(({ name, value }) => [name, value])).toEqual([
    ['length', 4],
    ['depth', 4],
    ['lr', 0.007],
    ['epochs', 20],
    ['batchSize', 16],
  ]);
  expect(mudpt.find(({ name }) => name === 'injection')).toMatchObject({
    type: 'choice',
    choices: ['transformer', 'linear', 'cross-attention'],
  });
});

function errorOf(work: () => unknown): unknown {
  try {
    return work();
  } catch (error) {
    return error;
  }
}
