/** Resampling and padding, axis by axis: each result is a weighted sum of a few places of its axis. */
import * as engine from '@mudpt/tensor';
import type { Tensor } from '@mudpt/tensor';
import type { NodeProto } from '../format/proto.ts';
import { isFloatType } from '../format/types.ts';
import type { Call } from '../node/call.ts';
import { type Operator, type Operators, textAttribute } from '../node/operator.ts';

type Mode = 'nearest' | 'linear' | 'cubic';
type Tap = { readonly place: number; readonly weight: number };

/** One axis of a resize. */
type AxisResize = {
  readonly from: number;
  readonly to: number;
  readonly scale: number;
  readonly region: readonly [start: number, end: number];
};

/** Where output `i` lies on the input's axis. */
function coordinate(mode: string, i: number, { from, to, scale, region: [start, end] }: AxisResize): number {
  switch (mode) {
    case 'asymmetric':
      return i / scale;
    case 'align_corners':
      return to === 1 ? 0 : (i * (from - 1)) / (scale * from - 1);
    case 'pytorch_half_pixel':
      return scale * from === 1 || to === 1 ? 0 : (i + 0.5) / scale - 0.5;
    case 'tf_half_pixel_for_nn':
      return (i + 0.5) / scale;
    case 'tf_crop_and_resize':
      // By the whole size of the result, as the specification and ONNX Runtime have it; ONNX's reference evaluator takes scale * from.
      return to > 1 ? start * (from - 1) + (i * (end - start) * (from - 1)) / (to - 1) : 0.5 * (start + end) * (from - 1);
    case 'half_pixel_symmetric': {
      const adjustment = to / (scale * from);
      const center = from / 2;
      return center * (1 - adjustment) + (i + 0.5) / scale - 0.5;
    }
    default:
      return (i + 0.5) / scale - 0.5;
  }
}

const NEAREST: Readonly<Record<string, (x: number) => number>> = {
  round_prefer_floor: (x) => Math.ceil(x - 0.5),
  round_prefer_ceil: (x) => Math.floor(x + 0.5),
  floor: Math.floor,
  ceil: Math.ceil,
};

/** Weight of a place at a distance, in places. */
function kernelWeight(mode: Mode, distance: number, a: number): number {
  const d = Math.abs(distance);
  if (mode === 'linear') return Math.max(0, 1 - d);
  if (d < 1) return ((a + 2) * d - (a + 3)) * d * d + 1;
  return d < 2 ? ((a * d - 5 * a) * d + 8 * a) * d - 4 * a : 0;
}

/** Places and weights of each output of an axis; undefined for an output that lies outside and is filled. */
function tapsOf(call: Call, mode: Mode, axis: AxisResize): (readonly Tap[] | undefined)[] {
  const transform = call.text('coordinate_transformation_mode', call.node.op === 'Upsample' ? 'asymmetric' : 'half_pixel');
  const nearest =
    NEAREST[call.text('nearest_mode', call.node.op === 'Upsample' || call.opset < 11 ? 'floor' : 'round_prefer_floor')];
  const a = call.float('cubic_coeff_a', -0.75);
  const excludes = call.int('exclude_outside', 0) === 1;
  // Antialiased kernels are as wide as the places that fall together.
  const width = call.int('antialias', 0) === 1 && axis.scale < 1 ? 1 / axis.scale : 1;
  return Array.from({ length: axis.to }, (_, i) => {
    const x = coordinate(transform, i, axis);
    if (transform === 'tf_crop_and_resize' && (x < 0 || x > axis.from - 1)) return undefined;
    const clamp = (place: number): number => Math.min(Math.max(place, 0), axis.from - 1);
    if (mode === 'nearest') return [{ place: clamp((nearest ?? Math.floor)(x)), weight: 1 }];
    const reach = (mode === 'linear' ? 1 : 2) * width;
    const taps: Tap[] = [];
    for (let place = Math.ceil(x - reach); place <= Math.floor(x + reach); place += 1) {
      const weight = kernelWeight(mode, (place - x) / width, a);
      const isOutside = place < 0 || place >= axis.from;
      if (weight !== 0 && !(isOutside && excludes)) taps.push({ place: clamp(place), weight });
    }
    const total = taps.reduce((sum, { weight }) => sum + weight, 0);
    return taps.map(({ place, weight }) => ({ place, weight: weight / total }));
  });
}

/** The weighted sums along an axis, as one gather for each tap. */
function resample(x: Tensor, axis: number, outputs: readonly (readonly Tap[] | undefined)[], fill: number): Tensor {
  const { device } = x;
  const size = outputs.length;
  const count = Math.max(1, ...outputs.map((taps) => taps?.length ?? 0));
  const column = x.shape.map((_, i) => (i === axis ? size : 1));
  let total: Tensor | undefined;
  for (let tap = 0; tap < count; tap += 1) {
    const index = engine.tensor(
      outputs.map((taps) => taps?.[tap]?.place ?? 0),
      { dtype: 'i32', shape: [size], device },
    );
    const part = engine.indexSelect(x, axis, index);
    const weights = outputs.map((taps) => taps?.[tap]?.weight ?? 0);
    const weighed = weights.every((weight) => weight === 1)
      ? part
      : engine.mul(part, engine.tensor(weights, { shape: column, dtype: x.dtype, device }));
    total = total ? engine.add(total, weighed) : weighed;
  }
  if (outputs.every((taps) => taps)) return total as Tensor;
  const outside = engine.tensor(
    outputs.map((taps) => Number(!taps)),
    { shape: column, dtype: 'bool', device },
  );
  return engine.where(outside, fill, total as Tensor);
}

/** Sizes and scales of the axes, from scales or from sizes. */
function axesOf(call: Call): ReadonlyMap<number, AxisResize> {
  const shape = call.shape(0);
  const isOld = call.node.op === 'Upsample' || call.opset < 11;
  const axes = (call.ints('axes') ?? shape.map((_, axis) => axis)).map((axis) => call.axis(axis, shape.length));
  const filled = (index: number): number[] | undefined => {
    const list = call.has(index) ? call.list(index) : [];
    return list.length > 0 ? list : undefined;
  };
  const regions = isOld ? undefined : filled(1);
  let scales = isOld ? (filled(1) ?? [...(call.floats('scales') ?? [])]) : filled(2);
  let sizes = isOld ? undefined : filled(3);
  const policy = call.text('keep_aspect_ratio_policy', 'stretch');
  if (sizes && policy !== 'stretch') {
    const ratios = sizes.map((size, i) => size / (shape[axes[i] ?? 0] ?? 1));
    const ratio = policy === 'not_larger' ? Math.min(...ratios) : Math.max(...ratios);
    sizes = axes.map((axis) => Math.floor(ratio * (shape[axis] ?? 1) + 0.5));
    scales = axes.map(() => ratio);
  }
  return new Map(
    axes.map((axis, i): [number, AxisResize] => {
      const from = shape[axis] ?? 1;
      const scale = scales?.[i] ?? (sizes?.[i] ?? from) / from;
      const to = sizes?.[i] ?? Math.floor(from * scale);
      return [axis, { from, to, scale, region: [regions?.[i] ?? 0, regions?.[i + axes.length] ?? 1] }];
    }),
  );
}

const resize: Operator = {
  by: 'composition',
  reads: [1, 2, 3],
  refuses: (node: NodeProto) => {
    const mode = textAttribute(node, 'mode', 'nearest');
    return ['nearest', 'linear', 'bilinear', 'cubic'].includes(mode) ? undefined : `with mode ${mode}`;
  },
  run: (call) => {
    const named = call.text('mode', 'nearest');
    const mode = (named === 'bilinear' ? 'linear' : named) as Mode;
    const isExact = mode === 'nearest' || isFloatType(call.type(0));
    let x = isExact ? call.x(0) : engine.cast(call.x(0), 'f32');
    const crops = call.text('coordinate_transformation_mode', '') === 'tf_crop_and_resize';
    for (const [axis, sizes] of axesOf(call)) {
      if (sizes.from === sizes.to && sizes.scale === 1 && !crops) continue;
      x = resample(x, axis, tapsOf(call, mode, sizes), call.float('extrapolation_value', 0));
    }
    return isExact ? x : engine.round(x);
  },
};

/** The place in an axis of `size` that place `at`, maybe outside, shows. */
const REFLECTIONS: Readonly<Record<string, (at: number, size: number) => number>> = {
  edge: (at, size) => Math.min(Math.max(at, 0), size - 1),
  wrap: (at, size) => ((at % size) + size) % size,
  reflect: (at, size) => {
    const period = Math.max(1, 2 * (size - 1));
    const place = ((at % period) + period) % period;
    return place < size ? place : period - place;
  },
};

const pad: Operator = {
  by: 'op',
  reads: [1, 2, 3],
  refuses: (node) => {
    const mode = textAttribute(node, 'mode', 'constant');
    return mode === 'constant' || mode in REFLECTIONS ? undefined : `with mode ${mode}`;
  },
  run: (call) => {
    const x = call.x(0);
    const pads = call.opset >= 11 ? call.list(1) : (call.ints('pads') ?? []);
    const axes = (call.has(3) ? call.list(3) : x.shape.map((_, axis) => axis)).map((axis) => call.axis(axis, x.rank));
    const amounts = x.shape.map((_, axis): engine.Padding => {
      const i = axes.indexOf(axis);
      return i < 0 ? [0, 0] : [pads[i] ?? 0, pads[i + axes.length] ?? 0];
    });
    const place = REFLECTIONS[call.text('mode', 'constant')];
    if (!place) {
      const value = call.opset >= 11 ? (call.has(2) ? (call.list(2)[0] ?? 0) : 0) : call.float('value', 0);
      return engine.pad(x, amounts, value);
    }
    return amounts.reduce((image, [before, after], axis) => {
      if (before === 0 && after === 0) return image;
      const size = x.shape[axis] ?? 1;
      const places = Array.from({ length: size + before + after }, (_, i) => place(i - before, size));
      const index = engine.tensor(places, { dtype: 'i32', shape: [places.length], device: call.device });
      return engine.indexSelect(image, axis, index);
    }, x);
  },
};

/** Sampling places of an affine map, for GridSample. */
const affineGrid: Operator = {
  by: 'composition',
  reads: [1],
  run: (call) => {
    const theta = call.x(0);
    const sizes = call.list(1).slice(2);
    const aligned = call.int('align_corners', 0) === 1;
    const steps = sizes.map((size) =>
      Array.from({ length: size }, (_, i) => (aligned ? (size === 1 ? 0 : -1 + (2 * i) / (size - 1)) : -1 + (2 * i + 1) / size)),
    );
    // Coordinates are x, y(, z): the last axis first.
    const columns = sizes
      .map((size, axis) => {
        const line = engine.tensor(steps[axis] ?? [], {
          shape: sizes.map((_, i) => (i === axis ? size : 1)),
          dtype: theta.dtype,
          device: theta.device,
        });
        return engine.expand(line, sizes);
      })
      .toReversed();
    const places = engine.stack([...columns, engine.ones(sizes, { device: theta.device, dtype: theta.dtype })], -1);
    const flat = engine.reshape(places, [1, places.size / (sizes.length + 1), sizes.length + 1]);
    return engine.reshape(engine.matmul(flat, theta, { transposeB: true }), [theta.shape[0] ?? 1, ...sizes, sizes.length]);
  },
};

export const resizeOperators: Operators = { AffineGrid: affineGrid, Pad: pad, Resize: resize, Upsample: resize };
