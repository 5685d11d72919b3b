/** Reductions, positions, cumulative sums, softmax. */
import * as engine from '@mudpt/tensor';
import { sizeOf, type Tensor } from '@mudpt/tensor';
import { type ElementType, isFloatType, rangeOf } from '../format/types.ts';
import { reduced } from '../host/elementwise.ts';
import { hostTensor, stridesOf } from '../host/tensor.ts';
import type { Call } from '../node/call.ts';
import type { Operator, Operators } from '../node/operator.ts';
import { typed } from '../node/results.ts';
import { wrap } from './pointwise-forms.ts';

type Reduction = (x: Tensor, axes: readonly number[], options: { readonly keepdim: boolean }) => Tensor;
type Combine = { readonly start: number; readonly with: (total: number, value: number) => number };

/** Axes of a reduction; undefined where nothing is reduced. */
function axesOf(call: Call): number[] | undefined {
  const shape = call.shape(0);
  const given = call.intsOf('axes', 1);
  if (given && given.length > 0) return given.map((axis) => call.axis(axis, shape.length));
  return call.int('noop_with_empty_axes', 0) === 1 ? undefined : shape.map((_, axis) => axis);
}

const keeps = (call: Call): boolean => call.int('keepdims', 1) === 1;

/** The largest or smallest number of a type: what the extreme of no elements is. */
function bound(type: ElementType, side: 0 | 1): number {
  const range = rangeOf(type);
  if (!range) return side === 0 ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
  const [low, high] = type.startsWith('u') ? [0, 2 ** 32 - 1] : [-(2 ** 31), 2 ** 31 - 1];
  return side === 0 ? Math.max(range[0], low) : Math.min(range[1], high);
}

function reduction(by: Operator['by'], reduce: Reduction, combine?: Combine, emptySide?: 0 | 1): Operator {
  return {
    by,
    reads: [1],
    run: (call) => {
      // Over no axes nothing is added up, but squares, magnitudes and logarithms are taken.
      const axes = axesOf(call) ?? [];
      const shape = call.shape(0);
      const keepdim = keeps(call);
      if (emptySide !== undefined && sizeOf(axes.map((axis) => shape[axis] ?? 1)) === 0) {
        const kept = keepdim
          ? shape.map((size, axis) => (axes.includes(axis) ? 1 : size))
          : shape.filter((_, axis) => !axes.includes(axis));
        return engine.full(kept, bound(call.type(0), emptySide), { dtype: call.dtype(call.type(0)), device: call.device });
      }
      return wrap(call.type(0), reduce(call.x(0), axes, { keepdim }));
    },
    ...(combine && {
      host: (call: Call) => {
        const axes = axesOf(call);
        return axes ? reduced(call.host(0), axes, keeps(call), combine.start, combine.with) : call.host(0);
      },
    }),
  };
}

function position(op: typeof engine.argmax): Operator {
  return {
    by: 'op',
    run: (call) => {
      const x = call.x(0);
      const axis = call.axis(call.int('axis', 0), x.rank);
      const keepdim = keeps(call);
      if (call.int('select_last_index', 0) === 0) return typed(call, 'int64', op(x, axis, { keepdim }));
      const fromEnd = op(engine.flip(x, axis), axis, { keepdim });
      return typed(call, 'int64', engine.sub((x.shape[axis] ?? 1) - 1, fromEnd));
    },
  };
}

const topk: Operator = {
  by: 'op',
  reads: [1],
  run: (call) => {
    const axis = call.axis(call.int('axis', -1), call.shape(0).length);
    const k = call.opset >= 10 ? (call.list(1)[0] ?? 0) : call.int('k');
    const { values, indices } = engine.topk(call.x(0), k, { axis, largest: call.int('largest', 1) === 1 });
    return [values, typed(call, 'int64', indices)];
  },
};

/** Before opset 13 the axes from `axis` on count as one. */
function alongAxis(op: (x: Tensor, axis: number) => Tensor, by: Operator['by'] = 'op'): Operator {
  return {
    by,
    run: (call) => {
      const x = call.x(0);
      if (call.opset >= 13) return op(x, call.axis(call.int('axis', -1), x.rank));
      const axis = call.axis(call.int('axis', 1), x.rank);
      const rows = engine.reshape(x, [sizeOf(x.shape.slice(0, axis)), sizeOf(x.shape.slice(axis))]);
      return engine.reshape(op(rows, 1), x.shape);
    },
  };
}

function hardmax(x: Tensor, axis: number): Tensor {
  const best = engine.argmax(x, axis, { keepdim: true });
  const sizes = x.shape.map((size, i) => (i === axis ? size : 1));
  const places = engine.reshape(engine.arange(x.shape[axis] ?? 1, { dtype: 'i32', device: x.device }), sizes);
  return engine.cast(engine.eq(places, best), x.dtype);
}

/** Sums (or products) up to each element, or before it, from either end. */
function cumulative(
  op: (x: Tensor, axis: number) => Tensor,
  start: number,
  host: (total: number, value: number) => number,
): Operator {
  return {
    by: 'op',
    reads: [1],
    run: (call) => {
      const axis = call.axis(call.scalar(1), call.shape(0).length);
      const isReverse = call.int('reverse', 0) === 1;
      const given = isReverse ? engine.flip(call.x(0), axis) : call.x(0);
      let total = op(given, axis);
      if (call.int('exclusive', 0) === 1) {
        const amounts = given.shape.map((_, i): engine.Padding => (i === axis ? [1, -1] : [0, 0]));
        total = engine.pad(total, amounts, start);
      }
      return isReverse ? engine.flip(total, axis) : total;
    },
    host: (call) => {
      const { type, shape, data } = call.host(0);
      const axis = call.axis(call.scalar(1), shape.length);
      const [isReverse, isExclusive] = [call.int('reverse', 0) === 1, call.int('exclusive', 0) === 1];
      const stride = stridesOf(shape)[axis] ?? 1;
      const size = shape[axis] ?? 1;
      const out = new Float64Array(data.length);
      for (let first = 0; first < data.length; first += 1) {
        if (Math.floor(first / stride) % size !== 0) continue;
        let total = start;
        for (let i = 0; i < size; i += 1) {
          const at = first + (isReverse ? size - 1 - i : i) * stride;
          const next = host(total, data[at] ?? 0);
          out[at] = isExclusive ? total : next;
          total = next;
        }
      }
      return hostTensor(type, shape, out);
    },
  };
}

/** Means of integers without their fraction. Exact for up to 2^16 terms, whose quotients and remainders are added up; of more f32 adds. */
function integerMean(x: Tensor, axes: readonly number[], options: { readonly keepdim: boolean }): Tensor {
  const count = sizeOf(axes.map((axis) => x.shape[axis] ?? 1));
  if (count === 0 || count > 2 ** 16) return engine.trunc(engine.mean(x, axes, options));
  const remainders = engine.sum(engine.cast(engine.mod(x, count), 'u32'), axes, options);
  const quotients = engine.add(
    engine.sum(engine.floorDiv(x, count), axes, options),
    engine.cast(engine.floorDiv(remainders, count), x.dtype),
  );
  // Rounded down so far: negative means with a fraction are one more.
  const hasFraction = engine.ne(engine.mod(remainders, count), 0);
  return engine.where(engine.logicalAnd(engine.lt(quotients, 0), hasFraction), engine.add(quotients, 1), quotients);
}

const sum: Combine = { start: 0, with: (total, value) => total + value };

export const reduceOperators: Operators = {
  ArgMax: position(engine.argmax),
  ArgMin: position(engine.argmin),
  CumProd: cumulative(engine.cumprod, 1, (total, value) => total * value),
  CumSum: cumulative(engine.cumsum, 0, (total, value) => total + value),
  Hardmax: alongAxis(hardmax, 'composition'),
  LogSoftmax: alongAxis(engine.logSoftmax),
  ReduceL1: reduction('op', (x, axes, options) => engine.norm(x, axes, { ...options, p: 1 })),
  ReduceL2: reduction('op', (x, axes, options) => engine.norm(x, axes, options)),
  ReduceLogSum: reduction('composition', (x, axes, options) => engine.log(engine.sum(x, axes, options))),
  ReduceLogSumExp: reduction('op', engine.logsumexp),
  ReduceMax: {
    ...reduction('op', engine.max, undefined, 0),
    host: (call) => {
      const axes = axesOf(call);
      return axes && sizeOf(call.shape(0)) > 0
        ? reduced(call.host(0), axes, keeps(call), Number.NEGATIVE_INFINITY, Math.max)
        : undefined;
    },
  },
  ReduceMean: {
    ...reduction('op', engine.mean),
    run: (call) => {
      const axes = axesOf(call);
      if (!axes) return call.x(0);
      const [x, options] = [call.x(0), { keepdim: keeps(call) }];
      return isFloatType(call.type(0)) ? engine.mean(x, axes, options) : integerMean(x, axes, options);
    },
  },
  ReduceMin: {
    ...reduction('op', engine.min, undefined, 1),
    host: (call) => {
      const axes = axesOf(call);
      return axes && sizeOf(call.shape(0)) > 0
        ? reduced(call.host(0), axes, keeps(call), Number.POSITIVE_INFINITY, Math.min)
        : undefined;
    },
  },
  ReduceProd: reduction('op', engine.prod, { start: 1, with: (total, value) => total * value }),
  ReduceSum: reduction('op', engine.sum, sum),
  ReduceSumSquare: reduction('composition', (x, axes, options) => engine.sum(engine.square(x), axes, options)),
  Softmax: alongAxis(engine.softmax),
  TopK: topk,
};
