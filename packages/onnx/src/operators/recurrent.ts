/** LSTM, GRU and RNN, step by step. */
import * as engine from '@mudpt/tensor';
import type { Tensor } from '@mudpt/tensor';
import type { Call } from '../node/call.ts';
import type { Operator, Operators } from '../node/operator.ts';

type Activation = (x: Tensor) => Tensor;

const ACTIVATIONS: Readonly<Record<string, (alpha: number | undefined, beta: number | undefined) => Activation>> = {
  affine:
    (alpha = 1, beta = 0) =>
    (x) =>
      engine.add(engine.mul(x, alpha), beta),
  elu:
    (alpha = 1) =>
    (x) =>
      engine.elu(x, alpha),
  hardsigmoid:
    (alpha = 0.2, beta = 0.5) =>
    (x) =>
      engine.clamp(engine.add(engine.mul(x, alpha), beta), 0, 1),
  leakyrelu:
    (alpha = 0.01) =>
    (x) =>
      engine.leakyRelu(x, alpha),
  relu: () => engine.relu,
  scaledtanh:
    (alpha = 1, beta = 1) =>
    (x) =>
      engine.mul(engine.tanh(engine.mul(x, beta)), alpha),
  sigmoid: () => engine.sigmoid,
  softplus: () => engine.softplus,
  softsign: () => engine.softsign,
  tanh: () => engine.tanh,
  thresholdedrelu:
    (alpha = 1) =>
    (x) =>
      engine.where(engine.gt(x, alpha), x, 0),
};

const refuses: Operator['refuses'] = (node) => {
  const names = node.attributes.get('activations');
  const unknown = names?.kind === 'strings' ? names.value.find((name) => !(name.toLowerCase() in ACTIVATIONS)) : undefined;
  return unknown === undefined ? undefined : `with the activation ${unknown}`;
};

/** The weights of one direction. */
type Direction = {
  readonly input: Tensor;
  readonly recurrent: Tensor;
  readonly inputBias: Tensor | undefined;
  readonly recurrentBias: Tensor | undefined;
  readonly peephole: Tensor | undefined;
  readonly activations: readonly Activation[];
  readonly hidden: number;
};
type State = { readonly h: Tensor; readonly c: Tensor | undefined };
/** One step: x times the input weights (and bias) is given. */
type Cell = (call: Call, direction: Direction, x: Tensor, state: State) => State;

const gate = (x: Tensor, index: number, hidden: number): Tensor => engine.narrow(x, -1, index * hidden, hidden);
const limited = (call: Call, x: Tensor): Tensor =>
  call.isGiven('clip') ? engine.clamp(x, -call.float('clip'), call.float('clip')) : x;

const lstmCell: Cell = (call, { recurrent, recurrentBias, peephole, activations, hidden }, x, { h, c }) => {
  const [f, g, last] = activations as [Activation, Activation, Activation];
  const gates = engine.add(x, engine.linear(h, recurrent, recurrentBias));
  const cell = c as Tensor;
  const seen = (at: number, index: number, state: Tensor): Tensor => {
    const part = gate(gates, at, hidden);
    return limited(call, peephole ? engine.add(part, engine.mul(gate(peephole, index, hidden), state)) : part);
  };
  const input = f(seen(0, 0, cell));
  const forget = call.int('input_forget', 0) === 1 ? engine.sub(1, input) : f(seen(2, 2, cell));
  const next = engine.add(engine.mul(forget, cell), engine.mul(input, g(limited(call, gate(gates, 3, hidden)))));
  const output = f(seen(1, 1, next));
  return { h: engine.mul(output, last(next)), c: next };
};

const gruCell: Cell = (call, { recurrent, recurrentBias, activations, hidden }, x, { h }) => {
  const [f, g] = activations as [Activation, Activation];
  const rows = (at: number, count: number): Tensor => engine.narrow(recurrent, 0, at * hidden, count * hidden);
  const biases = (at: number, count: number): Tensor | undefined =>
    recurrentBias && engine.narrow(recurrentBias, 0, at * hidden, count * hidden);
  const both = engine.linear(h, rows(0, 2), biases(0, 2));
  const update = f(limited(call, engine.add(gate(x, 0, hidden), gate(both, 0, hidden))));
  const reset = f(limited(call, engine.add(gate(x, 1, hidden), gate(both, 1, hidden))));
  const isLinearFirst = call.int('linear_before_reset', 0) !== 0;
  const seen = isLinearFirst
    ? engine.mul(reset, engine.linear(h, rows(2, 1), biases(2, 1)))
    : engine.linear(engine.mul(reset, h), rows(2, 1), biases(2, 1));
  const candidate = g(limited(call, engine.add(gate(x, 2, hidden), seen)));
  return { h: engine.add(engine.mul(engine.sub(1, update), candidate), engine.mul(update, h)), c: undefined };
};

const rnnCell: Cell = (call, { recurrent, recurrentBias, activations }, x, { h }) => {
  const [f] = activations as [Activation];
  return { h: f(limited(call, engine.add(x, engine.linear(h, recurrent, recurrentBias)))), c: undefined };
};

function activationsOf(call: Call, direction: number, defaults: readonly string[]): Activation[] {
  const names = call.texts('activations');
  const [alphas, betas] = [call.floats('activation_alpha') ?? [], call.floats('activation_beta') ?? []];
  return defaults.map((otherwise, i) => {
    const at = direction * defaults.length + i;
    const make = ACTIVATIONS[(names?.[at] ?? otherwise).toLowerCase()];
    if (!make) throw call.error(`there is no activation ${names?.[at]}`, 'export the model anew');
    return make(alphas[at], betas[at]);
  });
}

/** Outputs of every step and the last states: Y [T, directions, B, H], Y_h and Y_c [directions, B, H]. */
function recurrent(gates: number, cell: Cell, defaults: readonly string[], hasCell: boolean): Operator {
  return {
    by: 'composition',
    refuses,
    reads: [4],
    run: (call) => {
      const isBatchFirst = call.int('layout', 0) === 1;
      const turned = (x: Tensor | undefined): Tensor | undefined => x && (isBatchFirst ? engine.transpose(x, 0, 1) : x);
      const x = turned(call.x(0)) as Tensor;
      const [steps = 0, batch = 1] = x.shape;
      const hidden = call.int('hidden_size', call.shape(2)[2] ?? 0);
      const kind = call.text('direction', 'forward');
      const count = kind === 'bidirectional' ? 2 : 1;
      const lengths = call.has(4) ? call.list(4) : undefined;
      const isRagged = lengths?.some((length) => length !== steps) ?? false;
      const [h0, c0] = [turned(call.maybe(5)), hasCell ? turned(call.maybe(6)) : undefined];
      const none = (): Tensor => engine.zeros([batch, hidden], { device: x.device, dtype: x.dtype });

      const run = (at: number): { readonly all: Tensor; readonly state: State } => {
        const isReverse = kind === 'reverse' || at === 1;
        const bias = call.maybe(3);
        const row = bias && engine.select(bias, 0, at);
        const direction: Direction = {
          input: engine.select(call.x(1), 0, at),
          recurrent: engine.select(call.x(2), 0, at),
          inputBias: row && engine.narrow(row, 0, 0, gates * hidden),
          recurrentBias: row && engine.narrow(row, 0, gates * hidden, gates * hidden),
          peephole: hasCell && call.has(7) ? engine.select(call.x(7), 0, at) : undefined,
          activations: activationsOf(call, at, defaults),
          hidden,
        };
        const projected = engine.linear(x, direction.input, direction.inputBias);
        let state: State = {
          h: h0 ? engine.select(h0, 0, at) : none(),
          c: hasCell ? (c0 ? engine.select(c0, 0, at) : none()) : undefined,
        };
        const outputs: Tensor[] = [];
        for (let i = 0; i < steps; i += 1) {
          const step = isReverse ? steps - 1 - i : i;
          const next = cell(call, direction, engine.select(projected, 0, step), state);
          if (!isRagged) {
            state = next;
            outputs[step] = next.h;
            continue;
          }
          // Sequences that are over keep their state, and give 0.
          const live = engine.tensor(
            (lengths ?? []).map((length) => [Number(step < length)]),
            { dtype: 'bool', device: x.device },
          );
          outputs[step] = engine.where(live, next.h, 0);
          state = { h: engine.where(live, next.h, state.h), c: next.c && state.c && engine.where(live, next.c, state.c) };
        }
        return { all: engine.stack(outputs), state };
      };
      const directions = Array.from({ length: count }, (_, at) => run(at));
      const all = engine.stack(
        directions.map((one) => one.all),
        1,
      );
      const last = (state: (one: State) => Tensor): Tensor => {
        const states = engine.stack(directions.map((one) => state(one.state)));
        return isBatchFirst ? engine.transpose(states, 0, 1) : states;
      };
      return [
        isBatchFirst ? engine.permute(all, [2, 0, 1, 3]) : all,
        last(({ h }) => h),
        ...(hasCell ? [last(({ c }) => c as Tensor)] : []),
      ];
    },
  };
}

export const recurrentOperators: Operators = {
  GRU: recurrent(3, gruCell, ['Sigmoid', 'Tanh'], false),
  LSTM: recurrent(4, lstmCell, ['Sigmoid', 'Tanh', 'Tanh'], true),
  RNN: recurrent(1, rnnCell, ['Tanh'], false),
};
