/** Convolutions and pools. */
import * as engine from '@mudpt/tensor';
import type { Tensor } from '@mudpt/tensor';
import type { NodeProto } from '../format/proto.ts';
import { isFloatType } from '../format/types.ts';
import type { Call } from '../node/call.ts';
import type { Operator, Operators } from '../node/operator.ts';
import { typed } from '../node/results.ts';
import { type AxisWindows, convolve, poolAxes, type Surround, surround, windowsOf } from './windows.ts';

const allOf = (windows: readonly AxisWindows[], key: 'stride' | 'dilation'): number[] => windows.map((axis) => axis[key]);

/** Correlation of input `x` with a weight, by the attributes of a Conv node. */
export function convOf(call: Call, x: Tensor, weight: Tensor, bias?: Tensor): Tensor {
  const windows = windowsOf(call, weight.shape.slice(2));
  return convolve(x, weight, bias, {
    strides: allOf(windows, 'stride'),
    dilations: allOf(windows, 'dilation'),
    groups: call.int('group', 1),
    padding: windows.map(({ before, after }): Surround => [before, after]),
  });
}

const kernelOf = (call: Call): readonly number[] => call.ints('kernel_shape') ?? [];

const maxPool: Operator = {
  by: 'op',
  refuses: ({ outputs, attributes }: NodeProto) => {
    const kernel = attributes.get('kernel_shape');
    const isFlat = kernel?.kind === 'ints' && kernel.value.length <= 2;
    return outputs[1] && !isFlat ? 'with its second output, Indices, over volumes' : undefined;
  },
  run: (call) => {
    const windows = windowsOf(call, kernelOf(call));
    // Bytes are whole numbers in f32, too.
    const x = isFloatType(call.type(0)) ? call.x(0) : engine.cast(call.x(0), 'f32');
    if (!call.wants(1) && windows.some(isWide)) {
      const around = windows.map(({ before, after, extra }): Surround => [before, after + extra]);
      const bare = windows.map((axis) => ({ ...axis, before: 0, after: 0, extra: 0 }));
      const padded = surround(x, around, Number.NEGATIVE_INFINITY);
      return poolAxes(padded, bare, (part, { kernel, ...options }) => engine.maxPool2d(part, kernel, options));
    }
    if (!call.wants(1)) return poolAxes(x, windows, (part, { kernel, ...options }) => engine.maxPool2d(part, kernel, options));
    let places: Tensor | undefined;
    const values = poolAxes(x, windows, (part, { kernel, ...options }) => {
      const found = engine.maxPool2dWithIndices(part, kernel, options);
      places = found.indices;
      return found.values;
    });
    const isByColumn = call.int('storage_order', 0) === 1;
    return [values, typed(call, 'int64', engine.reshape(inTensor(places as Tensor, x.shape, isByColumn), values.shape))];
  },
};

/** Places in images [N, C, H, W] as places in the whole tensor. */
function inTensor(places: Tensor, shape: readonly number[], isByColumn: boolean): Tensor {
  const [n = 1, c = 1, ...image] = shape;
  const [height = 1, width = 1] = image.length === 1 ? [1, ...image] : image;
  const signed = engine.cast(places, 'i32');
  const inImage = isByColumn ? engine.add(engine.mul(engine.mod(signed, width), height), engine.floorDiv(signed, width)) : signed;
  const first = engine.mul(engine.arange(n * c, { dtype: 'i32', device: places.device }), height * width);
  return engine.add(inImage, engine.reshape(first, [n, c, 1, 1]));
}

/** Whether a window may lie in the padding alone, which the engine's pools refuse. */
const isWide = ({ taps, before, after, extra }: AxisWindows): boolean => Math.max(before, after + extra) > taps / 2;

/** Means of windows, over what counts of each. */
function means(x: Tensor, windows: readonly AxisWindows[], { countsPadding }: { readonly countsPadding: boolean }): Tensor {
  return poolAxes(x, windows, (part, { kernel, stride, padding, dilation }) => {
    if (dilation[0] === 1 && dilation[1] === 1 && !windows.some(isWide))
      return engine.avgPool2d(part, kernel, { stride, padding, countsPadding });
    const sums = (image: Tensor): Tensor => {
      const channels = image.shape[1] ?? 1;
      const weight = engine.ones([channels, 1, ...kernel], { device: image.device, dtype: image.dtype });
      return engine.conv2d(image, weight, undefined, { stride, dilation, padding, groups: channels });
    };
    const [, , height = 1, width = 1] = part.shape;
    const all = countsPadding
      ? kernel[0] * kernel[1]
      : sums(engine.ones([1, 1, height, width], { device: part.device, dtype: part.dtype }));
    return engine.div(sums(part), all);
  });
}

const averagePool: Operator = {
  by: 'op',
  run: (call) => {
    const windows = windowsOf(call, kernelOf(call));
    const x = call.x(0);
    const countsPadding = call.int('count_include_pad', 0) === 1;
    if (!countsPadding || windows.every(({ extra }) => extra === 0)) return means(x, windows, { countsPadding });
    // Padding counts, but not the cells beyond it that the last window reaches into.
    const padded = surround(
      x,
      windows.map(({ before, after }): Surround => [before, after]),
    );
    return means(
      padded,
      windows.map((axis) => ({ ...axis, before: 0, after: 0 })),
      { countsPadding: false },
    );
  },
};

/** The p-norm of each window. */
const lpPool: Operator = {
  by: 'composition',
  run: (call) => {
    const windows = windowsOf(call, kernelOf(call));
    const p = call.int('p', 2);
    const powers = engine.pow(engine.abs(call.x(0)), p);
    const count = windows.reduce((product, { taps }) => product * taps, 1);
    return engine.pow(engine.mul(means(powers, windows, { countsPadding: true }), count), 1 / p);
  },
};

function global(pool: (x: Tensor, axes: readonly number[], call: Call) => Tensor): Operator {
  return {
    by: 'op',
    run: (call) => {
      const axes = call.shape(0).map((_, axis) => axis);
      return pool(call.x(0), axes.slice(2), call);
    },
  };
}

/** Values of the image at the windows of a convolution, added where they overlap. */
const col2Im: Operator = {
  by: 'composition',
  reads: [1, 2],
  run: (call) => {
    const [size, kernel] = [call.list(1), call.list(2)];
    if (size.length !== 2)
      throw call.error(`an image of ${size.length} axes`, 'only images with height and width can be put together');
    const pads = call.ints('pads') ?? [0, 0, 0, 0];
    const [top = 0, left = 0, bottom = 0, right = 0] = pads;
    const [height = 1, width = 1] = size;
    const pair = (list: readonly number[] | undefined): readonly [number, number] => [list?.[0] ?? 1, list?.[1] ?? 1];
    const whole = engine.fold(call.x(0), [height + top + bottom, width + left + right], [kernel[0] ?? 1, kernel[1] ?? 1], {
      stride: pair(call.ints('strides')),
      dilation: pair(call.ints('dilations')),
    });
    return engine.slice(whole, [null, null, { start: top, stop: top + height }, { start: left, stop: left + width }]);
  },
};

/** Exact: products of bytes and their sums are whole numbers that f32 holds, for up to 258 terms; beyond that parts are added as integers. */
export function integerConv(call: Call, x: Tensor, weight: Tensor): Tensor {
  const channels = weight.shape[1] ?? 1;
  const taps = weight.shape.slice(2).reduce((product, size) => product * size, 1);
  const groups = call.int('group', 1);
  const step = Math.max(1, Math.floor(256 / taps));
  if (taps > 256 || (groups > 1 && channels * taps > 256))
    throw call.error(`windows of ${channels * taps} terms are too large for exact sums`, 'dequantize the operands before');
  let total: Tensor | undefined;
  for (let at = 0; at < channels; at += step) {
    const length = Math.min(step, channels - at);
    const isAll = length === channels;
    const part = convOf(call, isAll ? x : engine.narrow(x, 1, at, length), isAll ? weight : engine.narrow(weight, 1, at, length));
    const whole = engine.cast(part, 'i32');
    total = total ? engine.add(total, whole) : whole;
  }
  return total as Tensor;
}

const convInteger: Operator = {
  by: 'composition',
  run: (call) => {
    const minus = (x: Tensor, zero: Tensor | undefined, { perOutput = false } = {}): Tensor => {
      const numbers = engine.cast(x, 'f32');
      if (!zero) return numbers;
      const shift = engine.cast(zero, 'f32');
      return engine.sub(
        numbers,
        perOutput && shift.size > 1 ? engine.reshape(shift, [shift.size, ...x.shape.slice(1).map(() => 1)]) : shift,
      );
    };
    return typed(
      call,
      'int32',
      integerConv(call, minus(call.x(0), call.maybe(2)), minus(call.x(1), call.maybe(3), { perOutput: true })),
    );
  },
};

export const convolutionOperators: Operators = {
  AveragePool: averagePool,
  Col2Im: col2Im,
  Conv: { by: 'op', run: (call) => convOf(call, call.x(0), call.x(1), call.maybe(2)) },
  ConvInteger: convInteger,
  GlobalAveragePool: global((x, axes) => engine.mean(x, axes, { keepdim: true })),
  GlobalLpPool: global((x, axes, call) => engine.norm(x, axes, { keepdim: true, p: call.int('p', 2) })),
  GlobalMaxPool: global((x, axes) => engine.max(x, axes, { keepdim: true })),
  LpPool: lpPool,
  MaxPool: maxPool,
};
