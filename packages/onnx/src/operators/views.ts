/** Operators that show or move elements: shapes, axes, repeats, blocks. Slices and joins are in slices.ts. */
import * as engine from '@mudpt/tensor';
import { sizeOf } from '@mudpt/tensor';
import { broadcastShapes } from '@mudpt/tensor/kernels';
import { expanded, joined, permuted, reshaped } from '../host/elementwise.ts';
import { hostScalar, hostVector } from '../host/tensor.ts';
import type { Call } from '../node/call.ts';
import { HOST_ELEMENTS, type Operator, type Operators } from '../node/operator.ts';
import { Value } from '../node/value.ts';

/** An operator that gives the elements of its first input another shape. */
function reshaping(target: (call: Call) => readonly number[], reads: readonly number[] = []): Operator {
  return {
    by: 'op',
    reads,
    run: (call) => engine.reshape(call.x(0), target(call)),
    host: (call) => reshaped(call.host(0), target(call)),
  };
}

/** 0 keeps a size (unless zeros are allowed), -1 takes what is left. */
function reshapeTarget(call: Call): number[] {
  const from = call.shape(0);
  const given = call.intsOf('shape', 1) ?? [];
  const copies = call.int('allowzero', 0) === 0;
  const sizes = given.map((size, axis) => (size === 0 && copies ? (from[axis] ?? -2) : size));
  const rest = sizes.reduce((product, size) => (size === -1 ? product : product * size), 1);
  const shape = sizes.map((size) => (size === -1 ? (rest === 0 ? 0 : sizeOf(from) / rest) : size));
  if (shape.some((size) => !Number.isInteger(size) || size < 0) || sizeOf(shape) !== sizeOf(from))
    throw call.error(
      `shape [${from.join(', ')}] cannot become [${given.join(', ')}]`,
      'give the model inputs of the sizes it was made for',
    );
  return shape;
}

function squeezed(call: Call): number[] {
  const shape = call.shape(0);
  const axes = call.intsOf('axes', 1)?.map((axis) => call.axis(axis, shape.length));
  const bad = axes?.find((axis) => shape[axis] !== 1);
  if (bad !== undefined) throw call.error(`axis ${bad} of [${shape.join(', ')}] has not size 1`, 'only such axes can be dropped');
  return shape.filter((size, axis) => (axes ? !axes.includes(axis) : size !== 1));
}

function unsqueezed(call: Call): number[] {
  const shape = call.shape(0);
  const given = call.intsOf('axes', 1) ?? [];
  const rank = shape.length + given.length;
  const axes = given.map((axis) => call.axis(axis, rank));
  const rest = [...shape];
  return Array.from({ length: rank }, (_, axis) => (axes.includes(axis) ? 1 : (rest.shift() ?? 1)));
}

function flattened(call: Call): number[] {
  const shape = call.shape(0);
  const given = call.int('axis', 1);
  const axis = given < 0 ? given + shape.length : given;
  return [sizeOf(shape.slice(0, axis)), sizeOf(shape.slice(axis))];
}

const transposed = (call: Call): readonly number[] =>
  call.ints('perm') ?? call.shape(0).map((_, axis) => call.shape(0).length - 1 - axis);

const expandTarget = (call: Call): number[] => broadcastShapes('Expand', call.shape(0), call.list(1));
const small = (shape: readonly number[]): boolean => sizeOf(shape) <= HOST_ELEMENTS;

const expand: Operator = {
  by: 'op',
  reads: [1],
  run: (call) => engine.expand(call.x(0), expandTarget(call)),
  host: (call) => (small(expandTarget(call)) ? expanded(call.host(0), expandTarget(call)) : undefined),
  isExpanding: true,
};

const tile: Operator = {
  by: 'op',
  reads: [1],
  run: (call) => engine.tile(call.x(0), call.list(1)),
  host: (call) => {
    const x = call.host(0);
    const counts = call.list(1);
    if (!small(x.shape.map((size, axis) => size * (counts[axis] ?? 1)))) return undefined;
    return counts.reduce(
      (whole, count, axis) =>
        joined(
          Array.from({ length: count }, () => whole),
          axis,
        ),
      x,
    );
  },
  isExpanding: true,
};

const shapeOf: Operator = {
  by: 'op',
  run: (call) => {
    const shape = call.shape(0);
    const end = call.isGiven('end') ? call.int('end') : shape.length;
    return Value.host(hostVector(shape.slice(call.int('start', 0), end)));
  },
};

/** Where blocks of channels become blocks of pixels. */
const depthToSpace: Operator = {
  by: 'composition',
  run: (call) => {
    const [n = 1, c = 1, h = 1, w = 1] = call.shape(0);
    const block = call.int('blocksize');
    const channels = c / (block * block);
    const isDepthFirst = call.text('mode', 'DCR') === 'DCR';
    const parts = engine.reshape(call.x(0), isDepthFirst ? [n, block, block, channels, h, w] : [n, channels, block, block, h, w]);
    const order = isDepthFirst ? [0, 3, 4, 1, 5, 2] : [0, 1, 4, 2, 5, 3];
    return engine.reshape(engine.permute(parts, order), [n, channels, h * block, w * block]);
  },
};

const spaceToDepth: Operator = {
  by: 'composition',
  run: (call) => {
    const [n = 1, c = 1, h = 1, w = 1] = call.shape(0);
    const block = call.int('blocksize');
    const parts = engine.reshape(call.x(0), [n, c, h / block, block, w / block, block]);
    const order = call.text('mode', 'DCR') === 'DCR' ? [0, 3, 5, 1, 2, 4] : [0, 1, 3, 5, 2, 4];
    return engine.reshape(engine.permute(parts, order), [n, c * block * block, h / block, w / block]);
  },
};

const centerCropPad: Operator = {
  by: 'composition',
  reads: [1],
  run: (call) => {
    const shape = call.shape(0);
    const sizes = call.list(1);
    const axes = (call.ints('axes') ?? shape.map((_, axis) => axis)).map((axis) => call.axis(axis, shape.length));
    const amounts = shape.map((size, axis): engine.Padding => {
      const i = axes.indexOf(axis);
      const by = i < 0 ? 0 : (sizes[i] ?? size) - size;
      // Of an odd amount the larger half is added, or cut off, at the end.
      const before = by < 0 ? -Math.floor(-by / 2) : Math.floor(by / 2);
      return [before, by - before];
    });
    return engine.pad(call.x(0), amounts);
  },
};

export const viewOperators: Operators = {
  CenterCropPad: centerCropPad,
  DepthToSpace: depthToSpace,
  Expand: expand,
  Flatten: reshaping(flattened),
  Identity: { by: 'op', run: (call) => call.value(0).share() },
  Reshape: reshaping(reshapeTarget, [1]),
  Shape: shapeOf,
  Size: { by: 'op', run: (call) => Value.host(hostScalar('int64', sizeOf(call.shape(0)))) },
  SpaceToDepth: spaceToDepth,
  Squeeze: reshaping(squeezed, [1]),
  Tile: tile,
  Transpose: {
    by: 'op',
    run: (call) => engine.permute(call.x(0), transposed(call)),
    host: (call) => permuted(call.host(0), transposed(call)),
  },
  Trilu: {
    by: 'op',
    reads: [1],
    run: (call) => {
      const diagonal = call.has(1) ? call.scalar(1) : 0;
      // A diagonal far outside keeps, or clears, everything.
      const near = Math.min(Math.max(diagonal, -(2 ** 30)), 2 ** 30);
      return (call.int('upper', 1) === 1 ? engine.triu : engine.tril)(call.x(0), near);
    },
  },
  Unsqueeze: reshaping(unsqueezed, [1]),
};
