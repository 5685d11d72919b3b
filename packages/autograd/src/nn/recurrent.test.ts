/** Recurrent layers against f64: outputs, states, and gradients of weights and inputs by central differences. */
import { expect, it } from 'vitest';
import { capture, mul, sum, tensor, type Tensor } from '@mudpt/tensor';
import { expectNormClose } from '@mudpt/testing/reference/compare';
import { eachDevice } from '@mudpt/testing/support';
import { type Kind, recurrent, type Weights } from '../../test/recurrent-reference.ts';
import { GRU, lossAndGradients, LSTM, type Module, randomFrom, RNN, type RecurrentOptions, withSeed } from '../index.ts';

const [B, T, INPUTS, HIDDEN] = [2, 3, 3, 2];
type Layer = Module & { forward(x: Tensor): { output: Tensor; state: Tensor | { h: Tensor; c: Tensor } } };
const MAKE: Readonly<Record<Kind, (options: RecurrentOptions) => Layer>> = {
  RNN: (options) => new RNN(INPUTS, HIDDEN, options),
  GRU: (options) => new GRU(INPUTS, HIDDEN, options),
  LSTM: (options) => new LSTM(INPUTS, HIDDEN, options),
};
const xs = Float64Array.from({ length: B * T * INPUTS }, (_, i) => Math.fround(Math.sin(i * 1.7)));
/** Any weights of a sum, so that every output counts differently. */
const factors = Float64Array.from({ length: B * T * 2 * HIDDEN }, (_, i) => Math.fround(Math.cos(i)));

const sequences = (x: Float64Array): number[][][] =>
  Array.from({ length: B }, (_, b) =>
    Array.from({ length: T }, (__, t) => [...x.slice((b * T + t) * INPUTS, (b * T + t + 1) * INPUTS)]),
  );
const outputsOf = (kind: Kind, weights: Weights, x: Float64Array): number[] =>
  sequences(x).flatMap((sequence) => recurrent(kind, weights, HIDDEN, sequence).output.flat());

function difference(kind: Kind, weights: Weights, target: Float64Array, x: Float64Array): Float64Array {
  const loss = (): number => outputsOf(kind, weights, x).reduce((total, value, i) => total + value * (factors[i] as number), 0);
  return target.map((value, i) => {
    target[i] = value + 1e-5;
    const up = loss();
    target[i] = value - 1e-5;
    const down = loss();
    target[i] = value;
    return (up - down) / 2e-5;
  });
}

eachDevice('recurrent layers', (ctx) => {
  it.each(Object.keys(MAKE) as Kind[])('%s of two layers in both directions', async (kind) => {
    const { device } = ctx;
    using layer = MAKE[kind]({ layers: 2, bidirectional: true, device, random: randomFrom(3) });
    const weights: Record<string, Float64Array> = {};
    for (const [name, one] of layer.namedTensors()) weights[name] = Float64Array.from(await one.data());
    using x = tensor(Float32Array.from(xs), { shape: [B, T, INPUTS], device });
    using factor = tensor(Float32Array.from(factors), { shape: [B, T, 2 * HIDDEN], device });

    const { value, gradients } = lossAndGradients(() => {
      const { output, state } = layer.forward(x);
      return { loss: sum(mul(output, factor)), output, ...('h' in state ? state : { h: state }) };
    }, [x]);
    const expected = sequences(xs).map((sequence) => recurrent(kind, weights, HIDDEN, sequence));
    expectNormClose(await value.output.data(), { shape: [B, T, 4], data: outputsOf(kind, weights, xs) }, 1e-6, 'output');
    const lasts = (of: 'h' | 'c'): number[] => [0, 1, 2, 3].flatMap((way) => expected.flatMap((one) => one[of][way] as number[]));
    expectNormClose(await value.h.data(), { shape: [4, B, HIDDEN], data: lasts('h') }, 1e-6, 'last h');
    if ('c' in value && value.c)
      expectNormClose(await (value.c as Tensor).data(), { shape: [4, B, HIDDEN], data: lasts('c') }, 1e-6, 'last c');
    for (const [name, one] of layer.namedTensors()) {
      const data = difference(kind, weights, weights[name] as Float64Array, xs);
      expectNormClose(await gradients.of(one).data(), { shape: one.shape, data }, 1e-5, name);
    }
    expectNormClose(await gradients.of(x).data(), { shape: x.shape, data: difference(kind, weights, xs, xs) }, 1e-5, 'x');
    gradients.dispose();
    for (const one of Object.values(value)) (one as Tensor).dispose();
  });

  it('goes on from a state as in one sequence, captured too, and drops out between layers', async () => {
    const { device } = ctx;
    using lstm = new LSTM(INPUTS, HIDDEN, { device, random: randomFrom(4) });
    using x = tensor(Float32Array.from(xs), { shape: [B, T, INPUTS], device });
    const whole = lstm.forward(x);
    using parts = capture(
      ({ input }: { input: Tensor }) => {
        const first = lstm.forward(input.narrow(1, 0, 2));
        return lstm.forward(input.narrow(1, 2, 1), first.state);
      },
      { device },
    );
    const { state } = parts({ input: x });
    expect(await state.c.data()).toEqual(await whole.state.c.data());
    expect(() => lstm.forward(x, { h: x, c: x })).toThrow(
      /^LSTM: state.h has shape \[2, 3, 3\]; give \[1, 2, 2\]|^LSTM: state.h/,
    );
    using gru = new GRU(INPUTS, HIDDEN, { layers: 2, dropout: 0.5, device, random: randomFrom(4) });
    const results = [1, 2].map((seed) => withSeed(seed, () => gru.forward(x)));
    expect(await results[0]!.output.data()).not.toEqual(await results[1]!.output.data());
    const still = gru.eval().forward(x);
    expect(still.output.shape).toEqual([B, T, HIDDEN]);
    for (const { output, state: last } of [...results, still]) [output, last].forEach((one) => one.dispose());
    for (const one of [whole.output, whole.state.h, whole.state.c]) one.dispose();
    expect(() => gru.forward(whole.output)).toThrow();
    expect(() => new RNN(2, 3, { activation: 'gelu' as never })).toThrow(/^RNN: activation is "gelu"/);
    expect(() => new GRU(2, 3, { dropout: 2 })).toThrow(/^GRU: dropout is 2/);
  });
});
