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

/** An operator: how many gates its weights hold, one step of it, and its usual activations. */
type Kind = {
  readonly gates: number;
  readonly cell: Cell;
  readonly activations: readonly string[];
  /** Whether its state has a cell beside the hidden values. Default false. */
  readonly hasCell?: boolean;
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

function directionOf(call: Call, at: number, { gates, activations, hasCell }: Kind, hidden: number): Direction {
  const bias = call.maybe(3);
  const row = bias && engine.select(bias, 0, at);
  return {
    input: engine.select(call.x(1), 0, at),
    recurrent: engine.select(call.x(2), 0, at),
    inputBias: row && engine.narrow(row, 0, 0, gates * hidden),
    recurrentBias: row && engine.narrow(row, 0, gates * hidden, gates * hidden),
    peephole: hasCell && call.has(7) ? engine.select(call.x(7), 0, at) : undefined,
    activations: activationsOf(call, at, activations),
    hidden,
  };
}

const isBatchFirst = (call: Call): boolean => call.int('layout', 0) === 1;

/** What all directions read, with the steps first. */
type Sequences = {
  readonly x: Tensor;
  readonly hidden: number;
  /** How long each sequence is, where not all of them take every step. */
  readonly lengths: readonly number[] | undefined;
  readonly h0: Tensor | undefined;
  readonly c0: Tensor | undefined;
};

function sequencesOf(call: Call, { hasCell }: Kind): Sequences {
  const turned = (x: Tensor | undefined): Tensor | undefined => x && (isBatchFirst(call) ? engine.transpose(x, 0, 1) : x);
  const x = turned(call.x(0)) as Tensor;
  const hidden = call.int('hidden_size', call.shape(2)[2] ?? 0);
  const lengths = call.has(4) ? call.list(4) : undefined;
  const isRagged = lengths?.some((length) => length !== x.shape[0]) ?? false;
  const [h0, c0] = [turned(call.maybe(5)), hasCell ? turned(call.maybe(6)) : undefined];
  return { x, hidden, lengths: isRagged ? lengths : undefined, h0, c0 };
}

/** The state after a step where sequences go on, and the one before where they are over. */
function whereLive(live: Tensor, next: State, before: State): State {
  return { h: engine.where(live, next.h, before.h), c: next.c && before.c && engine.where(live, next.c, before.c) };
}

/** Outputs of every step [T, B, H], and the last state. */
function runDirection(call: Call, at: number, kind: Kind, sequences: Sequences): { readonly all: Tensor; readonly state: State } {
  const { x, hidden, lengths, h0, c0 } = sequences;
  const [steps = 0, batch = 1] = x.shape;
  const direction = directionOf(call, at, kind, hidden);
  const isReversed = at === 1 || call.text('direction', 'forward') === 'reverse';
  const projected = engine.linear(x, direction.input, direction.inputBias);
  const first = (given: Tensor | undefined): Tensor =>
    given ? engine.select(given, 0, at) : engine.zeros([batch, hidden], { device: x.device, dtype: x.dtype });
  let state: State = { h: first(h0), c: kind.hasCell ? first(c0) : undefined };
  const outputs: Tensor[] = [];
  for (let i = 0; i < steps; i += 1) {
    const step = isReversed ? steps - 1 - i : i;
    const next = kind.cell(call, direction, engine.select(projected, 0, step), state);
    if (lengths) {
      const isLive = lengths.map((length) => [Number(step < length)]);
      const live = engine.tensor(isLive, { dtype: 'bool', device: x.device });
      outputs[step] = engine.where(live, next.h, 0);
      state = whereLive(live, next, state);
    } else {
      outputs[step] = next.h;
      state = next;
    }
  }
  return { all: engine.stack(outputs), state };
}

/** Outputs of every step and the last states: Y [T, directions, B, H], Y_h and Y_c [directions, B, H]. */
function recurrent(kind: Kind): Operator {
  return {
    by: 'composition',
    refuses,
    reads: [4],
    run: (call) => {
      const sequences = sequencesOf(call, kind);
      const count = call.text('direction', 'forward') === 'bidirectional' ? 2 : 1;
      const directions = Array.from({ length: count }, (_, at) => runDirection(call, at, kind, sequences));
      const all = engine.stack(
        directions.map((one) => one.all),
        1,
      );
      const last = (part: (state: State) => Tensor): Tensor => {
        const states = engine.stack(directions.map(({ state }) => part(state)));
        return isBatchFirst(call) ? engine.transpose(states, 0, 1) : states;
      };
      return [
        isBatchFirst(call) ? engine.permute(all, [2, 0, 1, 3]) : all,
        last(({ h }) => h),
        ...(kind.hasCell ? [last(({ c }) => c as Tensor)] : []),
      ];
    },
  };
}

export const recurrentOperators: Operators = {
  GRU: recurrent({ gates: 3, cell: gruCell, activations: ['Sigmoid', 'Tanh'] }),
  LSTM: recurrent({ gates: 4, cell: lstmCell, activations: ['Sigmoid', 'Tanh', 'Tanh'], hasCell: true }),
  RNN: recurrent({ gates: 1, cell: rnnCell, activations: ['Tanh'] }),
};
