/** Convolutions and pools. */
import * as engine from '@mudpt/tensor';
import type { Tensor } from '@mudpt/tensor';
import type { NodeProto } from '../format/proto.ts';
import { isFloatType } from '../format/types.ts';
import type { Call } from '../node/call.ts';
import { intAttribute, type Operator, type Operators } from '../node/operator.ts';
import { typed } from '../node/results.ts';
import { type AxisWindows, convolve, poolAxes, type Surround, surround, windowsOf } from './windows.ts';

const allOf = (windows: readonly AxisWindows[], key: 'stride' | 'dilation'): number[] => windows.map((axis) => axis[key]);

/** Correlation of input `x` with a weight, by the attributes of a Conv node. */
export function convOf(call: Call, x: Tensor, weight: Tensor, bias?: Tensor): Tensor {
  const windows = windowsOf(call, weight.shape.slice(2));
  const options = { strides: allOf(windows, 'stride'), dilations: allOf(windows, 'dilation'), groups: call.int('group', 1) };
  if (windows.every(({ before, after }) => before === after))
    return convolve(x, weight, bias, { ...options, padding: windows.map(({ before }) => before) });
  return convolve(
    surround(
      x,
      windows.map(({ before, after }): Surround => [before, after]),
    ),
    weight,
    bias,
    options,
  );
}

/** The transpose of a convolution: a convolution of the input, its cells `stride` apart, with the weight turned around. */
function transposedConv(call: Call): Tensor {
  const [x, weight] = [call.x(0), call.x(1)];
  const sizes = x.shape.slice(2);
  const kernel = weight.shape.slice(2);
  const groups = call.int('group', 1);
  const [strides, dilations, pads] = [call.ints('strides'), call.ints('dilations'), call.ints('pads')];
  const [added, wanted] = [call.ints('output_padding'), call.ints('output_shape')];
  const automatic = call.text('auto_pad', 'NOTSET');
  const amounts = sizes.map((size, axis): Surround => {
    const stride = strides?.[axis] ?? 1;
    const reach = (dilations?.[axis] ?? 1) * ((kernel[axis] ?? 1) - 1);
    const more = added?.[axis] ?? 0;
    const full = stride * (size - 1) + more + reach + 1;
    let [before, after] = [pads?.[axis] ?? 0, pads?.[axis + sizes.length] ?? 0];
    const target = wanted?.at(axis - sizes.length) ?? (automatic.startsWith('SAME') ? size * stride : undefined);
    if (target !== undefined) {
      const total = full - target;
      before = automatic === 'SAME_UPPER' ? Math.floor(total / 2) : Math.ceil(total / 2);
      after = total - before;
    }
    return [reach - before, reach - after + more];
  });
  const spread = sizes.reduce((image, _, axis) => withGaps(image, axis + 2, strides?.[axis] ?? 1), x);
  const [inputs = 1, outputs = 1] = weight.shape;
  const parts = engine.reshape(weight, [groups, inputs / groups, outputs, ...kernel]);
  const turned = engine.reshape(engine.movedim(parts, 2, 1), [groups * outputs, inputs / groups, ...kernel]);
  const flipped = engine.flip(
    turned,
    kernel.map((_, axis) => axis + 2),
  );
  return convolve(surround(spread, amounts), engine.contiguous(flipped), call.maybe(2), {
    strides: sizes.map(() => 1),
    dilations: sizes.map((_, axis) => dilations?.[axis] ?? 1),
    groups,
  });
}

/** Zeros between the cells of an axis. */
function withGaps(x: Tensor, axis: number, stride: number): Tensor {
  if (stride === 1) return x;
  const size = x.shape[axis] ?? 1;
  const apart = engine.unsqueeze(x, axis + 1);
  const padded = engine.pad(
    apart,
    apart.shape.map((_, i): engine.Padding => (i === axis + 1 ? [0, stride - 1] : [0, 0])),
  );
  const joined = engine.reshape(padded, [...x.shape.slice(0, axis), size * stride, ...x.shape.slice(axis + 1)]);
  return engine.narrow(joined, axis, 0, (size - 1) * stride + 1);
}

const kernelOf = (call: Call): readonly number[] => call.ints('kernel_shape') ?? [];
const borders = (windows: readonly AxisWindows[], withExtra: boolean): Surround[] =>
  windows.map(({ before, after, extra }) => [before, after + (withExtra ? extra : 0)]);

const maxPool: Operator = {
  by: 'op',
  refuses: (node: NodeProto) => {
    if (node.outputs.length > 1 && node.outputs[1] !== '') return 'with its second output, Indices';
    return intAttribute(node, 'storage_order', 0) === 1 ? 'with storage_order 1' : undefined;
  },
  run: (call) => {
    const windows = windowsOf(call, kernelOf(call));
    // Bytes are whole numbers in f32, too.
    const x = isFloatType(call.type(0)) ? call.x(0) : engine.cast(call.x(0), 'f32');
    const image = surround(x, borders(windows, true), Number.NEGATIVE_INFINITY);
    return poolAxes(image, windows, (part, kernel, stride, dilation) => engine.maxPool2d(part, kernel, { stride, dilation }));
  },
};

/** Means of windows without padding. */
function means(x: Tensor, windows: readonly AxisWindows[]): Tensor {
  return poolAxes(x, windows, (part, kernel, stride, dilation) => {
    if (dilation[0] === 1 && dilation[1] === 1) return engine.avgPool2d(part, kernel, { stride });
    const channels = part.shape[1] ?? 1;
    const share = 1 / (kernel[0] * kernel[1]);
    const weight = engine.full([channels, 1, ...kernel], share, { device: part.device, dtype: part.dtype });
    return engine.conv2d(part, weight, undefined, { stride, dilation, groups: channels });
  });
}

const averagePool: Operator = {
  by: 'op',
  run: (call) => {
    const windows = windowsOf(call, kernelOf(call));
    const x = call.x(0);
    const total = means(surround(x, borders(windows, true)), windows);
    const countsPadding = call.int('count_include_pad', 0) === 1;
    const isWhole = windows.every(({ before, after, extra }) => extra === 0 && (countsPadding || before + after === 0));
    if (isWhole) return total;
    // The share of each window that counts.
    const ones = engine.ones([1, 1, ...x.shape.slice(2)], { device: x.device, dtype: x.dtype });
    const counted = countsPadding ? surround(ones, borders(windows, false), 1) : ones;
    const rest = windows.map(({ before, after, extra }): Surround => (countsPadding ? [0, extra] : [before, after + extra]));
    return engine.div(total, means(surround(counted, rest), windows));
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
    return engine.pow(engine.mul(means(surround(powers, borders(windows, true)), windows), count), 1 / p);
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
    if (size.length !== 2) throw call.error(`an image of ${size.length} axes`, 'only images with height and width can be put together');
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
    const minus = (x: Tensor, zero: Tensor | undefined, perOutput: boolean): Tensor => {
      const numbers = engine.cast(x, 'f32');
      if (!zero) return numbers;
      const shift = engine.cast(zero, 'f32');
      return engine.sub(numbers, perOutput && shift.size > 1 ? engine.reshape(shift, [shift.size, ...x.shape.slice(1).map(() => 1)]) : shift);
    };
    return typed(call, 'int32', integerConv(call, minus(call.x(0), call.maybe(2), false), minus(call.x(1), call.maybe(3), true)));
  },
};

export const convolutionOperators: Operators = {
  AveragePool: averagePool,
  Col2Im: col2Im,
  Conv: { by: 'op', run: (call) => convOf(call, call.x(0), call.x(1), call.maybe(2)) },
  ConvInteger: convInteger,
  ConvTranspose: { by: 'composition', run: transposedConv },
  GlobalAveragePool: global((x, axes) => engine.mean(x, axes, { keepdim: true })),
  GlobalLpPool: global((x, axes, call) => engine.norm(x, axes, { keepdim: true, p: call.int('p', 2) })),
  GlobalMaxPool: global((x, axes) => engine.max(x, axes, { keepdim: true })),
  LpPool: lpPool,
  MaxPool: maxPool,
};
