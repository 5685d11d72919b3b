/** Every rule on f16 tensors (sums are f32) against the f64 oracles, where the adapter has shader-f16. */
import { describe, it } from 'vitest';
import { eachDevice } from '@mudpt/testing/support';
import { groups } from '../../test/cases/index.ts';
import { checkRule } from '../../test/rule-check.ts';

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
