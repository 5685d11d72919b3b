import { expect, it } from 'vitest';
import { tensor, type Tensor } from '@mudpt/tensor';
import { view } from '@mudpt/tensor/kernels';
import { eachDevice } from '@mudpt/testing/support';
import { AdamW, dropout, EMA, Gradients, LAMB, parameter, SGD } from '../index.ts';

/** Less than a block, exactly one, and many with a ragged end. */
const SIZES = [1, 3, 64, 256, 257, 1999];

const numbers = (size: number, seed: number): Float32Array =>
  Float32Array.from({ length: size }, (_, i) => (((i + seed * 131) * 7919) % 257) / 128 - 1);

const OPTIMIZERS: Readonly<Record<string, (parameters: readonly Tensor[]) => SGD | AdamW | LAMB>> = {
  SGD: (parameters) => new SGD(parameters, { lr: 0.1, momentum: 0.9, dampening: 0.5, weightDecay: 0.01 }),
  AdamW: (parameters) => new AdamW(parameters, { lr: 0.1, amsgrad: true }),
  LAMB: (parameters) => new LAMB(parameters, { lr: 0.1 }),
};

eachDevice('few long threads and many short ones have the same bits:', (ctx) => {
  /** Values of `body` with little and with much work per thread. */
  async function both(family: string, body: () => Promise<readonly ArrayLike<number>[]>): Promise<void> {
    const results = [];
    for (const variant of ['short', 'long']) {
      using _ = ctx.device.tuner.force(family, variant);
      results.push(await body());
    }
    expect(results[1]).toEqual(results[0]);
  }

  it.each(Object.keys(OPTIMIZERS))('%s and the average, from gradients at any offset', async (name) => {
    await both('optimizer', async () => {
      const parameters = SIZES.map((size) => parameter(tensor(numbers(size, 1), { device: ctx.device })));
      const wholes = SIZES.map((size) => tensor(numbers(size + 5, 2), { device: ctx.device }));
      const optimizer = (OPTIMIZERS[name] as (typeof OPTIMIZERS)[string])(parameters);
      const average = new EMA(parameters, 0.9);
      for (const offset of [0, 1, 4]) {
        const views = wholes.map((whole, i) => view(whole, { shape: [SIZES[i]!], strides: [1], offset }));
        const gradients = new Gradients(parameters.map((one, i) => [one, views[i] as Tensor] as const));
        optimizer.step(gradients);
        average.update();
        gradients.dispose();
      }
      const averages = parameters.map((one) => average.average(one));
      const values = await Promise.all([...parameters, ...averages].map((one) => one.data()));
      for (const one of [...averages, ...parameters, ...wholes]) one.dispose();
      average.dispose();
      optimizer.dispose();
      return values;
    });
  });

  it('dropout, from any offset', async () => {
    using whole = tensor(numbers(2100, 3), { device: ctx.device });
    for (const size of SIZES) {
      for (const offset of [0, 1, 8]) {
        using x = view(whole, { shape: [size], strides: [1], offset });
        await both('dropout', async () => {
          using y = dropout(x, { p: 0.4, seed: 5, stream: 6 });
          return [await y.data()];
        });
      }
    }
  });
});
