/** A norm of rows after a prefix, in one kernel: with every way to share a row, and gradients of everything. */
import { cat, reshape, scope } from '@mudpt/tensor';
import { it } from 'vitest';
import * as array from '@mudpt/testing/reference/array';
import * as refs from '@mudpt/testing/reference/indexing';
import { layerNorm } from '@mudpt/testing/reference/nn';
import { eachDevice } from '@mudpt/testing/support';
import { checkRule } from '../../test/rule-check.ts';
import { LayerNorm } from './norm.ts';

const [ROWS, PREFIX] = [6, 2];

eachDevice('LayerNorm.forkAfter', (ctx) => {
  // Rows of four elements are read as one vector, those of three by the element.
  it.for([
    ['row', 8],
    ['row', 3],
    ['workgroup', 8],
    ['subgroup', 8],
  ] as const)('by %s, width %i', async ([variant, width], { skip }) => {
    skip(variant === 'subgroup' && ctx.device.subgroupSize === 0, 'the adapter has no subgroups');
    using _ = ctx.device.tuner.force('norm', variant);
    await checkRule(ctx.device, {
      shapes: [[2, ROWS / 2, width], [PREFIX, width], [width], [width]],
      run: (x, prefix, weight, bias) =>
        scope(() => {
          const { skip: again, out } = new LayerNorm(width, { weight, bias }).forkAfter(prefix, x);
          return cat([out, reshape(again, [ROWS, width])]);
        }),
      reference: (x, prefix, weight, bias) => {
        const rows = array.reshape(x, [ROWS, width]);
        return refs.cat([layerNorm(refs.cat([prefix, rows]), { weight, bias }).out, rows]);
      },
    });
  });
});
