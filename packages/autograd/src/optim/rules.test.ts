/** Update rules against their formulas in f64: ten steps of several settings, plain, captured, and resumed from a saved state. */
import { expect, it } from 'vitest';
import { capture, copyInto, type Tensor, tensor } from '@mudpt/tensor';
import { expectNormClose } from '@mudpt/testing/reference/compare';
import { eachDevice } from '@mudpt/testing/support';
import {
  Adadelta,
  Adagrad,
  Adam,
  Adamax,
  Gradients,
  LAMB,
  Lion,
  NAdam,
  type CommonOptions,
  type Optimizer,
  noGrad,
  parameter,
  RAdam,
  RMSprop,
  SGD,
} from '../index.ts';
import { type Reference, REFERENCES } from '../../test/optimizer-rules.ts';

type Rule = (parameters: readonly Tensor[]) => Optimizer<CommonOptions>;
const as = (made: unknown): Optimizer<CommonOptions> => made as Optimizer<CommonOptions>;
const weightDecay = 0.1;

const RULES: Readonly<Record<string, readonly [Rule, Reference]>> = {
  RMSprop: [(p) => as(new RMSprop(p)), REFERENCES.rmsprop({})],
  'RMSprop, centered with momentum': [
    (p) => as(new RMSprop(p, { centered: true, momentum: 0.8, alpha: 0.9, weightDecay, maximize: true })),
    REFERENCES.rmsprop({ centered: true, momentum: 0.8, alpha: 0.9, weightDecay, maximize: true }),
  ],
  Adagrad: [(p) => as(new Adagrad(p)), REFERENCES.adagrad({})],
  'Adagrad with decays': [
    (p) => as(new Adagrad(p, { lrDecay: 0.1, initialAccumulator: 0.5, weightDecay })),
    REFERENCES.adagrad({ lrDecay: 0.1, initialAccumulator: 0.5, weightDecay }),
  ],
  Adadelta: [(p) => as(new Adadelta(p, { weightDecay })), REFERENCES.adadelta({ weightDecay })],
  Adamax: [(p) => as(new Adamax(p, { weightDecay })), REFERENCES.adamax({ weightDecay })],
  NAdam: [(p) => as(new NAdam(p, { weightDecay })), REFERENCES.nadam({ weightDecay })],
  'NAdam, decoupled': [
    (p) => as(new NAdam(p, { weightDecay, decoupledWeightDecay: true, momentumDecay: 0.1 })),
    REFERENCES.nadam({ weightDecay, decoupledWeightDecay: true, momentumDecay: 0.1 }),
  ],
  RAdam: [(p) => as(new RAdam(p, { weightDecay })), REFERENCES.radam({ weightDecay })],
  'RAdam, decoupled': [
    (p) => as(new RAdam(p, { weightDecay, decoupledWeightDecay: true, betas: [0.8, 0.7] })),
    REFERENCES.radam({ weightDecay, decoupledWeightDecay: true, betas: [0.8, 0.7] }),
  ],
  Lion: [(p) => as(new Lion(p, { weightDecay })), REFERENCES.lion({ weightDecay })],
  LAMB: [(p) => as(new LAMB(p, { weightDecay })), REFERENCES.lamb({ weightDecay })],
};

const STEPS = 10;
/** More than a block, and less. */
const SIZES = [300, 5];
const rates = Array.from({ length: STEPS }, (_, k) => 0.01 / (1 + k / 4));
const numbers = (size: number, seed: number): Float32Array =>
  Float32Array.from({ length: size }, (_, i) => (((i + seed * 131) * 7919) % 257) / 128 - 1);
const gradient = (size: number, k: number): Float32Array => numbers(size, k + 3);

eachDevice('update rules', (ctx) => {
  const begin = (): Tensor[] =>
    SIZES.map((size, i) => parameter(tensor(numbers(size, i), { device: ctx.device }), { name: `p${i}` }));
  const update = (optimizer: Optimizer<CommonOptions>, parameters: readonly Tensor[], g: readonly Tensor[], lr: Tensor): void =>
    optimizer.step(new Gradients(parameters.map((one, i) => [one, g[i] as Tensor] as const)), { lr });
  const run = (optimizer: Optimizer<CommonOptions>, parameters: readonly Tensor[], from: number, to: number): void => {
    for (let k = from; k < to; k += 1) {
      const given = SIZES.map((size) => tensor(gradient(size, k), { device: ctx.device }));
      using lr = tensor(rates[k] as number, { device: ctx.device });
      update(optimizer, parameters, given, lr);
      for (const one of given) one.dispose();
    }
  };
  const values = (parameters: readonly Tensor[]): Promise<ArrayLike<number>[]> =>
    Promise.all(parameters.map((one) => one.data()));

  it.each(Object.entries(RULES))('%s', async (_, [make, reference]) => {
    const plain = begin();
    const captured = begin();
    const resumed = begin();
    using first = make(plain);
    using second = make(captured);
    using third = make(resumed);

    run(first, plain, 0, STEPS / 2);
    const saved = first.stateDict();
    third.loadStateDict(saved);
    for (const state of Object.values(saved)) state.dispose();
    for (const [i, one] of resumed.entries()) {
      using copy = tensor(await (plain[i] as Tensor).data(), { device: ctx.device });
      noGrad(() => copyInto(one, copy));
    }
    run(first, plain, STEPS / 2, STEPS);
    run(third, resumed, STEPS / 2, STEPS);
    using step = capture(({ a, b, lr }: { a: Tensor; b: Tensor; lr: Tensor }) => update(second, captured, [a, b], lr), {
      device: ctx.device,
    });
    for (const [k, lr] of rates.entries()) {
      const [a, b] = SIZES.map((size) => ({ data: gradient(size, k), shape: [size] }));
      step({ a: a!, b: b!, lr });
    }

    const got = await values(plain);
    expect(await values(captured)).toEqual(got);
    expect(await values(resumed)).toEqual(got);
    for (const [i, size] of SIZES.entries()) {
      let expected = Float64Array.from(numbers(size, i));
      const next = reference(size);
      for (const [k, lr] of rates.entries()) expected = next(expected, Float64Array.from(gradient(size, k)), lr);
      expectNormClose(got[i]!, { shape: [size], data: expected }, 1e-6, `parameter ${i}`);
    }
    for (const one of [...plain, ...captured, ...resumed]) one.dispose();
  });

  it('climbs with maximize, and takes a rate for each group', async () => {
    const [a, b] = begin() as [Tensor, Tensor];
    const [beforeA, beforeB] = (await values([a, b])) as [Float32Array, Float32Array];
    using sgd = new SGD([{ parameters: [a] }, { parameters: [b], lrFactor: 2, maximize: true }], { lr: 1 });
    const ones = [a, b].map((one) => tensor(new Float32Array(one.size).fill(1), { device: ctx.device }));
    const gradients = new Gradients([
      [a, ones[0] as Tensor],
      [b, ones[1] as Tensor],
    ]);
    sgd.step(gradients, { lr: [0.5, 0.25] });
    expect((await a.data())[7]).toBeCloseTo(beforeA[7]! - 0.5, 6);
    expect((await b.data())[3]).toBeCloseTo(beforeB[3]! + 0.5, 6);
    expect(() => sgd.step(gradients, { lr: [1] })).toThrow(/lr lists 1 rates for 2 groups/);
    gradients.dispose();
    for (const one of [a, b]) one.dispose();
  });

  it('refuses settings that mean nothing', () => {
    const [a, b] = begin() as [Tensor, Tensor];
    expect(() => new RMSprop([a], { alpha: 1 })).toThrow(/^RMSprop: got alpha 1, eps/);
    expect(() => new Adagrad([a], { lrDecay: -1 })).toThrow(/^Adagrad: lrDecay is -1/);
    expect(() => new Lion([a], { betas: [0.9, 1] })).toThrow(/beta2 1/);
    expect(() => new Adam([a], { betas: [0.9, 1] })).toThrow(/^Adam: /);
    for (const one of [a, b]) one.dispose();
  });
});
