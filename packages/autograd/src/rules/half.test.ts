/** Every rule on f16 tensors (sums are f32) against the f64 oracles, where the adapter has shader-f16. */
import { describe, it } from 'vitest';
import { eachDevice } from '../../../tensor/test/support.ts';
import { productCases } from '../../test/cases/product.ts';
import { reductionCases } from '../../test/cases/reduction.ts';
import { rowCases } from '../../test/cases/row.ts';
import { shapeCases } from '../../test/cases/shape.ts';
import { checkRule, type RuleCase } from '../../test/rule-check.ts';

const groups: Readonly<Record<string, readonly RuleCase[]>> = {
  shapes: shapeCases,
  reductions: reductionCases,
  products: productCases,
  rows: rowCases,
};

eachDevice('f16 rules', (ctx) => {
  for (const [group, cases] of Object.entries(groups)) {
    describe(group, () => {
      for (const { half = ['f16'] as const, ...wanted } of cases) {
        it(wanted.name, async ({ skip }) => {
          skip(!ctx.device.hasF16, 'the adapter has no shader-f16');
          skip(typeof half === 'string', String(half));
          await checkRule(ctx.device, wanted, typeof half === 'string' ? [] : half);
        });
      }
    });
  }
});
