import { describe, expect, it } from 'vitest';
import { add, matmul, mseLoss, tensor } from '@mudpt/tensor';
import { eachDevice } from '@mudpt/testing/support';
import { type LbfgsEvaluation, lbfgs, minimize, parameter } from '../index.ts';

const rosenbrock = (x: Float64Array): Promise<LbfgsEvaluation> => {
  const gradient = new Float64Array(x.length);
  let value = 0;
  for (let i = 0; i + 1 < x.length; i += 1) {
    const [a, b] = [x[i] ?? 0, x[i + 1] ?? 0];
    value += 100 * (b - a * a) ** 2 + (1 - a) ** 2;
    gradient[i] = (gradient[i] ?? 0) - 400 * a * (b - a * a) - 2 * (1 - a);
    gradient[i + 1] = (gradient[i + 1] ?? 0) + 200 * (b - a * a);
  }
  return Promise.resolve({ value, gradient });
};

describe('lbfgs', () => {
  it("finds the end of Rosenbrock's valley", async () => {
    const { x, reason, iterations } = await lbfgs(rosenbrock, Float64Array.of(-1.2, 1, -1.2, 1, 0.5), {
      maxIterations: 500,
      tolerance: 1e-8,
    });
    expect(reason).toBe('converged');
    expect(iterations).toBeLessThan(150);
    for (const value of x) expect(value).toBeCloseTo(1, 6);
  });

  it('solves a badly scaled quadratic', async () => {
    const scales = Float64Array.from({ length: 30 }, (_, i) => 10 ** (i / 10));
    const quadratic = (x: Float64Array): Promise<LbfgsEvaluation> =>
      Promise.resolve({
        value: x.reduce((sum, value, i) => sum + ((scales[i] ?? 0) * (value - i) ** 2) / 2, 0),
        gradient: x.map((value, i) => (scales[i] ?? 0) * (value - i)),
      });
    const { x, reason } = await lbfgs(quadratic, new Float64Array(30), { maxIterations: 500, tolerance: 1e-6 });
    expect(reason).toBe('converged');
    for (const [i, value] of x.entries()) expect(value).toBeCloseTo(i, 4);
  });

  it('says when it ends early: iterations used up, or nothing gets lower', async () => {
    const start = Float64Array.of(-1.2, 1);
    const seen: number[] = [];
    const options = { maxIterations: 3, tolerance: 1e-8, onIteration: (_: number, value: number) => seen.push(value) };
    expect((await lbfgs(rosenbrock, start, options)).reason).toBe('iterations');
    expect(seen).toHaveLength(3);
    expect([...seen].sort((a, b) => b - a)).toEqual(seen);
    const flat = (x: Float64Array): Promise<LbfgsEvaluation> => Promise.resolve({ value: 1, gradient: x.map(() => 1) });
    expect((await lbfgs(flat, start, { maxIterations: 5, tolerance: 1e-8 })).reason).toBe('stalled');
  });
});

eachDevice('minimize', (ctx) => {
  it('leaves the least squares in the parameters', async () => {
    const { device } = ctx;
    using a = tensor([1, 2, 0, 1, 3, -1, 2, 2, 1, 1, 0, 4], { shape: [4, 3], device });
    using wanted = tensor([1, -2, 0.5], { shape: [3, 1], device });
    using w = parameter(tensor([0, 0, 0], { shape: [3, 1], device }));
    using offset = parameter(tensor([5], { device }));
    using y = matmul(a, wanted);
    const { reason, value } = await minimize(() => mseLoss(add(matmul(a, w), offset), y), [w, offset], { maxIterations: 60 });
    expect(reason).not.toBe('iterations');
    expect(value).toBeLessThan(1e-9);
    const found = [...(await w.data()), await offset.item()];
    for (const [i, expected] of [1, -2, 0.5, 0].entries()) expect(found[i]).toBeCloseTo(expected, 3);
    await expect(minimize(() => mseLoss(a, a), [])).rejects.toThrow(/^minimize: there are no parameters/);
  });
});
