/** Slices, splits and joins. */
import * as engine from '@mudpt/tensor';
import type { Tensor } from '@mudpt/tensor';
import { joined, strided } from '../host/elementwise.ts';
import type { HostTensor } from '../host/tensor.ts';
import type { Call } from '../node/call.ts';
import type { Operator, Operators } from '../node/operator.ts';

/** Start, step and count of each axis. */
type Cut = { readonly start: number; readonly step: number; readonly count: number };

function sliceCuts(call: Call): Cut[] {
  const shape = call.shape(0);
  const starts = call.intsOf('starts', 1) ?? [];
  const ends = call.intsOf('ends', 2) ?? [];
  const axes = call.intsOf('axes', 3) ?? starts.map((_, axis) => axis);
  const steps = call.has(4) ? call.list(4) : starts.map(() => 1);
  const cuts = shape.map((size): Cut => ({ start: 0, step: 1, count: size }));
  axes.forEach((given, i) => {
    const axis = call.axis(given, shape.length);
    const size = shape[axis] ?? 0;
    const step = steps[i] ?? 1;
    if (step === 0) throw call.error('a step is 0', 'export the model anew');
    const place = (at: number, low: number, high: number): number => Math.min(Math.max(at < 0 ? at + size : at, low), high);
    const [low, high] = step > 0 ? [0, size] : [-1, size - 1];
    const start = place(starts[i] ?? 0, low, high);
    const end = place(ends[i] ?? 0, low, high);
    cuts[axis] = { start, step, count: Math.max(0, Math.ceil((end - start) / step)) };
  });
  return cuts;
}

function cutTensor(x: Tensor, cuts: readonly Cut[]): Tensor {
  const ranges = cuts.map(({ start, step, count }) => {
    if (count === 0) return { start: 0, stop: 0 };
    const stop = start + step * count;
    return stop < 0 ? { start, step } : { start, stop, step };
  });
  return engine.slice(x, ranges);
}

const cutHost = (x: HostTensor, cuts: readonly Cut[]): HostTensor =>
  strided(
    x,
    cuts.map(({ start, count }) => (count === 0 ? 0 : start)),
    cuts.map(({ step }) => step),
    cuts.map(({ count }) => count),
  );

const slice: Operator = {
  by: 'op',
  reads: [1, 2, 3, 4],
  run: (call) => cutTensor(call.x(0), sliceCuts(call)),
  host: (call) => cutHost(call.host(0), sliceCuts(call)),
};

/** Sizes of the parts of a split. */
function splitSizes(call: Call): { readonly axis: number; readonly sizes: readonly number[] } {
  const shape = call.shape(0);
  const axis = call.axis(call.int('axis', 0), shape.length);
  const given = call.intsOf('split', 1);
  if (given) return { axis, sizes: given };
  const size = shape[axis] ?? 0;
  const piece = Math.ceil(size / call.outputs);
  return { axis, sizes: Array.from({ length: call.outputs }, (_, i) => Math.max(0, Math.min(piece, size - i * piece))) };
}

function splitCuts(call: Call): Cut[][] {
  const { axis, sizes } = splitSizes(call);
  let at = 0;
  return sizes.map((length) => {
    at += length;
    return call
      .shape(0)
      .map((size, i) => (i === axis ? { start: at - length, step: 1, count: length } : { start: 0, step: 1, count: size }));
  });
}

const split: Operator = {
  by: 'op',
  reads: [1],
  run: (call) => splitCuts(call).map((cuts) => cutTensor(call.x(0), cuts)),
  host: (call) => splitCuts(call).map((cuts) => cutHost(call.host(0), cuts)),
};

const concat: Operator = {
  by: 'op',
  run: (call) =>
    engine.cat(
      call.inputs.map((_, index) => call.x(index)),
      call.axis(call.int('axis', 1), call.shape(0).length),
    ),
  host: (call) =>
    joined(
      call.inputs.map((_, index) => call.host(index)),
      call.axis(call.int('axis', 1), call.shape(0).length),
    ),
};

export const sliceOperators: Operators = {
  Concat: concat,
  Slice: slice,
  Split: split,
};
