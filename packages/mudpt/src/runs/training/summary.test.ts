import { expect, it } from 'vitest';
import { promptFacts, type RunFacts } from './summary.ts';

it('prompts say where photographs were turned upright, and else are as they were', () => {
  const config = { method: 'coop', settings: {}, shots: 1, seed: 1 };
  const dataset = { classNames: ['cat'], template: 'a {}', name: 'some' };
  const base = { name: 'embedded', hash: 'x', clip: { config: { embed: 4 } } };
  const of = (exif?: 'ignore' | 'apply') =>
    promptFacts({ config: { ...config, ...(exif && { exif }) }, dataset, base } as unknown as RunFacts);
  expect(of('apply').exif).toBe('apply');
  expect([Object.keys(of('ignore')), Object.keys(of())].flat()).not.toContain('exif');
});
