/** Activations, elementwise. */
import * as engine from '@mudpt/tensor';
import type { Tensor } from '@mudpt/tensor';
import type { Operator, Operators } from '../node/operator.ts';
import { unary } from './pointwise-forms.ts';

/** x where |x| is beyond lambd, moved towards 0 by the bias. */
const shrink: Operator = {
  by: 'composition',
  run: (call) => {
    const x = call.x(0);
    const [bias, lambd] = [call.float('bias', 0), call.float('lambd', 0.5)];
    const toward = (by: number): Tensor => engine.add(x, by);
    return engine.where(engine.lt(x, -lambd), toward(bias), engine.where(engine.gt(x, lambd), toward(-bias), 0));
  },
};

const hardSigmoid: Operator = {
  by: 'composition',
  run: (call) => engine.clamp(engine.add(engine.mul(call.x(0), call.float('alpha', 0.2)), call.float('beta', 0.5)), 0, 1),
};

/** The slope broadcasts to x. */
const prelu: Operator = {
  by: 'composition',
  run: (call) => engine.where(engine.lt(call.x(0), 0), engine.mul(call.x(0), call.x(1)), call.x(0)),
};

const selu: Operator = {
  by: 'composition',
  run: (call) => {
    const [alpha, gamma] = [call.float('alpha', 1.67326319217681884765625), call.float('gamma', 1.05070102214813232421875)];
    return engine.mul(engine.elu(call.x(0), alpha), gamma);
  },
};

/** x times the sigmoid of alpha x. */
const swish: Operator = {
  by: 'composition',
  run: (call) => engine.mul(call.x(0), engine.sigmoid(engine.mul(call.x(0), call.float('alpha', 1)))),
};

const thresholded: Operator = {
  by: 'composition',
  run: (call) => engine.where(engine.gt(call.x(0), call.float('alpha', 1)), call.x(0), 0),
};

export const activationOperators: Operators = {
  Celu: { by: 'op', run: (call) => engine.celu(call.x(0), call.float('alpha', 1)) },
  Elu: { by: 'op', run: (call) => engine.elu(call.x(0), call.float('alpha', 1)) },
  Gelu: { by: 'op', run: (call) => (call.text('approximate', 'none') === 'tanh' ? engine.geluTanh : engine.gelu)(call.x(0)) },
  HardSigmoid: hardSigmoid,
  HardSwish: unary(engine.hardSwish),
  LeakyRelu: { by: 'op', run: (call) => engine.leakyRelu(call.x(0), call.float('alpha', 0.01)) },
  Mish: unary(engine.mish),
  PRelu: prelu,
  Relu: unary(engine.relu, (x) => Math.max(x, 0)),
  Selu: selu,
  Shrink: shrink,
  Sigmoid: unary(engine.sigmoid),
  Softplus: unary(engine.softplus),
  Softsign: unary(engine.softsign),
  Swish: swish,
  SwiGLU: {
    by: 'composition',
    run: (call) => {
      const [a, alpha] = [call.x(0), call.float('alpha', 1)];
      const gate = engine.sigmoid(alpha === 1 ? a : engine.mul(a, alpha));
      return engine.mul(engine.mul(a, gate), call.x(1));
    },
  },
  Tanh: unary(engine.tanh),
  ThresholdedRelu: thresholded,
};
