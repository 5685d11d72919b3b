/**
 * Recurrent layers over sequences [B, T, inputs]: RNN, GRU, LSTM, in several layers and both directions. Source: torch.nn.RNN, GRU, LSTM; gates lie in its
 * order in the weights.
 */
import { relu, scope, type Shape, ShapeError, tanh, type Tensor, transpose, zeros } from '@mudpt/tensor/functions';
import { expectShare } from '../checks.ts';
import { cat, chunk, linear, stack, unbind } from '../ops.ts';
import { expectOneOf, nth } from '@mudpt/tensor/internal';
import { Dropout } from './dropout.ts';
import { gruCandidate, gruOutput, lstmOutput, lstmState } from './gates.ts';
import { expectModuleOptions, type InitOptions, initOf, uniform } from './init.ts';
import { Module } from './module.ts';

/** Options of {@link RNN}, {@link GRU} and {@link LSTM}. */
export type RecurrentOptions = InitOptions & {
  /** Layers, each of which reads the one before. Default 1. */
  readonly layers?: number;
  /** Whether a second set of weights reads backwards; outputs then have twice the width. Default false. */
  readonly bidirectional?: boolean;
  /** Default true. */
  readonly bias?: boolean;
  /** Probability of dropout of the inputs of the second and later layers, while training. Default 0. */
  readonly dropout?: number;
};

/** The weights of one layer in one direction: of the inputs [gates * hidden, inputs], of the hidden state [gates * hidden, hidden], and their biases. */
export class RecurrentWeights extends Module {
  readonly inputs: Tensor;
  readonly hidden: Tensor;
  readonly inputsBias: Tensor | undefined;
  readonly hiddenBias: Tensor | undefined;

  constructor(inputs: number, hidden: number, gates: number, bias: boolean, init: InitOptions) {
    super();
    const bound = 1 / Math.sqrt(hidden);
    this.inputs = uniform([gates * hidden, inputs], bound, init);
    this.hidden = uniform([gates * hidden, hidden], bound, init);
    this.inputsBias = bias ? uniform([gates * hidden], bound, init) : undefined;
    this.hiddenBias = bias ? uniform([gates * hidden], bound, init) : undefined;
  }
}

/** The state that one step passes to the next: the hidden state [B, hidden], and the cell state of an LSTM. */
type Carry = readonly [h: Tensor, c?: Tensor];

abstract class Recurrent extends Module {
  /** Weights of each layer. */
  readonly layers: readonly RecurrentWeights[];
  /** Weights of each layer's backward direction; empty for one direction. */
  readonly reversed: readonly RecurrentWeights[];
  readonly dropout: Dropout | undefined;

  protected constructor(
    private readonly op: string,
    readonly inputs: number,
    readonly hidden: number,
    gates: number,
    options: RecurrentOptions,
    more: readonly string[] = [],
  ) {
    super();
    expectModuleOptions(op, options, ['layers', 'bidirectional', 'bias', 'dropout', ...more]);
    const { layers = 1, bidirectional = false, bias = true, dropout = 0 } = options;
    expectShare(op, 'dropout', dropout);
    const make = (layer: number): RecurrentWeights =>
      new RecurrentWeights(layer === 0 ? inputs : hidden * (bidirectional ? 2 : 1), hidden, gates, bias, initOf(options));
    const made = Array.from({ length: layers }, (_, layer) => [make(layer), ...(bidirectional ? [make(layer)] : [])]);
    this.layers = made.map(([there]) => there as RecurrentWeights);
    this.reversed = bidirectional ? made.map(([, back]) => back as RecurrentWeights) : [];
    this.dropout = dropout > 0 ? new Dropout(dropout) : undefined;
  }

  /** Layers and directions: the first size of states. */
  protected get stateCount(): number {
    return this.layers.length + this.reversed.length;
  }

  /** One step: `gates` [B, gates * hidden] of the inputs, and the state of the step before. */
  protected abstract step(gates: Tensor, carry: Carry, weights: RecurrentWeights): Carry;

  /** @returns outputs [B, T, hidden, or twice that], and the last state of each layer and direction */
  protected run(x: Tensor, begin: (state: number) => Carry): { readonly output: Tensor; readonly carries: readonly Carry[] } {
    if (x.rank !== 3 || x.shape[2] !== this.inputs)
      throw new ShapeError(this.op, `x has shape [${x.shape.join(', ')}]`, `give sequences [B, T, ${this.inputs}]`);
    let sequence = transpose(x, 0, 1);
    const carries: Carry[] = [];
    for (const [layer, there] of this.layers.entries()) {
      const back = this.reversed[layer];
      if (layer > 0 && this.dropout) sequence = this.dropout.forward(sequence);
      const ways = [there, ...(back ? [back] : [])].map((weights, way) => {
        const { outputs, last } = this.scan(sequence, begin(carries.length), weights, way === 1);
        carries.push(last);
        return outputs;
      });
      sequence = ways.length === 1 ? nth(ways, 0) : cat(ways, -1);
    }
    return { output: transpose(sequence, 0, 1), carries };
  }

  /** A state [layers and directions, B, hidden], or zeros, by layer and direction. @throws ShapeError for one of another shape */
  protected statesOf(name: string, state: Tensor | undefined, x: Tensor): readonly Tensor[] {
    const shape: Shape = [this.stateCount, x.shape[0] ?? 0, this.hidden];
    if (!state) {
      const none = zeros(shape.slice(1), { device: x.device, dtype: x.dtype });
      return Array.from({ length: this.stateCount }, () => none);
    }
    if (state.shape.join() === shape.join()) return unbind(state, 0);
    throw new ShapeError(this.op, `${name} has shape [${state.shape.join(', ')}]`, `give [${shape.join(', ')}]`);
  }

  /** One direction through a sequence [T, B, width]: the products of all inputs at once, then a product of the hidden state for each step. */
  private scan(
    sequence: Tensor,
    begin: Carry,
    weights: RecurrentWeights,
    isReversed: boolean,
  ): { readonly outputs: Tensor; readonly last: Carry } {
    const gates = unbind(linear(sequence, weights.inputs, weights.inputsBias), 0);
    if (isReversed) gates.reverse();
    let carry = begin;
    const outputs = gates.map((gate) => {
      carry = this.step(gate, carry, weights);
      return carry[0];
    });
    if (isReversed) outputs.reverse();
    return { outputs: stack(outputs, 0), last: carry };
  }
}

/** Options of an {@link RNN}. */
export type RNNOptions = RecurrentOptions & {
  /** Default 'tanh'. */
  readonly activation?: 'tanh' | 'relu';
};

/** Outputs [B, T, hidden] (twice as wide in both directions) and the last hidden states [layers and directions, B, hidden]. */
export type RecurrentResult = { readonly output: Tensor; readonly state: Tensor };

/** Recurrent layers whose state is the hidden state alone. */
abstract class HiddenStateRecurrent extends Recurrent {
  /** x [B, T, inputs]. The caller disposes both results. @param state where to begin; zeros without it */
  forward(x: Tensor, state?: Tensor): RecurrentResult {
    return scope(() => {
      const states = this.statesOf('state', state, x);
      const { output, carries } = this.run(x, (which) => [nth(states, which)]);
      return { output, state: stack(carries.map(([h]) => h)) };
    });
  }
}

/** A plain recurrent layer: h = tanh(W x + b + U h + c). Begins as PyTorch's: uniform within 1 / sqrt(hidden). */
export class RNN extends HiddenStateRecurrent {
  private readonly activation: 'tanh' | 'relu';

  constructor(inputs: number, hidden: number, options: RNNOptions = {}) {
    const { activation = 'tanh' } = options;
    expectOneOf('RNN', 'activation', activation, ['tanh', 'relu']);
    super('RNN', inputs, hidden, 1, options, ['activation']);
    this.activation = activation;
  }

  protected step(gates: Tensor, [h]: Carry, { hidden, hiddenBias }: RecurrentWeights): Carry {
    const sum = linear(h, hidden, hiddenBias, { residual: gates });
    return [this.activation === 'tanh' ? tanh(sum) : relu(sum)];
  }
}

/** Gated recurrent units; gates in the order reset, update, candidate. Begins as PyTorch's: uniform within 1 / sqrt(hidden). */
export class GRU extends HiddenStateRecurrent {
  constructor(inputs: number, hidden: number, options: RecurrentOptions = {}) {
    super('GRU', inputs, hidden, 3, options);
  }

  protected step(gates: Tensor, [h]: Carry, { hidden, hiddenBias }: RecurrentWeights): Carry {
    const [r, z, n] = chunk(gates, 3, 1) as [Tensor, Tensor, Tensor];
    const [hr, hz, hn] = chunk(linear(h, hidden, hiddenBias), 3, 1) as [Tensor, Tensor, Tensor];
    return [gruOutput(z, hz, gruCandidate(r, hr, n, hn), h)];
  }
}

/** Hidden and cell states, each [layers and directions, B, hidden]. */
export type LSTMState = { readonly h: Tensor; readonly c: Tensor };

/**
 * Long short-term memory; gates in the order input, forget, cell, output. Begins as PyTorch's: uniform within 1 / sqrt(hidden).
 * @example
 * console.log(new LSTM(3, 4).forward(ones([2, 5, 3])).output.shape); // [2,5,4]
 */
export class LSTM extends Recurrent {
  constructor(inputs: number, hidden: number, options: RecurrentOptions = {}) {
    super('LSTM', inputs, hidden, 4, options);
  }

  /** x [B, T, inputs]. The caller disposes all results. @param state where to begin; zeros without it */
  forward(x: Tensor, state?: LSTMState): { readonly output: Tensor; readonly state: LSTMState } {
    return scope(() => {
      const [hs, cs] = [this.statesOf('state.h', state?.h, x), this.statesOf('state.c', state?.c, x)];
      const { output, carries } = this.run(x, (which) => [nth(hs, which), nth(cs, which)]);
      return { output, state: { h: stack(carries.map(([h]) => h)), c: stack(carries.map(([, c]) => c as Tensor)) } };
    });
  }

  protected step(gates: Tensor, [h, c]: Carry, { hidden, hiddenBias }: RecurrentWeights): Carry {
    const all = linear(h, hidden, hiddenBias, { residual: gates });
    const [i, f, g, o] = chunk(all, 4, 1) as [Tensor, Tensor, Tensor, Tensor];
    const next = lstmState(i, g, f, c as Tensor);
    return [lstmOutput(o, next), next];
  }
}
