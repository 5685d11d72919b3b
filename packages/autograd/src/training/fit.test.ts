import { expect, expectTypeOf, it } from 'vitest';
import { crossEntropy, mseLoss, relu, tensor, type Tensor } from '@mudpt/tensor';
import { eachDevice } from '@mudpt/testing/support';
import {
  Adam,
  type CommonOptions,
  DataLoader,
  Dropout,
  fit,
  type FitOptions,
  type FitState,
  inSteps,
  Linear,
  linearDecay,
  loadCheckpoint,
  type Optimizer,
  parameter,
  Plateau,
  randomFrom,
  Sequential,
  serializeCheckpoint,
  SGD,
} from '../index.ts';

const points = Array.from({ length: 12 }, (_, i) => ({ x: Float32Array.of(i % 2, (i >> 1) % 2), y: i % 2 }));

eachDevice('fit', (ctx) => {
  const loader = (batchSize = 5) => new DataLoader(points, { batchSize, shuffle: true, seed: 2, dtypes: { y: 'i32' } });
  function begin() {
    const options = { device: ctx.device, random: randomFrom(5) };
    const module = new Sequential(new Linear(2, 8, options), relu, new Dropout(0.2), new Linear(8, 2, options));
    const optimizer: Optimizer<CommonOptions> = new Adam(module.parameters(), { lr: 0.05 });
    return { module, optimizer, [Symbol.dispose]: () => [optimizer, module].forEach((one) => one.dispose()) };
  }
  const weights = async (module: Sequential): Promise<number[][]> =>
    Promise.all([...module.namedTensors()].map(async ([, one]) => [...(await one.data())]));

  it('learns, validates, reports; the same plain and captured, and in two parts, to the bit', async () => {
    const results: number[][][] = [];
    const train = (made: ReturnType<typeof begin>, more: Partial<FitOptions<never>> = {}) =>
      fit({
        ...made,
        loss: ({ x, y }) => {
          expectTypeOf(x).toEqualTypeOf<Tensor>();
          return crossEntropy(made.module.forward(x), y);
        },
        data: loader(),
        epochs: 6,
        schedule: inSteps(linearDecay(0.05, 18)),
        clipNorm: 1,
        validation: { data: loader(12) },
        ...(more as object),
      });
    for (const capture of [true, false]) {
      using made = begin();
      const steps: number[] = [];
      const { history, ended, state } = await train(made, { capture, every: 2, onStep: ({ step }) => void steps.push(step) });
      expect([ended, state.epoch, history.length]).toEqual(['epochs', 6, 6]);
      expect(steps).toEqual([2, 2, 2, 2, 2, 2]);
      expect(history[5]!.validation!.loss).toBeLessThan(0.95 * history[0]!.validation!.loss);
      expect(history[5]!.lr).toBeCloseTo(0.05 / 18, 9);
      results.push(await weights(made.module));
    }
    // Stops after the second update of the third epoch; goes on from bytes in new tensors.
    using first = begin();
    const stop = new AbortController();
    const { state, ended } = await train(first, {
      signal: stop.signal,
      every: 2,
      onStep: ({ epoch }) => void (epoch === 2 && stop.abort()),
    });
    expect([ended, state.epoch, state.step, state.batch]).toEqual(['aborted', 2, 2, 2]);
    const bytes = await serializeCheckpoint(first, state);
    using second = begin();
    const restored: FitState = await loadCheckpoint(bytes as never, second);
    expect(restored).toEqual(state);
    await train(second, { state: restored });
    results.push(await weights(second.module));
    expect(results[1]).toEqual(results[0]);
    expect(results[2]).toEqual(results[0]);
  });

  it('averages gradients over batches, the last ones of an epoch too', async () => {
    const values: number[] = [];
    for (const [batchSize, accumulate] of [
      [4, 2],
      [8, 1],
    ] as const) {
      using w = parameter(tensor([1], { device: ctx.device }));
      using optimizer = new SGD([w], { lr: 0.1 });
      const data = new DataLoader(
        Array.from({ length: 12 }, (_, i) => i),
        { batchSize },
      );
      const { history } = await fit({
        loss: (x) => mseLoss(w.mul(x), x.mul(3)),
        optimizer,
        data,
        epochs: 1,
        accumulate,
        clipValue: 5,
      });
      values.push(await w.item(), history[0]!.train.loss);
    }
    // The last update is of a batch of 4 either way.
    expect(values[0]).toBeCloseTo(values[2]!, 5);
    expect(values[1]).toBeGreaterThan(0);
  });

  it('stops early, lowers the rate on a plateau, and refuses what it cannot watch', async () => {
    using w = parameter(tensor([1], { device: ctx.device }));
    using optimizer = new SGD([w], { lr: 1 });
    const plateau = new Plateau(1, { patience: 0, factor: 0.5 });
    // The loss jumps from side to side at a rate of 1, is 0 after the first fall, and then never better.
    const options = {
      loss: (x: Tensor) => ({ loss: mseLoss(w, x), distance: w.sub(x).abs().mean() }),
      optimizer,
      data: [{ data: [0], shape: [1] }],
      schedule: plateau,
      epochs: 20,
    };
    const { history, ended, state } = await fit({ ...options, earlyStopping: { patience: 3 }, watch: { name: 'distance' } });
    expect(history.map(({ train }) => train['distance'])).toEqual([1, 1, 1, 0, 0, 0, 0].slice(0, history.length));
    expect(ended).toBe('early');
    expect(state.plateau?.lr).toBe(plateau.lr);
    // A metric that is NaN in the first epoch: a later number is better.
    const uneven = (x: Tensor) => ({ loss: mseLoss(w, x), ratio: x.div(x).mean() });
    const batches = (epoch: number) => [{ data: [epoch], shape: [1] }];
    const watched = await fit({ ...options, loss: uneven, data: batches, epochs: 2, watch: { name: 'ratio' } });
    expect(watched.history.map(({ isBest }) => isBest)).toEqual([false, true]);
    await expect(fit({ ...options, watch: { name: 'accuracy' } })).rejects.toThrow(/no accuracy to watch.*loss or distance/s);
    await expect(fit({ ...options, data: [] })).rejects.toThrow(/epoch 0 has no batches/);
    await expect(fit({ ...options, loss: (x: Tensor) => mseLoss(w.mul(Number.NaN), x) })).rejects.toThrow(/the loss is NaN/);
  });
});
