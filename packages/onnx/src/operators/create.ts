/** Operators that make tensors. */
import * as engine from '@mudpt/tensor';
import type { Tensor } from '@mudpt/tensor';
import type { ElementType } from '../format/types.ts';
import { constantOf } from '../host/constant.ts';
import { hostTensor } from '../host/tensor.ts';
import type { Call } from '../node/call.ts';
import { HOST_ELEMENTS, type Operator, type Operators } from '../node/operator.ts';
import { typed } from '../node/results.ts';
import { Value } from '../node/value.ts';
import { refusesType, typeAttribute } from './cast.ts';

function filled(call: Call, type: ElementType, shape: readonly number[], value: number): Value {
  const count = shape.reduce((product, size) => product * size, 1);
  if (count <= HOST_ELEMENTS) return Value.host(hostTensor(type, shape, new Float64Array(count).fill(value)));
  return typed(call, type, engine.full(shape, value, { dtype: call.dtype(type), device: call.device }));
}

const constantOfShape: Operator = {
  by: 'op',
  reads: [0],
  run: (call) => {
    const proto = call.tensor('value');
    const value = proto ? constantOf(proto, call.label, new Map()) : hostTensor('float', [1], [0]);
    return filled(call, value.type, call.list(0), value.data[0] ?? 0);
  },
  isExpanding: true,
};

const range: Operator = {
  by: 'op',
  reads: 'all',
  run: (call) => {
    const type = call.type(0);
    const [start, limit, delta] = [call.scalar(0), call.scalar(1), call.scalar(2)];
    if (delta === 0) throw call.error('the step is 0', 'give another one');
    const count = Math.max(0, Math.ceil((limit - start) / delta));
    if (!(count < 2 ** 31)) throw call.error(`${count} numbers are asked for`, 'ask for fewer');
    if (count <= HOST_ELEMENTS)
      return Value.host(
        hostTensor(
          type,
          [count],
          Float64Array.from({ length: count }, (_, i) => start + i * delta),
        ),
      );
    const steps = engine.arange(count, { dtype: call.dtype(type), device: call.device });
    return typed(call, type, engine.add(engine.mul(steps, delta), start));
  },
  isExpanding: true,
};

const eyeLike: Operator = {
  by: 'op',
  run: (call) => {
    const [rows = 0, columns = 0] = call.shape(0);
    const type = typeAttribute(call, 'dtype', call.type(0));
    const k = call.int('k', 0);
    const row = engine.reshape(engine.arange(rows, { dtype: 'i32', device: call.device }), [rows, 1]);
    const column = engine.arange(columns, { dtype: 'i32', device: call.device });
    return typed(call, type, engine.cast(engine.eq(column, engine.add(row, k)), call.dtype(type)));
  },
};

const oneHot: Operator = {
  by: 'composition',
  reads: [1],
  run: (call) => {
    const depth = call.list(1)[0] ?? 0;
    const rank = call.shape(0).length;
    const axis = call.axis(call.int('axis', -1), rank + 1);
    const type = call.type(2);
    const ids = engine.cast(call.x(0), 'i32');
    // Negative ids count from the end; those outside name no class.
    const places = engine.unsqueeze(engine.where(engine.lt(ids, 0), engine.add(ids, depth), ids), axis);
    const sizes = Array.from({ length: rank + 1 }, (_, i) => (i === axis ? depth : 1));
    const classes = engine.reshape(engine.arange(depth, { dtype: 'i32', device: call.device }), sizes);
    const [off, on] = [0, 1].map((index) => engine.select(call.x(2), 0, index)) as [Tensor, Tensor];
    return typed(call, type, engine.where(engine.eq(places, classes), on, off));
  },
  isExpanding: true,
};

export const createOperators: Operators = {
  ConstantOfShape: constantOfShape,
  EyeLike: { ...eyeLike, refuses: refusesType('dtype') },
  OneHot: oneHot,
  Range: range,
};
