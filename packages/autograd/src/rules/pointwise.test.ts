/** Every row of the pointwise table against central differences of its f64 form. */
import { expect, it } from 'vitest';
import * as ops from '@mudpt/tensor';
import { pointwiseTable } from '@mudpt/tensor/internal';
import type { Op } from '@mudpt/tensor/kernels';
import { eachDevice } from '@mudpt/testing/support';
import { pointwiseCases } from '../../test/cases/pointwise.ts';
import { checkRule } from '../../test/rule-check.ts';
import { ruleOf } from '../rule.ts';

eachDevice('pointwise rules', (ctx) => {
  for (const wanted of pointwiseCases) it(`${wanted.name}, twice differentiated`, () => checkRule(ctx.device, wanted, [], 2));

  it('leaves out no row', () => {
    const table = ops as unknown as Record<string, Op | undefined>;
    const names = Object.keys(pointwiseTable).filter((name) => table[name] && ruleOf(table[name]));
    expect(names.length).toBeGreaterThan(40);
    expect(names.filter((name) => !pointwiseCases.some((wanted) => wanted.name === name))).toEqual([]);
  });
});
