/** Every rule against central differences of the f64 oracles, with every variant of every kernel. */
import { describe, expect, it, vi } from 'vitest';
import * as ops from '@mudpt/tensor';
import { isPointwise, ones, type Op, scope, tensor } from '@mudpt/tensor';
import * as reductions from '../../../tensor/test/reference/reduce.ts';
import type { Ref } from '../../../tensor/test/reference/array.ts';
import { eachDevice } from '../../../tensor/test/support.ts';
import { productCases } from '../../test/cases/product.ts';
import { reductionCases } from '../../test/cases/reduction.ts';
import { rowCases } from '../../test/cases/row.ts';
import { shapeCases } from '../../test/cases/shape.ts';
import { checkVariants, type RuleCase } from '../../test/rule-check.ts';
import { gradcheck, Tape } from '../index.ts';
import { ruleOf } from '../rule.ts';

const groups: Readonly<Record<string, readonly RuleCase[]>> = {
  'views, indices and order': shapeCases,
  reductions: reductionCases,
  products: productCases,
  rows: rowCases,
};

const all = Object.values(groups).flat();

eachDevice('rules', (ctx) => {
  for (const [group, cases] of Object.entries(groups)) {
    describe(group, () => {
      for (const wanted of cases) it(wanted.name, () => checkVariants(ctx.device, wanted));
    });
  }

  it('prod with zeros', async () => {
    const run = async (values: number[]) => {
      using x = tensor(values, { device: ctx.device });
      await gradcheck((t) => ops.prod(t), [x], { reference: (v) => reductions.prod(v as unknown as Ref) });
    };
    await run([2, 0, 3]);
    await run([0, 0, 3]);
  });

  it('cdist of equal rows passes no gradient', async () => {
    using x = tensor(
      [
        [1, 2],
        [1, 2],
        [4, 6],
      ],
      { device: ctx.device },
    );
    using rows = tensor([[1, 2]], { device: ctx.device });
    using tape = new Tape();
    tape.watch(rows);
    using total = scope(() => ops.sum(ops.cdist(rows, x)));
    using gradients = tape.backward(total);
    expect(Array.from(await gradients.of(rows).data())).toEqual([Math.fround(-0.6), Math.fround(-0.8)]);
  });

  it('leaves out no rule', () => {
    const hasRule = (value: unknown): value is Op =>
      typeof value === 'function' && 'opName' in value && ruleOf(value as Op) !== undefined;
    const names = (Object.values(ops) as unknown[]).filter(hasRule).map((op) => op.opName);
    const push = vi.spyOn(Tape.prototype, 'push');
    for (const { shapes, run } of all) {
      scope(() => {
        using tape = new Tape();
        run(...shapes.map((shape) => tape.watch(ones(shape, { device: ctx.device }))));
      });
    }
    const seen = new Set(push.mock.calls.map(([{ op }]) => op));
    push.mockRestore();
    expect(names.length).toBeGreaterThan(40);
    expect(names.filter((name) => !isPointwise(name) && !seen.has(name))).toEqual([]);
  });

  it('reaches every kernel family', async () => {
    const device = ctx.device;
    using choose = vi.spyOn(device.tuner, 'choose');
    for (const { shapes, run } of all) scope(() => void run(...shapes.map((shape) => ones(shape, { device }))));
    const families = new Set(choose.mock.calls.map(([family]) => family));
    expect(families.size).toBeGreaterThanOrEqual(8);
    for (const family of ['attention', 'conv2d', 'gemm', 'l2_normalize', 'loss', 'norm', 'reduce', 'softmax'])
      expect(families).toContain(family);
  });
});
