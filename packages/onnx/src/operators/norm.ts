/** Normalizations. */
import * as engine from '@mudpt/tensor';
import { sizeOf, type Tensor } from '@mudpt/tensor';
import type { Call } from '../node/call.ts';
import type { Operator, Operators } from '../node/operator.ts';
import { typed } from '../node/results.ts';
import { keyOf } from './random.ts';

/** A vector of channels as wide as an image of `rank` axes. */
const channels = (vector: Tensor, rank: number): Tensor =>
  engine.reshape(vector, [vector.size, ...Array.from({ length: rank - 2 }, () => 1)]);

const batchNorm: Operator = {
  by: 'composition',
  refuses: (node, opset) => {
    if (opset < 9) return 'before opset 9';
    const training = node.attributes.get('training_mode');
    return opset < 14 && training === undefined && node.outputs.length > 1 ? 'in training mode before opset 14' : undefined;
  },
  run: (call) => {
    const x = call.x(0);
    const eps = call.float('epsilon', 1e-5);
    if (call.int('training_mode', 0) !== 1) {
      const factor = engine.mul(call.x(1), engine.rsqrt(engine.add(call.x(4), eps)));
      const centered = engine.sub(x, channels(call.x(3), x.rank));
      return engine.add(engine.mul(centered, channels(factor, x.rank)), channels(call.x(2), x.rank));
    }
    const { out, mean, variance } = engine.batchNormTraining(x, call.x(1), call.x(2), eps);
    const momentum = call.float('momentum', 0.9);
    const running = (old: Tensor, now: Tensor): Tensor =>
      engine.add(engine.mul(old, momentum), engine.mul(engine.cast(now, old.dtype), 1 - momentum));
    return [out, running(call.x(3), mean), running(call.x(4), variance)];
  },
};

/** x with the axes from `axis` on as rows of one length. */
function rowsOf(call: Call, x: Tensor): { readonly rows: Tensor; readonly inner: readonly number[]; readonly axis: number } {
  const axis = call.axis(call.int('axis', -1), x.rank);
  const inner = x.shape.slice(axis);
  return { axis, inner, rows: inner.length === 1 ? x : engine.reshape(x, [...x.shape.slice(0, axis), sizeOf(inner)]) };
}

/** A weight as one vector, where it has all the elements of a row. */
function vectorOf(weight: Tensor | undefined, inner: readonly number[]): Tensor | undefined {
  return weight && engine.reshape(weight.size === sizeOf(inner) ? weight : engine.expand(weight, inner), [sizeOf(inner)]);
}

const layerNorm: Operator = {
  by: 'op',
  run: (call) => {
    const x = call.x(0);
    const eps = call.float('epsilon', 1e-5);
    const { rows, inner, axis } = rowsOf(call, x);
    const out = engine.reshape(engine.layerNorm(rows, vectorOf(call.x(1), inner), vectorOf(call.maybe(2), inner), eps), x.shape);
    if (!call.wants(1) && !call.wants(2)) return out;
    const axes = inner.map((_, i) => axis + i);
    const wide = engine.cast(x, 'f32');
    const deviation = engine.rsqrt(engine.add(engine.variance(wide, axes, { keepdim: true, correction: 0 }), eps));
    return [out, typed(call, 'float', engine.mean(wide, axes, { keepdim: true })), typed(call, 'float', deviation)];
  },
};

const rmsNorm: Operator = {
  by: 'op',
  run: (call) => {
    const x = call.x(0);
    const { rows, inner } = rowsOf(call, x);
    return engine.reshape(engine.rmsNorm(rows, vectorOf(call.x(1), inner), call.float('epsilon', 1e-5)), x.shape);
  },
};

/** Each group of channels as one row. */
function grouped(x: Tensor, groups: number, eps: number): Tensor {
  const [images = 1] = x.shape;
  return engine.reshape(
    engine.layerNorm(engine.reshape(x, [images, groups, x.size / (images * groups)]), undefined, undefined, eps),
    x.shape,
  );
}

const instanceNorm: Operator = {
  by: 'composition',
  run: (call) => {
    const x = call.x(0);
    const normed = grouped(x, x.shape[1] ?? 1, call.float('epsilon', 1e-5));
    return engine.add(engine.mul(normed, channels(call.x(1), x.rank)), channels(call.x(2), x.rank));
  },
};

const groupNorm: Operator = {
  by: 'composition',
  run: (call) => {
    const x = call.x(0);
    const groups = call.int('num_groups');
    const count = x.shape[1] ?? 1;
    const normed = grouped(x, groups, call.float('epsilon', 1e-5));
    // Before opset 21 there is one weight for each group.
    const each = (vector: Tensor): Tensor =>
      vector.size === count ? vector : engine.repeatInterleave(vector, count / vector.size);
    return engine.add(engine.mul(normed, channels(each(call.x(1)), x.rank)), channels(each(call.x(2)), x.rank));
  },
};

const lpNorm: Operator = {
  by: 'composition',
  run: (call) => {
    const x = call.x(0);
    const axis = call.axis(call.int('axis', -1), x.rank);
    const size = engine.norm(x, axis, { keepdim: true, p: call.int('p', 2) });
    // A vector of nothing but zeros stays.
    return engine.div(x, engine.where(engine.eq(size, 0), 1, size));
  },
};

const meanVariance: Operator = {
  by: 'composition',
  run: (call) => {
    const x = call.x(0);
    const axes = call.ints('axes') ?? [0, 2, 3];
    // What the mean lost where it was rounded goes, too.
    const near = engine.sub(x, engine.mean(x, axes, { keepdim: true }));
    const centered = engine.sub(near, engine.mean(near, axes, { keepdim: true }));
    return engine.div(centered, engine.add(engine.std(x, axes, { keepdim: true, correction: 0 }), 1e-9));
  },
};

/** Local response over neighbouring channels. */
const lrn: Operator = {
  by: 'composition',
  run: (call) => {
    const x = call.x(0);
    const size = call.int('size');
    const [images = 1, count = 1] = x.shape;
    const columns = engine.reshape(engine.square(x), [images, 1, count, x.size / (images * count)]);
    const before = Math.floor((size - 1) / 2);
    const around = engine.pad(columns, [
      [0, 0],
      [0, 0],
      [before, size - 1 - before],
    ]);
    const mean = engine.reshape(engine.avgPool2d(around, [size, 1], { stride: 1 }), x.shape);
    const base = engine.add(engine.mul(mean, call.float('alpha', 0.0001)), call.float('bias', 1));
    return engine.div(x, engine.pow(base, call.float('beta', 0.75)));
  },
};

/** The input as it is; in training, with a part of its elements set to 0 and the others scaled. */
const dropout: Operator = {
  by: 'composition',
  reads: [1, 2],
  run: (call) => {
    const x = call.x(0);
    const isTraining = call.has(2) && call.scalar(2) !== 0;
    const ratio = call.opset < 12 ? call.float('ratio', 0.5) : call.has(1) ? call.scalar(1) : 0.5;
    const all = (): Tensor => engine.ones(x.shape, { dtype: 'bool', device: x.device });
    if (!isTraining || ratio === 0) return [x, ...(call.wants(1) ? [typed(call, 'bool', all())] : [])];
    const kept = engine.bernoulli(x.shape, 1 - ratio, { key: keyOf(call), device: x.device });
    return [engine.mul(engine.where(kept, x, 0), 1 / (1 - ratio)), typed(call, 'bool', kept)];
  },
};

export const normOperators: Operators = {
  BatchNormalization: batchNorm,
  Dropout: dropout,
  GroupNormalization: groupNorm,
  InstanceNormalization: instanceNorm,
  LRN: lrn,
  LayerNormalization: layerNorm,
  LpNormalization: lpNorm,
  MeanVarianceNormalization: meanVariance,
  RMSNormalization: rmsNorm,
};
