/** Schedules against torch's rules, which it applies step by step. */
import { describe, expect, it } from 'vitest';
import { capture, square, sum, tensor, type Tensor } from '@mudpt/tensor';
import { eachDevice } from '@mudpt/testing/support';
import {
  constant,
  cosine,
  cosineRestarts,
  exponential,
  inSteps,
  linearDecay as linear,
  lossAndGradients,
  oneCycle,
  parameter,
  perStep,
  Plateau,
  polynomial,
  type Schedule,
  sequence,
  SGD,
  stepDecay,
  warmUp,
} from '../index.ts';

const values = (schedule: Schedule, count: number): number[] =>
  Array.from({ length: count }, (_, epoch) => schedule({ epoch, step: 0, steps: 4 }));

function expectValues(schedule: Schedule, expected: readonly number[]): void {
  for (const [i, value] of values(schedule, expected.length).entries()) expect(value, `epoch ${i}`).toBeCloseTo(expected[i]!, 12);
}

describe('schedules', () => {
  it('exponential and polynomial: chained, as ExponentialLR and PolynomialLR', () => {
    const [decayed, powers] = [[0.5], [0.5]];
    for (let epoch = 1; epoch < 9; epoch += 1) {
      decayed.push(decayed.at(-1)! * 0.9);
      powers.push(epoch > 6 ? powers.at(-1)! : powers.at(-1)! * ((1 - epoch / 6) / (1 - (epoch - 1) / 6)) ** 2);
    }
    expectValues(exponential(0.5, 0.9), decayed);
    expectValues(polynomial(0.5, 6, 2), powers);
    expectValues(polynomial(1, 4, 1, 0.2), [1, 0.8, 0.6, 0.4, 0.2, 0.2]);
  });

  it.each([1, 2, 1.5])('cosine with restarts, each %s times as long', (factor) => {
    let [length, now] = [4, -1];
    const expected = Array.from({ length: 40 }, () => {
      now += 1;
      if (now >= length) [now, length] = [now - length, length * factor];
      return 0.1 + ((2 - 0.1) * (1 + Math.cos((Math.PI * now) / length))) / 2;
    });
    expectValues(cosineRestarts(2, 4, factor, 0.1), expected);
  });

  it('one cycle, of two phases or three, beyond its end too', () => {
    const anneal = (a: number, b: number, share: number): number => b + ((a - b) / 2) * (1 + Math.cos(Math.PI * share));
    // total_steps 20, pct_start 0.3: the top is at 0.3 * 20 - 1 = 5, the end at 19.
    const two = Array.from({ length: 20 }, (_, k) => (k <= 5 ? anneal(0.04, 1, k / 5) : anneal(1, 4e-6, (k - 5) / 14)));
    expectValues(oneCycle(1, 20), two);
    expectValues(oneCycle(1, 20), [...two, 4e-6, 4e-6]);
    // With three phases the first rate is back at 2 * 0.3 * 20 - 2 = 10.
    const line = (a: number, b: number, share: number): number => a + (b - a) * share;
    const three = Array.from({ length: 20 }, (_, k) => {
      if (k <= 5) return line(0.1, 1, k / 5);
      return k <= 10 ? line(1, 0.1, (k - 5) / 5) : line(0.1, 0.001, (k - 10) / 9);
    });
    expectValues(oneCycle(1, 20, { threePhases: true, shape: 'linear', divisor: 10, finalDivisor: 100 }), three);
  });

  it('one after another, under a warm-up, and in steps', () => {
    const parts = sequence([constant(3), 2], [exponential(1, 0.5), 3], [linear(1, 2), 1]);
    expectValues(parts, [3, 3, 1, 0.5, 0.25, 1, 0.5, 0]);
    expectValues(warmUp(stepDecay(1, [1, 3]), { epochs: 2, kind: 'constant', lr: 0.5 }), [0.5, 0.5, 1, 0.1, 0.1, 0.01]);
    const byStep = inSteps(cosine(1, 8));
    expect(byStep({ epoch: 1, step: 2, steps: 4 })).toBeCloseTo((1 + Math.cos((Math.PI * 6) / 8)) / 2, 12);
    expect(perStep(cosineRestarts(1, 1))({ epoch: 3, step: 2, steps: 4 })).toBeCloseTo(0.5, 12);
    expect(() => sequence()).toThrow(/^sequence: there are no schedules/);
  });

  it('plateau: falls after patience, cools down, stops at its floor, and goes on from a state', () => {
    const plateau = new Plateau(1, { patience: 1, factor: 0.5, cooldown: 1, minLr: 0.2, threshold: 0.1 });
    // 9.5 is not a tenth better than 10; the second such value is one too many; the one after the fall does not count.
    const losses = [10, 9.5, 9.5, 9.5, 9.5, 9.5, 8, 8, 8, 8, 8, 8];
    const rates = [1, 1, 0.5, 0.5, 0.5, 0.25, 0.25, 0.25, 0.2, 0.2, 0.2, 0.2];
    const middle = losses.slice(0, 4).map((loss) => plateau.observe(loss));
    const resumed = new Plateau(7, { patience: 1, factor: 0.5, cooldown: 1, minLr: 0.2, threshold: 0.1 });
    resumed.state = JSON.parse(JSON.stringify(plateau.state)) as typeof plateau.state;
    expect([...middle, ...losses.slice(4).map((loss) => resumed.observe(loss))]).toEqual(rates);
    expect(resumed.schedule({ epoch: 0, step: 0, steps: 1 })).toBe(0.2);
    const best = new Plateau(1, { mode: 'max', patience: 0, absolute: true, threshold: 0 });
    expect([1, 2, 2].map((accuracy) => best.observe(accuracy))).toEqual([1, 1, 0.1]);
    const begun = new Plateau(1, { patience: 1 });
    expect([NaN, Infinity, 3, 2, 1].map((loss) => begun.observe(loss))).toEqual([1, 0.1, 0.1, 0.1, 0.1]);
    expect(begun.state.best).toBe(1);
    expect(() => new Plateau(1, { mode: 'lowest' as never })).toThrow(/^Plateau: mode is "lowest".*'min', 'max'/);
    expect(() => oneCycle(1, 10, { shape: 'cos' as never })).toThrow(/^oneCycle: shape is "cos"/);
    expect(() => warmUp(constant(1), { epochs: 1, kind: 'cosine' as never, lr: 0 })).toThrow(/^warmUp: kind is "cosine"/);
    expect(() => cosine(1, 0)({ epoch: 0, step: 0, steps: 1 })).toThrow(/^cosine: it goes over 0 epochs/);
    expect(() => new Plateau(1, { factor: 1 })).toThrow(/^Plateau: factor is 1/);
  });
});

eachDevice('schedules', (ctx) => {
  it('are an input of a captured step, which stays one plan', async () => {
    using w = parameter(tensor([1], { device: ctx.device }));
    using sgd = new SGD([w], { lr: 1 });
    const step = capture(({ lr }: { lr: Tensor }) => sgd.step(lossAndGradients(() => sum(square(w))).gradients, { lr }), {
      device: ctx.device,
    });
    const schedule = oneCycle(0.25, 5);
    let expected = 1;
    for (let epoch = 0; epoch < 5; epoch += 1) {
      const lr = schedule({ epoch, step: 0, steps: 1 });
      step({ lr });
      expected -= lr * 2 * expected;
    }
    expect(await w.item()).toBeCloseTo(expected, 6);
    expect(step.plans).toHaveLength(1);
    step.dispose();
  });
});
