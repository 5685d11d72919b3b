import { expect, expectTypeOf, it, vi } from 'vitest';
import { eachDevice } from '@mudpt/testing/support';
import * as engine from './index.ts';
import { type Axes, capture, type ReduceOptions, scope, Tensor, tensor, type TensorMethods } from './index.ts';
import type { Op } from './kernels.ts';
import { withHook } from './internal.ts';
import * as chainable from './chainable.ts';

/** Operations that act on no tensor, or on several alike, and a measure of a classifier. */
const FUNCTIONS_ONLY = [
  'alias',
  'bernoulli',
  'cat',
  'contiguousCopy',
  'countCorrect',
  'einsum',
  'rand',
  'randBeta',
  'randDirichlet',
  'randExponential',
  'randGamma',
  'randGumbel',
  'randLaplace',
  'randPoisson',
  'randint',
  'randn',
  'randomWords',
  'randperm',
  'stack',
  'truncatedNormal',
];

function isOp(value: unknown): value is Op {
  return typeof value === 'function' && 'opName' in value;
}

it('lists every operation that begins with a tensor', () => {
  const named = Object.entries(engine).flatMap(([name, value]) => (isOp(value) ? [name] : []));
  expect(named.filter((name) => !(name in chainable)).sort()).toEqual(FUNCTIONS_ONLY);
});

it('types methods as their functions without the first parameter', () => {
  type Broken = { [Name in keyof TensorMethods]: [TensorMethods[Name]] extends [never] ? Name : never }[keyof TensorMethods];
  expectTypeOf<Broken>().toBeNever();
  expectTypeOf<Tensor['sum']>().toEqualTypeOf<(axes?: Axes, options?: ReduceOptions) => Tensor>();
  expectTypeOf<Parameters<Tensor['softmax']>>().toEqualTypeOf<[axis?: number]>();
  expectTypeOf<ReturnType<Tensor['split']>>().toEqualTypeOf<Tensor[]>();
});

eachDevice('methods', (ctx) => {
  it('call the function of their name with the tensor first', () => {
    using x = tensor([1, 2, 3], { device: ctx.device });
    for (const [name, op] of Object.entries(chainable)) {
      const method = x[name as keyof TensorMethods] as unknown as (...rest: readonly unknown[]) => unknown;
      const checked = vi.fn<(args: readonly unknown[]) => void>();
      const rest = [Symbol('second'), Symbol('third')];
      const { check } = op as unknown as Op;
      (op as unknown as Op).check = checked;
      const call = withHook(
        (seen, args) => ({ seen, args }),
        () => method.apply(x, rest),
      );
      (op as unknown as Op).check = check as never;
      expect(checked, name).toHaveBeenCalledWith([x, ...rest]);
      expect(check, name).toBeTypeOf('function');
      expect(call, name).toEqual({ seen: op, args: [x, ...rest] });
    }
  });

  it('chain', async () => {
    using total = scope(() =>
      tensor(
        [
          [1, 2],
          [3, 4],
        ],
        { device: ctx.device },
      )
        .mul(2)
        .sum(-1),
    );
    expect(Array.from(await total.data())).toEqual([6, 14]);
  });

  it('are replayed by a captured step', async () => {
    using step = capture(({ x }: { x: Tensor }) => scope(() => x.square().sum().add(1)));
    const values = [];
    for (const data of [
      [1, 2],
      [3, 4],
      [5, 6],
    ]) {
      values.push(await step({ x: { data, shape: [2] } }).item());
    }
    expect(values).toEqual([6, 26, 62]);
  });
});
