/** Operators that pick elements, or put them, by index; and those whose result's size comes from the data. */
import * as engine from '@mudpt/tensor';
import { sizeOf, type ScatterReduction, type Tensor } from '@mudpt/tensor';
import { taken } from '../host/elementwise.ts';
import { hostTensor, type HostTensor, stridesOf, walk } from '../host/tensor.ts';
import type { Call } from '../node/call.ts';
import { type Operator, type Operators, textAttribute } from '../node/operator.ts';
import { Value } from '../node/value.ts';

/** An index of any rank along an axis. */
function pick(x: Tensor, axis: number, index: Tensor): Tensor {
  const picked = engine.indexSelect(x, axis, engine.reshape(index, [index.size]));
  return engine.reshape(picked, [...x.shape.slice(0, axis), ...index.shape, ...x.shape.slice(axis + 1)]);
}

const gather: Operator = {
  by: 'op',
  run: (call) => {
    const x = call.x(0);
    const axis = call.axis(call.int('axis', 0), x.rank);
    const index = call.value(1);
    // One known place is a view.
    if (index.shape.length === 0 && index.host) return engine.select(x, axis, call.scalar(1));
    return pick(x, axis, call.x(1));
  },
  host: (call) => {
    const axis = call.axis(call.int('axis', 0), call.shape(0).length);
    return taken(call.host(0), call.host(1), axis);
  },
};

/** Coordinates with those of the leading axes in front of them, so that each batch is read from its own part. */
function withBatches(index: Tensor, batches: readonly number[]): Tensor {
  const rest = index.shape.slice(batches.length, -1);
  const columns = batches.map((size, axis) => {
    const sizes = batches.map((_, i) => (i === axis ? size : 1));
    const ids = engine.arange(size, { dtype: 'i32', device: index.device });
    const spread = engine.reshape(ids, [...sizes, ...rest.map(() => 1), 1]);
    return engine.expand(spread, [...batches, ...rest, 1]);
  });
  return engine.cat([...columns, engine.cast(index, 'i32')], -1);
}

const gatherND: Operator = {
  by: 'op',
  run: (call) => {
    const x = call.x(0);
    const batches = x.shape.slice(0, call.int('batch_dims', 0));
    const index = batches.length === 0 ? call.x(1) : withBatches(call.x(1), batches);
    return engine.gatherND(x, index);
  },
};

const REDUCTIONS: Readonly<Record<string, ScatterReduction>> = { none: 'set', add: 'add', mul: 'mul', max: 'max', min: 'min' };

const refusesReduction: Operator['refuses'] = (node) => {
  const name = textAttribute(node, 'reduction', 'none');
  return name in REDUCTIONS ? undefined : `with reduction ${name}`;
};

const reductionOf = (call: Call): ScatterReduction => REDUCTIONS[call.text('reduction', 'none')] ?? 'set';

const scatterElements: Operator = {
  by: 'op',
  refuses: refusesReduction,
  run: (call) => {
    const x = call.x(0);
    const axis = call.axis(call.int('axis', 0), x.rank);
    return engine.scatter(x, axis, call.x(1), call.x(2), { reduction: reductionOf(call) });
  },
};

const scatterND: Operator = {
  by: 'op',
  refuses: refusesReduction,
  run: (call) => engine.scatterND(call.x(0), call.x(1), call.x(2), { reduction: reductionOf(call) }),
};

/** Rows of a cache of keys or values, overwritten from a place that each batch tells. */
const tensorScatter: Operator = {
  by: 'composition',
  run: (call) => {
    const [cache, update] = [call.x(0), call.x(1)];
    const axis = call.axis(call.int('axis', -2), cache.rank);
    const length = update.shape[axis] ?? 0;
    const size = cache.shape[axis] ?? 0;
    const along = cache.shape.map((_, i) => (i === axis ? length : 1));
    const steps = engine.reshape(engine.arange(length, { dtype: 'i32', device: call.device }), along);
    const starts = call.has(2)
      ? engine.reshape(call.x(2), [update.shape[0] ?? 1, ...update.shape.slice(1).map(() => 1)])
      : engine.zeros(update.shape.map(() => 1), { dtype: 'i32', device: call.device });
    const places = engine.add(steps, starts);
    const index = call.text('mode', 'linear') === 'circular' ? engine.mod(places, size) : places;
    return engine.scatter(cache, axis, engine.expand(index, update.shape), update);
  },
};

/** Positions of what is not zero: [rank, n]. */
function nonZero({ shape, data }: HostTensor): HostTensor {
  const found: number[][] = [];
  walk(shape, [], (_, position, at) => void (data[position] !== 0 && found.push([...at])));
  return hostTensor(
    'int64',
    [shape.length, found.length],
    shape.flatMap((_, axis) => found.map((at) => at[axis] ?? 0)),
  );
}

const compress: Operator = {
  by: 'composition',
  reads: [1],
  run: (call) => {
    const kept = call.list(1).flatMap((keep, index) => (keep ? [index] : []));
    const index = engine.tensor(kept, { dtype: 'i32', shape: [kept.length], device: call.device });
    const x = call.x(0);
    return call.isGiven('axis')
      ? engine.indexSelect(x, call.axis(call.int('axis'), x.rank), index)
      : engine.indexSelect(engine.reshape(x, [x.size]), 0, index);
  },
};

/** Different slices along an axis, where each came first, which one each is equal to, and how often each is there. */
function unique(call: Call): HostTensor[] {
  const x = call.host(0);
  const isFlat = !call.isGiven('axis');
  const shape = isFlat ? [sizeOf(x.shape)] : x.shape;
  const axis = isFlat ? 0 : call.axis(call.int('axis'), shape.length);
  const strides = stridesOf(shape);
  const others = shape.map((size, i) => (i === axis ? 1 : size));
  const slices = Array.from({ length: shape[axis] ?? 0 }, (_, index) => {
    const values: number[] = [];
    walk(others, [strides], ([at = 0]) => values.push(x.data[at + index * (strides[axis] ?? 1)] ?? 0));
    return values;
  });
  const known = new Map<string, number>();
  const groups: { values: number[]; first: number; count: number }[] = [];
  const inverse = slices.map((values, index) => {
    const key = values.join();
    const group = known.get(key) ?? groups.push({ values, first: index, count: 0 }) - 1;
    known.set(key, group);
    (groups[group] as { count: number }).count += 1;
    return group;
  });
  const order = groups.map((_, group) => group);
  if (call.int('sorted', 1) === 1) order.sort((a, b) => compare(groups[a]?.values ?? [], groups[b]?.values ?? []));
  const rank = new Map(order.map((group, place) => [group, place]));
  const chosen = order.flatMap((group) => groups[group] ?? []);
  const out = new Float64Array(chosen.length * sizeOf(others));
  const outShape = shape.map((size, i) => (i === axis ? chosen.length : size));
  const outStrides = stridesOf(outShape);
  chosen.forEach(({ values }, place) => {
    walk(others, [outStrides], ([at = 0], position) => void (out[at + place * (outStrides[axis] ?? 1)] = values[position] ?? 0));
  });
  const list = (values: readonly number[]): HostTensor => hostTensor('int64', [values.length], values);
  return [
    hostTensor(x.type, outShape, out),
    list(chosen.map(({ first }) => first)),
    list(inverse.map((group) => rank.get(group) ?? 0)),
    list(chosen.map(({ count }) => count)),
  ];
}

function compare(a: readonly number[], b: readonly number[]): number {
  for (const [i, value] of a.entries()) if (value !== b[i]) return value - (b[i] ?? 0);
  return 0;
}

/** The first elements of each sequence in reverse order. */
const reverseSequence: Operator = {
  by: 'composition',
  reads: [1],
  run: (call) => {
    const x = call.x(0);
    const [time, batch] = [call.int('time_axis', 0), call.int('batch_axis', 1)];
    const size = x.shape[time] ?? 1;
    const lengths = call.list(1);
    const table = lengths.flatMap((length) => Array.from({ length: size }, (_, i) => (i < length ? length - 1 - i : i)));
    const places = engine.tensor(table, { shape: [lengths.length, size], dtype: 'i32', device: call.device });
    const ordered = batch < time ? places : engine.transpose(places);
    const sizes = x.shape.map((length, axis) => (axis === time || axis === batch ? length : 1));
    return engine.gather(x, time, engine.expand(engine.reshape(ordered, sizes), x.shape));
  },
};

export const indexingOperators: Operators = {
  Compress: compress,
  Gather: gather,
  GatherElements: {
    by: 'op',
    run: (call) => engine.gather(call.x(0), call.axis(call.int('axis', 0), call.shape(0).length), call.x(1)),
  },
  GatherND: gatherND,
  NonZero: { by: 'composition', reads: 'all', run: (call) => Value.host(nonZero(call.host(0))) },
  ReverseSequence: reverseSequence,
  Scatter: scatterElements,
  ScatterElements: scatterElements,
  ScatterND: scatterND,
  TensorScatter: tensorScatter,
  Unique: { by: 'composition', reads: 'all', run: (call) => unique(call).map((numbers) => Value.host(numbers)) },
};
