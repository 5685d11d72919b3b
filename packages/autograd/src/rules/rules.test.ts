/** Every rule against central differences of the f64 oracles. */
import { describe, expect, it, vi } from 'vitest';
import * as ops from '@mudpt/tensor';
import { ones, scope, type Tensor, tensor, zeros } from '@mudpt/tensor';
import { isPointwise } from '@mudpt/tensor/internal';
import type { Op } from '@mudpt/tensor/kernels';
import * as reductions from '@mudpt/testing/reference/reduce';
import type { Ref } from '@mudpt/testing/reference/array';
import { eachDevice } from '@mudpt/testing/support';
import { structured } from '../../test/cases/index.ts';
import { checkRule } from '../../test/rule-check.ts';
import { dropout, gradcheck, hessianVector, randomFrom, Tape, TransformerBlock } from '../index.ts';
import { Recording } from '../tape/recording.ts';
import { isConstantOp, ruleOf, rulesWith } from '../rule.ts';
import { coreRules } from './core.ts';

const all = Object.values(structured).flat();

/** Follows which rules run, and which within ops that have none themselves. */
function followComposed() {
  const running: Op[] = [];
  const seen = new Set<string>();
  const within = new Map<Op, Set<string>>();
  const { push } = Recording.prototype;
  const spies = [
    vi.spyOn(Recording.prototype, 'push').mockImplementation(function record(this: Recording, entry, ...rest) {
      seen.add(entry.op);
      for (const op of running) within.set(op, (within.get(op) ?? new Set()).add(entry.op));
      push.call(this, entry, ...rest);
    }),
  ];
  for (const op of Object.values(ops) as unknown as { run: (...args: unknown[]) => unknown; opName?: string }[]) {
    if (op.opName === undefined || ruleOf(op as unknown as Op) || isConstantOp(op as unknown as Op)) continue;
    const { run } = op;
    const spy = vi.spyOn(op, 'run').mockImplementation((...args) => {
      running.push(op as unknown as Op);
      try {
        return run(...args);
      } finally {
        running.pop();
      }
    });
    spies.push(spy as never);
  }
  return {
    stop: () => {
      for (const spy of spies) spy.mockRestore();
      return { seen, within };
    },
  };
}

eachDevice('rules', (ctx) => {
  for (const [group, cases] of Object.entries(structured)) {
    describe(group, () => {
      for (const wanted of cases) it(`${wanted.name}, twice differentiated`, () => checkRule(ctx.device, wanted, [], 2));
    });
  }

  it('prod with zeros, whose second derivatives are not 0', async () => {
    const run = async (values: number[]) => {
      using x = tensor(values, { device: ctx.device });
      await gradcheck((t) => ops.prod(t), [x], { reference: (v) => reductions.prod(v as unknown as Ref), order: 2 });
    };
    await run([2, 0, 3]);
    await run([0, 0, 3]);
    await run([0, 0, 0]);
  });

  it('second derivatives are finite where the first is 0 by definition: lengths and deviations of 0, equal rows', async () => {
    const degenerate: readonly ((x: Tensor) => Tensor)[] = [
      (x) => ops.norm(x, 1),
      (x) => ops.norm(x, 1, { p: 3 }),
      (x) => ops.std(x, 1),
      (x) => ops.cdist(x, x),
      (x) => ops.l2Normalize(x),
    ];
    for (const f of degenerate) {
      using x = zeros([2, 3], { device: ctx.device });
      using product = scope(() => hessianVector((t: Tensor) => ops.sum(f(t)), [x], [x]).products[0] as Tensor);
      expect(Array.from(await product.data())).toEqual(Array.from({ length: 6 }, () => 0));
    }
  });

  it('modules: a block with dropout, twice differentiated', async () => {
    using block = new TransformerBlock({ width: 4, heads: 2, device: ctx.device, random: randomFrom(3), activation: 'gelu' });
    using x = tensor(
      Float32Array.from({ length: 12 }, (_, i) => Math.sin(3 * i)),
      { shape: [1, 3, 4], device: ctx.device },
    );
    const run = (h: Tensor): Tensor => scope(() => dropout(block.forward(h), { p: 0.3, seed: 4, stream: 1 }));
    await gradcheck(run, [x], { order: 2 });
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
    const composed = followComposed();
    for (const { shapes, run } of all) {
      scope(() => {
        using tape = new Tape();
        run(...shapes.map((shape) => tape.watch(ones(shape, { device: ctx.device }))));
      });
    }
    const { seen, within } = composed.stop();
    expect(names.length).toBeGreaterThan(40);
    expect(names.filter((name) => !isPointwise(name) && !seen.has(name))).toEqual([]);
    // What a bundle with the op alone has: the rules that ops.ts gives it, and those of every tape.
    const core = new Set(coreRules.flatMap((rule) => rule.ops.map(({ opName }) => opName)));
    const isThere = (op: Op, rule: string): boolean =>
      isPointwise(rule) || core.has(rule) || rulesWith(op).some(({ opName }) => opName === rule);
    expect(within.size).toBeGreaterThan(30);
    for (const [op, rules] of within)
      expect([op.opName, ...[...rules].filter((rule) => !isThere(op, rule))]).toEqual([op.opName]);
    // Every op with a rule comes with it.
    const withRule = (Object.values(ops) as unknown[]).filter(hasRule);
    expect(withRule.filter((op) => !isThere(op, op.opName)).map(({ opName }) => opName)).toEqual([]);
  });
});
