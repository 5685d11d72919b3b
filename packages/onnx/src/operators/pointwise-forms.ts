/** The usual forms of elementwise operators: how the engine computes them, and the host. */
import { type Operand, Tensor } from '@mudpt/tensor';
import * as engine from '@mudpt/tensor';
import { type ElementType, isNarrow, rangeOf } from '../format/types.ts';
import { mapElements } from '../host/elementwise.ts';
import type { Operator } from '../node/operator.ts';
import { typed } from '../node/results.ts';

type Unary = (x: Tensor) => Tensor;
type Binary = (x: Operand, y: Operand) => Tensor;

/** Integers of 2 to 16 bits are held in 32: what they cannot hold wraps around. */
export function wrap(type: ElementType, x: Tensor): Tensor {
  const range = rangeOf(type);
  if (!isNarrow(type) || !range) return x;
  const [low, high] = range;
  const count = high - low + 1;
  return low === 0 ? engine.mod(x, count) : engine.add(engine.mod(engine.sub(x, low), count), low);
}

/** An operator of one tensor. */
export function unary(op: Unary, host?: (x: number) => number): Operator {
  return {
    by: 'op',
    run: (call) => wrap(call.type(0), op(call.x(0))),
    ...(host && { host: (call) => mapElements(call.node.op, call.type(0), [call.host(0)], host) }),
  };
}

/** An operator on numbers of one type. */
export function arithmetic(op: Binary, host: (x: number, y: number) => number, by: Operator['by'] = 'op'): Operator {
  return {
    by,
    run: (call) => wrap(call.type(0), op(call.operand(0), call.operand(1))),
    host: (call) => mapElements(call.node.op, call.type(0), [call.host(0), call.host(1)], host),
  };
}

/** An operator of two tensors that gives bools. */
export function comparison(op: Binary, host: (x: number, y: number) => boolean): Operator {
  return {
    by: 'op',
    run: (call) => typed(call, 'bool', op(call.operand(0), call.operand(1))),
    host: (call) => mapElements(call.node.op, 'bool', [call.host(0), call.host(1)], (x, y) => Number(host(x ?? 0, y ?? 0))),
  };
}

/** An operator of any number of operands. */
export function variadic(
  op: Binary,
  host: (x: number, y: number) => number,
  finish?: (sum: Tensor, count: number) => Tensor,
): Operator {
  return {
    by: finish ? 'composition' : 'op',
    run: (call) => {
      const all = call.inputs.map((_, index) => call.x(index));
      const total = all.slice(1).reduce((sum, x) => op(sum, x), all[0] as Tensor);
      return wrap(call.type(0), finish ? finish(total, all.length) : total);
    },
    ...(!finish && {
      host: (call) =>
        mapElements(
          call.node.op,
          call.type(0),
          call.inputs.map((_, index) => call.host(index)),
          (...values) => values.reduce(host),
        ),
    }),
  };
}

/** A logical operator of two bools. */
export const logical = (host: (x: boolean, y: boolean) => boolean, op: Binary): Operator =>
  comparison(op, (x, y) => host(x !== 0, y !== 0));

/** An operator on the bits of integers. */
export const bitwise = (op: Binary): Operator => ({ by: 'op', run: (call) => op(call.operand(0), call.operand(1)) });
