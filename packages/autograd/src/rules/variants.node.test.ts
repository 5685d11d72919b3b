/**
 * Every rule with every variant of every kernel it runs. In Node only: a page runs the same kernels on the same SwiftShader, and this takes
 * minutes there.
 */
import { describe, expect, it, vi } from 'vitest';
import { ones, scope } from '@mudpt/tensor';
import { eachDevice } from '@mudpt/testing/support';
import { groups, structured } from '../../test/cases/index.ts';
import { checkVariants } from '../../test/rule-check.ts';

/** A case compiles up to a hundred kernels. */
const TIMEOUT = 600_000;

eachDevice('variants', (ctx) => {
  for (const [group, cases] of Object.entries(groups)) {
    describe(group, () => {
      for (const wanted of cases) it(wanted.name, () => checkVariants(ctx.device, wanted), TIMEOUT);
    });
  }

  it('reaches every kernel family', () => {
    const device = ctx.device;
    const choose = vi.spyOn(device.tuner, 'choose');
    for (const { shapes, run } of Object.values(structured).flat())
      scope(() => void run(...shapes.map((shape) => ones(shape, { device }))));
    const families = new Set(choose.mock.calls.map(([family]) => family));
    choose.mockRestore();
    expect(families.size).toBeGreaterThanOrEqual(8);
    for (const family of ['attention', 'conv2d', 'gemm', 'l2_normalize', 'loss', 'norm', 'reduce', 'softmax'])
      expect(families).toContain(family);
  });
});
