/** Running products, small matrix functions, gates and losses, by definition. */
import { build, get, type Ref, ref } from './array.ts';
import { alongAxis } from './reduce.ts';

const running =
  (combine: (before: number, value: number) => number) =>
  (x: Ref, axis = -1): Ref =>
    alongAxis(x, axis, x.shape.at(axis)!, (line) =>
      line.map((_, at) => line.slice(0, at + 1).reduce((before, value) => combine(before, value))),
    );

export const cumprod = running((a, b) => a * b);
export const cummax = running(Math.max);
export const cummin = running(Math.min);
export const logcumsumexp = running((a, b) => (a === b ? a + Math.LN2 : Math.max(a, b) + Math.log1p(Math.exp(-Math.abs(a - b)))));

export function diff(x: Ref, axis: number, order: number): Ref {
  if (order === 0) return x;
  const shorter = alongAxis(x, axis, x.shape.at(axis)! - 1, (line) => line.slice(1).map((value, at) => value - line[at]!));
  return diff(shorter, axis, order - 1);
}

export const outer = (a: Ref, b: Ref): Ref => build([a.data.length, b.data.length], ([i = 0, j = 0]) => a.data[i]! * b.data[j]!);
export const dot = (a: Ref, b: Ref): Ref => ref([], [a.data.reduce((sum, value, i) => sum + value * b.data[i]!, 0)]);

export function diagonal(x: Ref, offset = 0): Ref {
  const [m = 0, n = 0] = x.shape.slice(-2);
  const [row, column] = [Math.max(-offset, 0), Math.max(offset, 0)];
  const count = Math.max(0, Math.min(m - row, n - column));
  return build([...x.shape.slice(0, -2), count], (index) => {
    const at = index.at(-1)!;
    return get(x, [...index.slice(0, -1), row + at, column + at]);
  });
}

export function diag(x: Ref, offset = 0): Ref {
  if (x.shape.length === 2) return diagonal(x, offset);
  const size = x.data.length + Math.abs(offset);
  return build([size, size], ([i = 0, j = 0]) => (j - i === offset ? x.data[Math.min(i, j)]! : 0));
}

export function trace(x: Ref): Ref {
  const line = diagonal(x);
  const count = line.shape.at(-1)!;
  return build(line.shape.slice(0, -1), (index) =>
    Array.from({ length: count }, (_, at) => get(line, [...index, at])).reduce((a, b) => a + b, 0),
  );
}

export function kron(a: Ref, b: Ref): Ref {
  const rank = Math.max(a.shape.length, b.shape.length);
  const fill = (x: Ref): number[] => [...Array.from({ length: rank - x.shape.length }, () => 1), ...x.shape];
  const [left, right] = [fill(a), fill(b)];
  const [whole, part] = [ref(left, a.data), ref(right, b.data)];
  return build(
    left.map((size, axis) => size * right[axis]!),
    (index) =>
      get(
        whole,
        index.map((at, axis) => Math.floor(at / right[axis]!)),
      ) *
      get(
        part,
        index.map((at, axis) => at % right[axis]!),
      ),
  );
}

const logistic = (x: number): number => 1 / (1 + Math.exp(-x));

export function glu(x: Ref, axis = -1): Ref {
  const half = x.shape.at(axis)! / 2;
  return alongAxis(x, axis, half, (line) => line.slice(0, half).map((value, at) => value * logistic(line[half + at]!)));
}

export function prelu(x: Ref, weight: Ref): Ref {
  return build(x.shape, (index) => {
    const [value, slope] = [get(x, index), weight.data[weight.data.length === 1 ? 0 : index[1]!]!];
    return value > 0 ? value : slope * value;
  });
}

export type Reducing = { readonly reduction?: 'mean' | 'sum' | 'none' };

function reduce(
  shape: readonly number[],
  terms: readonly number[],
  { reduction = 'mean' }: Reducing,
  divisor = terms.length,
): Ref {
  if (reduction === 'none') return ref([...shape], terms);
  const total = terms.reduce((sum, term) => sum + term, 0);
  return ref([], [reduction === 'mean' ? total / divisor : total]);
}

/** A logarithm of 0 counts as -100. */
export function bce(x: Ref, target: Ref, options: Reducing & { readonly weight: Ref }): Ref {
  const width = options.weight.data.length;
  const logarithm = (p: number): number => (p === 0 ? -100 : Math.log(p));
  const terms = Array.from(x.data, (p, i) => {
    const t = target.data[i]!;
    return -options.weight.data[i % width]! * (t * logarithm(p) + (1 - t) * logarithm(1 - p));
  });
  return reduce(x.shape, terms, options);
}

export function bceWithLogits(x: Ref, target: Ref, options: Reducing & { readonly positiveWeight: Ref }): Ref {
  const width = options.positiveWeight.data.length;
  const terms = Array.from(x.data, (logit, i) => {
    const [t, p] = [target.data[i]!, logistic(logit)];
    return -(options.positiveWeight.data[i % width]! * t * Math.log(p) + (1 - t) * Math.log(1 - p));
  });
  return reduce(x.shape, terms, options);
}

export function huberLoss(x: Ref, target: Ref, options: Reducing & { readonly delta: number }): Ref {
  const { delta } = options;
  const terms = Array.from(x.data, (value, i) => {
    const distance = Math.abs(value - target.data[i]!);
    return distance <= delta ? distance ** 2 / 2 : delta * (distance - delta / 2);
  });
  return reduce(x.shape, terms, options);
}

export function nllLoss(x: Ref, labels: Ref, options: Reducing & { readonly weight: Ref }): Ref {
  const classes = x.shape.at(-1)!;
  const factors = Array.from(labels.data, (label) => (label < 0 ? 0 : options.weight.data[label]!));
  const terms = factors.map((factor, row) => (factor === 0 ? 0 : -factor * x.data[row * classes + labels.data[row]!]!));
  return reduce(
    labels.shape,
    terms,
    options,
    factors.reduce((sum, factor) => sum + factor, 0),
  );
}

export function softCrossEntropy(x: Ref, target: Ref, options: Reducing & { readonly labelSmoothing: number }): Ref {
  const classes = x.shape.at(-1)!;
  const { labelSmoothing } = options;
  const rows = x.data.length / classes;
  const terms = Array.from({ length: rows }, (_, row) => {
    const line = Array.from(x.data.subarray(row * classes, (row + 1) * classes));
    const total = Math.log(line.reduce((sum, value) => sum + Math.exp(value), 0));
    return -line.reduce(
      (sum, value, c) =>
        sum + ((1 - labelSmoothing) * target.data[row * classes + c]! + labelSmoothing / classes) * (value - total),
      0,
    );
  });
  return reduce(x.shape.slice(0, -1), terms, options);
}
