import { expect, it } from 'vitest';
import { eachDevice } from '@mudpt/testing/support';
import { isFlash } from './kernels/attention/flash.ts';
import { fusedVariants } from './kernels/attention/plan.ts';
import type { ObservedChoice } from './engine/tuner.ts';
import { LimitError, scope } from './index.ts';
import { engineOf, measurePlan, tune, tuningFamilies, tuningProblems } from './internal.ts';

eachDevice('tuning problems', (ctx) => {
  it('know every family and every class in which there is a choice', () => {
    const problems = tuningProblems(ctx.device);
    const names = problems.map(({ family, key }) => `${family}/${key}`);
    expect(new Set(names).size).toBe(names.length);
    const expected = tuningFamilies.filter(
      (family) =>
        family !== 'attention' ||
        fusedVariants(ctx.device, { depth: 64, queries: 197, packed: false }, 'forward').filter(
          (variant) => ctx.device.adapter.kind === 'gpu' || !isFlash(variant),
        ).length > 1,
    );
    expect([...new Set(problems.map(({ family }) => family))].sort()).toEqual([...expected].sort());
    expect(names).toEqual(
      expect.arrayContaining([
        ctx.device.adapter.kind === 'gpu' ? 'gemm/kk/tall/t128/k1024' : 'gemm/kk/large',
        'norm/many/wide',
        'norm/few/narrow',
        'reduce/row/many',
        'reduce/column/few',
      ]),
    );
    expect(() => tuningProblems(ctx.device, ['gem'])).toThrow(LimitError);
  });

  it('are of the class that their ops ask for, with the variants that these have', () => {
    const { device } = ctx;
    for (const { family, key, candidates, prepare, run } of tuningProblems(device)) {
      const asked: ObservedChoice[] = [];
      const inputs = prepare(device);
      {
        using _ = device.tuner.observe((choice) => void asked.push(choice));
        scope(() => measurePlan(engineOf(device), () => run(inputs)).result.dispose());
      }
      for (const input of inputs) input.dispose();
      const found = asked.find((choice) => choice.family === family && choice.key === key);
      expect(found?.candidates, `${family}/${key}`).toEqual(expect.arrayContaining([...candidates]));
    }
  });

  it('are measured, and the ops then choose accordingly', async () => {
    const { device } = ctx;
    const problems = tuningProblems(device, ['fill']);
    expect(problems.map(({ key }) => key)).toEqual(['flat']);
    const results = await tune(device, problems);
    for (const { family, key, chosen, ms } of results) {
      expect(Object.values(ms).every((time) => time !== undefined && time > 0)).toBe(true);
      const choices: string[] = [];
      using _ = device.tuner.observe((choice) => void choices.push(`${choice.family}/${choice.key}`));
      expect(device.tuner.choose(family, ['short', 'long'], key)).toBe(chosen);
      expect(choices).toEqual([`${family}/${key}`]);
      device.tuner.remember(family, key, device.adapter.kind === 'gpu' ? 'short' : 'long');
    }
  });
});
