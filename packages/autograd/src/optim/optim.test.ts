import { expect, it } from 'vitest';
import { capture, mseLoss, mul, openSafetensors, tensor, type Tensor, toFloat32 } from '@mudpt/tensor';
import { expectNormClose } from '@mudpt/testing/reference/compare';
import { eachDevice } from '@mudpt/testing/support';
import goldens from '@mudpt/testing/fixtures/schedule.json' with { type: 'json' };
import {
  Adam,
  AdamW,
  clipGradNorm,
  clipGradValue,
  constant,
  cosine,
  EMA,
  Gradients,
  type Optimizer,
  parameter,
  SGD,
  stepDecay,
  lossAndGradients,
  warmUp,
} from '../index.ts';
import { linear as linearSchedule, perStep } from './schedule.ts';

type Case = {
  readonly name: string;
  readonly optimizer: string;
  readonly lr_per_step: readonly number[];
  readonly options: Options;
};
type Options = {
  readonly lr: number;
  readonly momentum: number;
  readonly dampening: number;
  readonly nesterov: boolean;
  readonly weight_decay: number;
  readonly betas: [number, number];
  readonly eps: number;
  readonly amsgrad: boolean;
};
type Schedule = {
  readonly base_lr: number;
  readonly epochs?: number;
  readonly lr_per_epoch?: readonly number[];
  readonly total_steps?: number;
  readonly lr_per_step: readonly number[];
};
const STATES: Readonly<Record<string, string>> = { momentum_buffer: 'm', exp_avg: 'm', exp_avg_sq: 'v', max_exp_avg_sq: 'top' };

const build = ({ optimizer, options: o }: Case, parameters: readonly Tensor[]) => {
  if (optimizer.endsWith('SGD'))
    return new SGD(parameters, {
      lr: o.lr,
      momentum: o.momentum,
      dampening: o.dampening,
      nesterov: o.nesterov,
      weightDecay: o.weight_decay,
    });
  const options = { lr: o.lr, betas: o.betas, eps: o.eps, weightDecay: o.weight_decay, amsgrad: o.amsgrad };
  return optimizer.endsWith('AdamW') ? new AdamW(parameters, options) : new Adam(parameters, options);
};

// A file in Node, HTTP ranges in a browser.
const file = await openSafetensors(new URL('../../test/fixtures/optim.safetensors', import.meta.url));
const cases = JSON.parse(file.metadata['cases'] ?? '[]') as Case[];
const read = async (name: string) => {
  const raw = await file.read(name);
  return { shape: raw.shape, data: toFloat32(raw.dtype, raw.bytes) };
};

eachDevice('optimizers', (ctx) => {
  for (const golden of cases) {
    it(`${golden.name} equals PyTorch for five steps, plain and captured`, async () => {
      for (const isCaptured of [false, true]) {
        const load = async (name: string) => {
          const { shape, data } = await read(name);
          return tensor(data, { shape, device: ctx.device });
        };
        using w = parameter(await load(`${golden.name}.init.w`), { name: 'w' });
        using b = parameter(await load(`${golden.name}.init.b`), { name: 'b' });
        using optimizer: Optimizer<never> = build(golden, [w, b]) as never;
        const plain = ({ gw, gb, lr }: Readonly<Record<'gw' | 'gb' | 'lr', Tensor>>): void =>
          optimizer.step(
            new Gradients([
              [w, gw],
              [b, gb],
            ]),
            { lr },
          );
        using captured = capture(plain, { device: ctx.device });
        for (const [k, rate] of golden.lr_per_step.entries()) {
          using gw = await load(`${golden.name}.step${k}.grad.w`);
          using gb = await load(`${golden.name}.step${k}.grad.b`);
          if (isCaptured) captured({ gw, gb, lr: rate });
          else
            optimizer.step(
              new Gradients([
                [w, gw],
                [b, gb],
              ]),
              { lr: rate },
            );
          for (const [name, p] of [
            ['w', w],
            ['b', b],
          ] as const)
            expectNormClose(await p.data(), await read(`${golden.name}.step${k}.param.${name}`), 1e-6, `${name} after step ${k}`);
        }
        const states = optimizer.stateDict();
        for (const [theirs, ours] of Object.entries(STATES)) {
          for (const name of ['w', 'b']) {
            const key = `${golden.name}.state.${theirs}.${name}`;
            if (!file.tensors.has(key)) continue;
            expectNormClose((await states[`${ours}.${name}`]?.data()) ?? [], await read(key), 1e-5, key);
          }
        }
        for (const state of Object.values(states)) state.dispose();
      }
    });
  }

  it('updates a group in one dispatch after the one that gathers gradients, and leaves parameters without gradient alone', async () => {
    const params = Array.from({ length: 5 }, (_, i) => parameter(tensor([i, i + 1, i + 2], { device: ctx.device })));
    using adam = new AdamW(params, { lr: 0.1 });
    using step = capture(({ g }: { g: Tensor }) => adam.step(new Gradients(params.slice(0, 4).map((p) => [p, g]))), {
      device: ctx.device,
    });
    step({ g: { data: [1, -1, 2], shape: [3] } });
    expect(step.plans[0]?.steps.filter((name) => name.startsWith('optim.')).map((name) => name.split('{')[0])).toEqual([
      'optim.pack',
      'optim.adam',
    ]);
    expect(await params[4]?.data()).toEqual(Float32Array.of(4, 5, 6));
    expect(() => adam.step(new Gradients())).toThrow(/none of its parameters has a gradient/);
    const [learnt] = adam.groups.flatMap(({ arena }) => arena.parameters);
    using odd = tensor([1, 2, 3, 4, 5, 6, 7], { device: ctx.device });
    expect(() => adam.step(new Gradients([[learnt!, odd]]))).toThrow(/gradient of parameter .* has shape \[7\]/);
    expect(() => new AdamW(params, { lr: Number.NaN })).toThrow(/lr is NaN/);
    const states = adam.stateDict();
    expect(await states['step.0']?.item()).toBe(1);
    expect(await states['step.4']?.item()).toBe(0);
    const other = Array.from({ length: 5 }, () => parameter(tensor([0, 0, 0], { device: ctx.device })));
    using restored = new AdamW(other, { lr: 0.1 });
    restored.loadStateDict(states);
    const again = restored.stateDict();
    for (const name of Object.keys(states)) expect(await again[name]?.data()).toEqual(await states[name]?.data());
    for (const t of [...params, ...other, ...Object.values(states), ...Object.values(again)]) t.dispose();
  });

  it('has groups with options of their own', async () => {
    using a = parameter(tensor([1], { device: ctx.device }));
    using b = parameter(tensor([1], { device: ctx.device }));
    using sgd = new SGD([{ parameters: [a] }, { parameters: [b], lrFactor: 10 }], { lr: 0.01 });
    using g = tensor([1], { device: ctx.device });
    sgd.step(
      new Gradients([
        [a, g],
        [b, g],
      ]),
    );
    expect(await a.item()).toBeCloseTo(0.99, 6);
    expect(await b.item()).toBeCloseTo(0.9, 6);
    expect(() => new SGD([a, a], { lr: 1 })).toThrow(/named twice/);
    expect(() => new SGD([b], { lr: 1, nesterov: true })).toThrow(/nesterov/);
    expect(() => new SGD([b], { lr: 1, momentum: -1 })).toThrow(/^SGD: momentum is -1/);
  });

  it('clips by the norm of all gradients and averages parameters', async () => {
    using a = parameter(tensor([3, 0], { device: ctx.device }));
    using b = parameter(tensor([4], { device: ctx.device }));
    const gradients = new Gradients([
      [a, tensor([3, 0], { device: ctx.device })],
      [b, tensor([4], { device: ctx.device })],
    ]);
    using norm = clipGradNorm(gradients, 1);
    expect(await norm.item()).toBeCloseTo(5, 5);
    expect([...(await gradients.of(a).data()), ...(await gradients.of(b).data())].map((x) => Math.round(x * 1e5) / 1e5)).toEqual([
      0.6, 0, 0.8,
    ]);
    using untouched = clipGradNorm(gradients, 10);
    expect(await untouched.item()).toBeCloseTo(1, 5);
    const signed = new Gradients([[a, tensor([-3, 0.5], { device: ctx.device })]]);
    clipGradValue(signed, 1);
    expect(await signed.of(a).data()).toEqual(Float32Array.of(-1, 0.5));
    signed.dispose();
    using ema = new EMA([a, b], 0.75);
    using sgd = new SGD([a, b], { lr: 1 });
    sgd.step(gradients);
    gradients.dispose();
    ema.update();
    using average = ema.average(a);
    expect((await average.data())[0]).toBeCloseTo(0.75 * 3 + 0.25 * 2.4, 5);
    ema.apply();
    expect(await b.item()).toBeCloseTo(0.75 * 4 + 0.25 * 3.2, 5);
  });

  it('schedules: as PyTorch and Dassl', () => {
    const schedules: Record<string, Schedule> = goldens.schedules;
    for (const { base_lr: base, epochs, lr_per_epoch: expected, total_steps: total, lr_per_step: steps } of Object.values(
      schedules,
    )) {
      if (!expected || epochs === undefined) {
        const bySteps = perStep(cosine(base, total!));
        steps.forEach((want, step) => expect(bySteps({ epoch: step, step: 0, steps: 1 })).toBeCloseTo(want, 12));
        continue;
      }
      const schedule = warmUp(cosine(base, epochs), { epochs: 1, kind: 'constant', lr: 1e-5 });
      expected.forEach((want, epoch) => expect(schedule({ epoch, step: 2, steps: 3 })).toBeCloseTo(want, 12));
    }
    const at = (epoch: number, step = 0) => ({ epoch, step, steps: 4 });
    expect(constant(3)(at(9))).toBe(3);
    expect(linearSchedule(1, 10)(at(5))).toBe(0.5);
    expect(perStep(linearSchedule(1, 10))(at(5, 2))).toBeCloseTo(0.45, 12);
    expect(stepDecay(1, 3)(at(7))).toBeCloseTo(0.01, 12);
    expect(stepDecay(1, [2, 5], 0.5)(at(5))).toBe(0.25);
    expect(warmUp(constant(1), { epochs: 2, kind: 'linear', lr: 0 })(at(1, 2))).toBe(0.75);
  });

  it('learns in a captured step as in plain ones, to the bit', async () => {
    const learn = async (isCaptured: boolean): Promise<number[]> => {
      using w = parameter(tensor([1, -2, 3, 0.5], { device: ctx.device }));
      using adam = new Adam([w], { lr: 0.05 });
      const single = ({ x, lr }: { x: Tensor; lr: Tensor }): void => {
        const { value, gradients } = lossAndGradients(() => mseLoss(mul(w, x), x));
        value.dispose();
        adam.step(gradients, { lr });
        gradients.dispose();
      };
      using step = capture(single, { device: ctx.device });
      for (let i = 0; i < 4; i += 1) {
        using x = tensor([i, 1, 2, 3], { device: ctx.device });
        using lr = tensor(0.05 / (i + 1), { device: ctx.device });
        if (isCaptured) step({ x, lr });
        else single({ x, lr });
      }
      return [...(await w.data())];
    };
    expect(await learn(true)).toEqual(await learn(false));
  });

  it('refuses to average what it was not given, and to clip nothing', () => {
    using a = parameter(tensor([1, 2], { device: ctx.device }));
    using b = parameter(tensor([3, 4], { device: ctx.device }));
    using ema = new EMA([a], 0.5);
    expect(() => ema.average(b)).toThrow(/^EMA: it averages no parameter/);
    expect(() => clipGradNorm(new Gradients(), 1)).toThrow(/^clipGradNorm: there are no gradients/);
    expect(() => clipGradNorm(new Gradients(), -1)).toThrow(/^clipGradNorm: most is -1/);
    expect(() => new EMA([], 1.5)).toThrow(/^EMA: decay is 1.5/);
    expect(() => clipGradValue(new Gradients(), 0)).toThrow(/^clipGradValue: most is 0/);
  });

  it('does not move a parameter away from what was captured, nor update one that has moved', async () => {
    using x = parameter(tensor([1, 2], { device: ctx.device }));
    using gradient = tensor([1, 1], { device: ctx.device });
    const captured = capture(() => x.mul(2), { device: ctx.device });
    captured({});
    expect(() => new SGD([x], { lr: 1 })).toThrow(/belongs to a captured function.*make the optimizer before/i);
    captured.dispose();
    using before = new SGD([x], { lr: 1 });
    using after = new SGD([x], { lr: 1 });
    const gradients = new Gradients([[x, gradient]]);
    expect(() => before.step(gradients)).toThrow(/belongs to an optimizer made later/);
    after.step(gradients);
    expect(await x.data()).toEqual(Float32Array.of(0, 1));
  });

  it('refuses options that it does not have', () => {
    using x = parameter(tensor([1, 2], { device: ctx.device }));
    expect(() => new AdamW([x], { learningRate: 0.1 } as never)).toThrow(/no option "learningRate". Options are lr, lrFactor,/);
    expect(() => new SGD([{ parameters: [x], decay: 0 } as never], { lr: 1 })).toThrow(/no option "decay"/);
    expect(() => new SGD(x as never, { lr: 1 })).toThrow(/its parameters are no list/);
    using optimizer = new SGD([x], { lr: 1, momentum: null as never });
    expect(() => optimizer.step(undefined as never)).toThrow(/^optimizer: it got no gradients/);
    expect(() => optimizer.step(new Gradients(), { rate: 1 } as never)).toThrow(/no option "rate". Options are lr/);
  });
});
