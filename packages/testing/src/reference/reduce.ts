/**
 * Reductions over any axes, scans and sorting. Each reduction is a function of the plain list of values it sees.
 *
 * `axes`: undefined reduces all axes, an empty list none. NaN is larger than every number for max, argmax and sorting, as in PyTorch.
 */
import { type Ref, flatten, forEachIndex, get, map, normalizeAxis, ref, set, zeros } from './array.ts';

export type ReduceOptions = { axes?: readonly number[]; keepdim?: boolean };

/** Collects, for every element of the result, the values it is made of (in C order) and reduces them with `fn`. */
export function reduceWith(x: Ref, options: ReduceOptions, fn: (values: readonly number[]) => number): Ref {
  const rank = x.shape.length;
  const reduced = new Set((options.axes ?? [...x.shape.keys()]).map((axis) => normalizeAxis(axis, rank)));
  const kept = x.shape.map((extent, axis) => (reduced.has(axis) ? 1 : extent));
  const groups: number[][] = Array.from(zeros(kept).data, () => []);
  forEachIndex(x.shape, (index, flat) => {
    const target = index.map((position, axis) => (reduced.has(axis) ? 0 : position));
    groups[flatten(target, kept)]!.push(x.data[flat]!);
  });
  const shape = options.keepdim ? kept : kept.filter((_, axis) => !reduced.has(axis));
  return ref(shape, groups.map(fn));
}

const total = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0);
const average = (values: readonly number[]): number => total(values) / values.length;

const largest = (values: readonly number[]): number => {
  if (values.length === 0) throw new Error('the maximum of no values is not defined');
  return values.reduce((best, value) => Math.max(best, value));
};

const variance = (values: readonly number[], correction: number): number => {
  const centre = average(values);
  return total(values.map((value) => (value - centre) ** 2)) / Math.max(0, values.length - correction);
};

/** Position of the first extreme value, or of the first NaN. */
const position = (values: readonly number[], better: (a: number, b: number) => boolean): number => {
  if (values.length === 0) throw new Error('the position of an extreme among no values is not defined');
  const nan = values.findIndex(Number.isNaN);
  if (nan >= 0) return nan;
  return values.reduce((best, value, i) => (better(value, values[best]!) ? i : best), 0);
};

export function sum(x: Ref, options: ReduceOptions = {}): Ref {
  return reduceWith(x, options, total);
}

export function mean(x: Ref, options: ReduceOptions = {}): Ref {
  return reduceWith(x, options, average);
}

/** Throws on an empty group. */
export function max(x: Ref, options: ReduceOptions = {}): Ref {
  return reduceWith(x, options, largest);
}

/** Throws on an empty group. */
export function min(x: Ref, options: ReduceOptions = {}): Ref {
  return reduceWith(x, options, (values) => -largest(values.map((value) => -value)));
}

export function prod(x: Ref, options: ReduceOptions = {}): Ref {
  return reduceWith(x, options, (values) => values.reduce((product, value) => product * value, 1));
}

/** Squared deviations over n - correction; NaN where nothing is left to divide by. */
export function variances(x: Ref, options: ReduceOptions & { correction?: number } = {}): Ref {
  return reduceWith(x, options, (values) => variance(values, options.correction ?? 1));
}

/** Square root of `variances`. */
export function std(x: Ref, options: ReduceOptions & { correction?: number } = {}): Ref {
  return map(variances(x, options), Math.sqrt);
}

/** log(sum(exp(x))), shifted by the maximum; minus infinity for no values. */
export function logsumexp(x: Ref, options: ReduceOptions = {}): Ref {
  return reduceWith(x, options, (values) => {
    const shift = values.length === 0 ? -Infinity : largest(values);
    if (!Number.isFinite(shift)) return shift;
    return shift + Math.log(total(values.map((value) => Math.exp(value - shift))));
  });
}

/** Vector norm: p = 1, 2, Infinity or any positive p. */
export function norm(x: Ref, options: ReduceOptions & { p?: number } = {}): Ref {
  const p = options.p ?? 2;
  return reduceWith(x, options, (values) => {
    const magnitudes = values.map(Math.abs);
    if (p === Infinity) return magnitudes.reduce((best, value) => Math.max(best, value), 0);
    return total(magnitudes.map((value) => value ** p)) ** (1 / p);
  });
}

/** Position along the axis of the first maximum; without an axis, in the flattened array. */
export function argmax(x: Ref, options: { axis?: number; keepdim?: boolean } = {}): Ref {
  return reduceWith(x, axisOption(options), (values) => position(values, (a, b) => a > b));
}

/** Position along the axis of the first minimum; without an axis, in the flattened array. */
export function argmin(x: Ref, options: { axis?: number; keepdim?: boolean } = {}): Ref {
  return reduceWith(x, axisOption(options), (values) => position(values, (a, b) => a < b));
}

function axisOption(options: { axis?: number; keepdim?: boolean }): ReduceOptions {
  return { axes: options.axis === undefined ? undefined : [options.axis], keepdim: options.keepdim };
}

/** 1 where any value is not zero. */
export function any(x: Ref, options: ReduceOptions = {}): Ref {
  return reduceWith(x, options, (values) => (values.some((value) => value !== 0) ? 1 : 0));
}

/** 1 where no value is zero. */
export function all(x: Ref, options: ReduceOptions = {}): Ref {
  return reduceWith(x, options, (values) => (values.every((value) => value !== 0) ? 1 : 0));
}

/** Replaces every line along the axis by what `fn` makes of it (of the same or another length). */
export function alongAxis(x: Ref, axis: number, length: number, fn: (line: readonly number[]) => readonly number[]): Ref {
  const along = normalizeAxis(axis, x.shape.length);
  const out = zeros(x.shape.map((extent, i) => (i === along ? length : extent)));
  const lines = x.shape.map((extent, i) => (i === along ? 1 : extent));
  const at = (index: readonly number[], place: number): number[] => index.map((position, i) => (i === along ? place : position));
  forEachIndex(lines, (index) => {
    const line = Array.from({ length: x.shape[along]! }, (_, place) => get(x, at(index, place)));
    fn(line).forEach((value, place) => set(out, at(index, place), value));
  });
  return out;
}

/** Running sum along an axis. */
export function cumsum(x: Ref, axis = -1): Ref {
  return alongAxis(x, axis, x.shape.at(axis)!, (line) => {
    let running = 0;
    return line.map((value) => {
      running += value;
      return running;
    });
  });
}

/** Ascending, NaN last. */
const compare = (a: number, b: number): number => {
  if (Number.isNaN(a) || Number.isNaN(b)) return Number(Number.isNaN(a)) - Number(Number.isNaN(b));
  return a < b ? -1 : Number(a > b);
};

/** Positions of a line's values in sorted order; equal values (NaN among them) keep their order in both directions. */
function order(line: readonly number[], descending: boolean): number[] {
  return [...line.keys()].sort((i, j) => (descending ? compare(line[j]!, line[i]!) : compare(line[i]!, line[j]!)));
}

/** Stable sort along an axis. */
export function sort(x: Ref, options: { axis?: number; descending?: boolean } = {}): { values: Ref; indices: Ref } {
  const { axis = -1, descending = false } = options;
  const length = x.shape.at(axis)!;
  return {
    values: alongAxis(x, axis, length, (line) => order(line, descending).map((i) => line[i]!)),
    indices: alongAxis(x, axis, length, (line) => order(line, descending)),
  };
}

/** The k largest (or smallest) along an axis, best first; among equal values the earlier comes first. */
export function topk(x: Ref, k: number, options: { axis?: number; largest?: boolean } = {}): { values: Ref; indices: Ref } {
  const { axis = -1, largest: descending = true } = options;
  if (k > x.shape.at(axis)!) throw new Error(`k ${k} is larger than the axis (${x.shape.at(axis)})`);
  const best = (line: readonly number[]): number[] => order(line, descending).slice(0, k);
  return {
    values: alongAxis(x, axis, k, (line) => best(line).map((i) => line[i]!)),
    indices: alongAxis(x, axis, k, best),
  };
}
