/** Quantization, and products of quantized tensors, by composition. */
import * as engine from '@mudpt/tensor';
import type { Tensor } from '@mudpt/tensor';
import { type ElementType, rangeOf } from '../format/types.ts';
import { elementTypeOf } from '../host/constant.ts';
import type { Call } from '../node/call.ts';
import { intAttribute, type Operator, type Operators } from '../node/operator.ts';
import { typed } from '../node/results.ts';
import type { Value } from '../node/value.ts';
import { integerConv } from './convolution.ts';

/** A scale or zero point as wide as `x`: one number, one for each place of an axis, or one for each block along it. */
function spread(call: Call, x: Tensor, parameter: Tensor): Tensor {
  if (parameter.rank === 0 || parameter.size === 1) return engine.reshape(parameter, []);
  const axis = call.axis(call.int('axis', 1), x.rank);
  if (parameter.rank === 1 && x.rank !== 1) {
    return engine.reshape(
      parameter,
      x.shape.map((_, i) => (i === axis ? parameter.size : 1)),
    );
  }
  const block = call.int('block_size', 0);
  if (block === 0) return parameter;
  return engine.narrow(engine.repeatInterleave(parameter, block, axis), axis, 0, x.shape[axis] ?? 1);
}

const asFloat = (x: Tensor): Tensor => engine.cast(x, 'f32');

/** round(x / scale) + zero point, limited to the type. */
export function quantized(call: Call, x: Tensor, scale: Tensor, zero: Tensor | undefined, type: ElementType): Value {
  const whole = engine.round(engine.div(asFloat(x), asFloat(scale)));
  const [low, high] = rangeOf(type) ?? [0, 255];
  const shifted = zero ? engine.add(whole, asFloat(zero)) : whole;
  return typed(call, type, engine.cast(engine.clamp(shifted, low, high), call.dtype(type)));
}

/** Numbers of 4 and 8 bits that no dtype here holds. */
const refusesOutput: Operator['refuses'] = (node) => {
  const code = intAttribute(node, 'output_dtype', 0);
  if (code === 0) return undefined;
  try {
    const type = elementTypeOf(code, node.op);
    return rangeOf(type) || node.op === 'DequantizeLinear' ? undefined : `to ${type}`;
  } catch (error) {
    return error instanceof Error ? `to type ${code}` : undefined;
  }
};

const quantizeLinear: Operator = {
  by: 'composition',
  refuses: refusesOutput,
  run: (call) => {
    const x = call.x(0);
    const code = call.int('output_dtype', 0);
    const type = call.has(2) ? call.type(2) : code === 0 ? 'uint8' : elementTypeOf(code, call.label);
    const zero = call.maybe(2);
    return quantized(call, x, spread(call, x, call.x(1)), zero && spread(call, x, zero), type);
  },
};

const dequantizeLinear: Operator = {
  by: 'composition',
  refuses: refusesOutput,
  run: (call) => {
    const x = call.x(0);
    const zero = call.maybe(2);
    const numbers = zero ? engine.sub(asFloat(x), asFloat(spread(call, x, zero))) : asFloat(x);
    return typed(call, call.type(1), engine.mul(numbers, asFloat(spread(call, x, call.x(1)))));
  },
};

const dynamicQuantize: Operator = {
  by: 'composition',
  run: (call) => {
    const x = call.x(0);
    const [low, high] = [engine.minimum(engine.min(x), 0), engine.maximum(engine.max(x), 0)];
    const scale = engine.div(engine.sub(high, low), 255);
    const zero = engine.clamp(engine.round(engine.div(engine.neg(low), scale)), 0, 255);
    return [quantized(call, x, scale, zero, 'uint8'), typed(call, 'float', scale), typed(call, 'uint8', engine.cast(zero, 'u32'))];
  },
};

/** The scale of a product's result: one, or one for each output. */
const scaled = (product: Tensor, a: Tensor, b: Tensor): Tensor => engine.mul(asFloat(product), engine.mul(asFloat(a), asFloat(b)));
const centered = (x: Tensor, zero: Tensor): Tensor => engine.sub(engine.cast(x, 'i32'), engine.cast(zero, 'i32'));
/** A zero point or scale for each row of a matrix. */
const perRow = (x: Tensor): Tensor => (x.rank === 1 && x.size > 1 ? engine.unsqueeze(x, 1) : x);

const qlinearMatMul: Operator = {
  by: 'composition',
  run: (call) => {
    const product = engine.matmul(centered(call.x(0), perRow(call.x(2))), centered(call.x(3), call.x(5)));
    return quantized(call, scaled(product, perRow(call.x(1)), call.x(4)), call.x(6), call.x(7), call.type(7));
  },
};

const qlinearConv: Operator = {
  by: 'composition',
  run: (call) => {
    const each = (vector: Tensor, rank: number): Tensor =>
      vector.size > 1 ? engine.reshape(vector, [vector.size, ...Array.from({ length: rank - 1 }, () => 1)]) : engine.reshape(vector, []);
    const [x, weight] = [call.x(0), call.x(3)];
    const image = asFloat(centered(x, engine.reshape(call.x(2), [])));
    let product = integerConv(call, image, asFloat(centered(weight, each(call.x(5), weight.rank))));
    const bias = call.maybe(8);
    if (bias) product = engine.add(product, engine.reshape(bias, [bias.size, ...x.shape.slice(2).map(() => 1)]));
    const result = scaled(product, engine.reshape(call.x(1), []), each(call.x(4), x.rank - 1));
    return quantized(call, result, engine.reshape(call.x(6), []), engine.reshape(call.x(7), []), call.type(7));
  },
};

export const quantizeOperators: Operators = {
  DequantizeLinear: dequantizeLinear,
  DynamicQuantizeLinear: dynamicQuantize,
  QLinearConv: qlinearConv,
  QLinearMatMul: qlinearMatMul,
  QuantizeLinear: quantizeLinear,
};
