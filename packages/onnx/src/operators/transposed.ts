/** Transposed convolutions, and pools undone. */
import * as engine from '@mudpt/tensor';
import { sizeOf, type Tensor } from '@mudpt/tensor';
import type { Call } from '../node/call.ts';
import type { Operator, Operators } from '../node/operator.ts';
import { convolve, sides, type Surround, surround } from './windows.ts';

/** The transpose of a convolution. */
function transposedConv(call: Call): Tensor {
  const [x, weight] = [call.x(0), call.x(1)];
  const sizes = x.shape.slice(2);
  const kernel = weight.shape.slice(2);
  const groups = call.int('group', 1);
  const [strides, dilations, pads] = [call.ints('strides'), call.ints('dilations'), call.ints('pads')];
  const [added, wanted] = [call.ints('output_padding'), call.ints('output_shape')];
  const automatic = call.text('auto_pad', 'NOTSET');
  const cuts = sizes.map((size, axis): Surround => {
    const stride = strides?.[axis] ?? 1;
    const reach = (dilations?.[axis] ?? 1) * ((kernel[axis] ?? 1) - 1);
    const full = stride * (size - 1) + (added?.[axis] ?? 0) + reach + 1;
    const target = wanted?.at(axis - sizes.length) ?? (automatic.startsWith('SAME') ? size * stride : undefined);
    if (target === undefined) return [pads?.[axis] ?? 0, pads?.[axis + sizes.length] ?? 0];
    const total = full - target;
    const before = automatic === 'SAME_UPPER' ? Math.floor(total / 2) : Math.ceil(total / 2);
    return [before, total - before];
  });
  const each = (list: readonly number[] | undefined, otherwise: number): number[] => sizes.map((_, axis) => list?.[axis] ?? otherwise);
  const problem: Transposed = { strides: each(strides, 1), dilations: each(dilations, 1), added: each(added, 0), groups, cuts };
  const isPlain = cuts.flat().every((cut) => cut >= 0) && problem.added.every((more, axis) => more < (problem.strides[axis] ?? 1));
  return (isPlain && sizes.length < 3 ? transposedAtOnce : transposedByGaps)(x, weight, call.maybe(2), problem);
}

type Transposed = {
  readonly strides: readonly number[];
  readonly dilations: readonly number[];
  readonly added: readonly number[];
  readonly groups: number;
  /** Cells cut off the result; negative ones are added. */
  readonly cuts: readonly Surround[];
};

function transposedAtOnce(x: Tensor, weight: Tensor, bias: Tensor | undefined, { strides, dilations, added, groups, cuts }: Transposed): Tensor {
  if (strides.length === 1) {
    const [stride = 1, dilation = 1, outputPadding = 0] = [strides[0], dilations[0], added[0]];
    return engine.convTranspose1d(x, weight, bias, { stride, dilation, outputPadding, groups, padding: sides(cuts) as [number, number] });
  }
  return engine.convTranspose2d(x, weight, bias, {
    stride: strides as [number, number],
    dilation: dilations as [number, number],
    outputPadding: added as [number, number],
    groups,
    padding: sides(cuts) as [number, number, number, number],
  });
}

/** As a convolution of the input, its cells `stride` apart, with the weight turned around. */
function transposedByGaps(x: Tensor, weight: Tensor, bias: Tensor | undefined, { strides, dilations, added, groups, cuts }: Transposed): Tensor {
  const kernel = weight.shape.slice(2);
  const amounts = cuts.map(([before, after], axis): Surround => {
    const reach = (dilations[axis] ?? 1) * ((kernel[axis] ?? 1) - 1);
    return [reach - before, reach - after + (added[axis] ?? 0)];
  });
  const spread = strides.reduce((image, stride, axis) => withGaps(image, axis + 2, stride), x);
  const [inputs = 1, outputs = 1] = weight.shape;
  const parts = engine.reshape(weight, [groups, inputs / groups, outputs, ...kernel]);
  const turned = engine.reshape(engine.movedim(parts, 2, 1), [groups * outputs, inputs / groups, ...kernel]);
  const flipped = engine.flip(
    turned,
    kernel.map((_, axis) => axis + 2),
  );
  return convolve(surround(spread, amounts), engine.contiguous(flipped), bias, {
    strides: kernel.map(() => 1),
    dilations,
    groups,
    padding: kernel.map((): Surround => [0, 0]),
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

/** Values at the places where a pool found them, zeros elsewhere. */
const maxUnpool: Operator = {
  by: 'composition',
  reads: [2],
  run: (call) => {
    const x = call.x(0);
    const kernel = call.ints('kernel_shape') ?? [];
    const pads = call.ints('pads');
    const whole = kernel.map((taps, axis) => {
      const cut = (pads?.[axis] ?? 0) + (pads?.[axis + kernel.length] ?? 0);
      return ((x.shape[axis + 2] ?? 1) - 1) * (call.ints('strides')?.[axis] ?? 1) + taps - cut;
    });
    const shape = [...x.shape.slice(0, 2), ...whole];
    const empty = engine.zeros([sizeOf(shape)], { dtype: x.dtype, device: x.device });
    const places = engine.reshape(call.x(1), [x.size]);
    const image = engine.reshape(engine.scatter(empty, 0, places, engine.reshape(x, [x.size])), shape);
    // A larger output has zeros below and to the right.
    const target = call.has(2) ? call.list(2) : shape;
    return engine.pad(
      image,
      shape.map((size, axis): engine.Padding => [0, (target[axis] ?? size) - size]),
    );
  },
};

export const transposedOperators: Operators = {
  ConvTranspose: { by: 'op', run: transposedConv },
  MaxUnpool: maxUnpool,
};
