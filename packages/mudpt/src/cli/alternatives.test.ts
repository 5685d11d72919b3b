import { expect, it } from 'vitest';
import { betterMethod, withoutMethod } from './train.ts';
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

it('of the flags, another method takes those of data, model and run, and none of the first method', () => {
  const plugins = [{ path: '/p.ts', hash: 'a'.repeat(64) }];
  const kept = {
    data: 'pets',
    allowOutside: true,
    model: 'm',
    shots: '4',
    classes: 'base',
    protocol: 'base-to-new',
    config: 'c.yaml',
    plugins,
  };
  const ofMethod = { method: 'auto', epochs: '3', depth: '2', length: '4', batch: '8', lr: '1', set: ['zeroInit=true'] };
  expect(withoutMethod({ ...kept, ...ofMethod, variant: 'mpt', out: 'runs', fresh: true })).toEqual(kept);
});
