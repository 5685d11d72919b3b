import { expect, it } from 'vitest';
import { betterMethod } from './train.ts';
import { alternativesText } from './train-output.ts';

const probe = { method: 'linear-probe', title: 'Linear probe', validation: 90, test: 88, count: 40, isClearlyBetter: true };
const tip = { method: 'tip-adapter', title: 'Tip-Adapter', validation: 92, test: 91, count: 40, isClearlyBetter: false };

it('the best on validation is chosen; of equal ones the run keeps its own', () => {
  expect(betterMethod({ validation: 30, alternatives: [probe, tip] })).toBe('tip-adapter');
  expect(betterMethod({ validation: 92, alternatives: [probe, tip] })).toBeUndefined();
  expect(betterMethod({ alternatives: [probe] })).toBeUndefined();
  expect(betterMethod({ validation: 30 })).toBeUndefined();
});

it('a person is told what is clearly better, and only that', () => {
  const text = alternativesText([probe, tip], 30, 'mudpt').join('\n');
  expect(text).toMatch(/on 40 validation pictures: MuDPT 30\.0 %; .*Linear probe 90\.0 % \(test 88\.0 %\), Tip-Adapter 92\.0 %/);
  expect(text).toMatch(/\nLinear probe is clearly better here: .*train --method linear-probe/);
  expect(alternativesText([tip], 91, 'mudpt')).toHaveLength(1);
});
