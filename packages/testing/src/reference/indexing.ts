/** Joins, slices, padding, gather and scatter. Index arrays hold whole numbers; one out of range throws. */
import { type Ref, accumulate, build, forEachIndex, get, map, normalizeAxis, reshape, set, slice, zeros } from './array.ts';

const replaced = (index: readonly number[], axis: number, position: number): number[] =>
  index.map((place, i) => (i === axis ? position : place));

function requirePosition(position: number, extent: number): number {
  if (!Number.isInteger(position) || position < 0 || position >= extent)
    throw new Error(`index ${position} is not in 0..${extent - 1}`);
  return position;
}

/** Joins along an existing axis; the other extents agree. */
export function cat(arrays: readonly Ref[], axis = 0): Ref {
  const first = arrays[0]!;
  const along = normalizeAxis(axis, first.shape.length);
  for (const { shape } of arrays) {
    if (String(replaced(shape, along, 0)) !== String(replaced(first.shape, along, 0)))
      throw new Error(`cat of [${first.shape}] and [${shape}]`);
  }
  const out = zeros(
    replaced(
      first.shape,
      along,
      arrays.reduce((sum, { shape }) => sum + shape[along]!, 0),
    ),
  );
  let offset = 0;
  for (const array of arrays) {
    const start = offset;
    forEachIndex(array.shape, (index, flat) => set(out, replaced(index, along, index[along]! + start), array.data[flat]!));
    offset += array.shape[along]!;
  }
  return out;
}

/** Joins along a new axis. */
export function stack(arrays: readonly Ref[], axis = 0): Ref {
  const along = normalizeAxis(axis, arrays[0]!.shape.length + 1);
  return cat(
    arrays.map((array) => reshape(array, [...array.shape.slice(0, along), 1, ...array.shape.slice(along)])),
    along,
  );
}

/** Cuts into pieces of the given sizes, or of one size with a smaller last piece. */
export function split(x: Ref, sizes: number | readonly number[], axis = 0): Ref[] {
  const along = normalizeAxis(axis, x.shape.length);
  const extent = x.shape[along]!;
  const lengths: number[] = [];
  if (typeof sizes === 'number')
    for (let start = 0; start < extent; start += sizes) lengths.push(Math.min(sizes, extent - start));
  else lengths.push(...sizes);
  if (lengths.reduce((sum, length) => sum + length, 0) !== extent)
    throw new Error(`sizes [${lengths}] do not add up to ${extent}`);
  let start = 0;
  return lengths.map((length) => {
    const ranges = x.shape.map((_, i) => (i === along ? { start, stop: start + length } : null));
    start += length;
    return slice(x, ranges);
  });
}

/** Surrounds with a constant: `amounts[axis] = [before, after]`. */
export function pad(x: Ref, amounts: readonly (readonly [number, number])[], value = 0): Ref {
  const shape = x.shape.map((extent, axis) => extent + amounts[axis]![0] + amounts[axis]![1]);
  return build(shape, (index) => {
    const source = index.map((position, axis) => position - amounts[axis]![0]);
    return source.every((position, axis) => position >= 0 && position < x.shape[axis]!) ? get(x, source) : value;
  });
}

/** Reverses the given axes. */
export function flip(x: Ref, axes: readonly number[]): Ref {
  const reversed = new Set(axes.map((axis) => normalizeAxis(axis, x.shape.length)));
  return build(x.shape, (index) =>
    get(
      x,
      index.map((position, axis) => (reversed.has(axis) ? x.shape[axis]! - 1 - position : position)),
    ),
  );
}

/** out[.., i, ..] = x[.., indices[.., i, ..], ..]: same rank as x, the shape of `indices` (PyTorch's gather). */
export function gather(x: Ref, axis: number, indices: Ref): Ref {
  const along = normalizeAxis(axis, x.shape.length);
  return build(indices.shape, (index) => get(x, replaced(index, along, requirePosition(get(indices, index), x.shape[along]!))));
}

/** Takes whole slices: position i along the axis of the result is position indices[i] of x. */
export function indexSelect(x: Ref, axis: number, indices: Ref): Ref {
  const along = normalizeAxis(axis, x.shape.length);
  const shape = replaced(x.shape, along, indices.data.length);
  return build(shape, (index) => get(x, replaced(index, along, requirePosition(indices.data[index[along]!]!, x.shape[along]!))));
}

/** Adds every element of `source` to x at the position `indices` names along the axis; the gradient of gather. */
export function scatterAdd(x: Ref, axis: number, indices: Ref, source: Ref): Ref {
  const along = normalizeAxis(axis, x.shape.length);
  const out = map(x, (value) => value);
  forEachIndex(indices.shape, (index, flat) => {
    accumulate(out, replaced(index, along, requirePosition(indices.data[flat]!, x.shape[along]!)), get(source, index));
  });
  return out;
}

/** How values meet at one place. */
const COMBINED = {
  set: (_: number, next: number) => next,
  add: (value: number, next: number) => value + next,
  mul: (value: number, next: number) => value * next,
  max: (value: number, next: number) => Math.max(value, next),
  min: (value: number, next: number) => Math.min(value, next),
} as const;

/** Puts every element of `source` at the position `indices` names along the axis, in order; positions outside are left out. */
export function scatter(x: Ref, axis: number, indices: Ref, source: Ref, reduction: keyof typeof COMBINED = 'set'): Ref {
  const along = normalizeAxis(axis, x.shape.length);
  const out = map(x, (value) => value);
  forEachIndex(indices.shape, (index, flat) => {
    const given = indices.data[flat]!;
    const position = given < 0 ? given + x.shape[along]! : given;
    if (position < 0 || position >= x.shape[along]!) return;
    const place = offsetOf(replaced(index, along, position), x.shape);
    out.data[place] = COMBINED[reduction](out.data[place]!, get(source, index));
  });
  return out;
}

/** Row-major place of an index. */
function offsetOf(index: readonly number[], shape: readonly number[]): number {
  return index.reduce((offset, at, axis) => offset * shape[axis]! + at, 0);
}

/** Slices of x by coordinates, NaN outside. */
export function gatherND(x: Ref, indices: Ref): Ref {
  const depth = indices.shape.at(-1)!;
  const leading = indices.shape.slice(0, -1);
  return build([...leading, ...x.shape.slice(depth)], (index) => {
    const at = Array.from({ length: depth }, (_, k) => {
      const given = get(indices, [...index.slice(0, leading.length), k]);
      return given < 0 ? given + x.shape[k]! : given;
    });
    return at.every((place, k) => place >= 0 && place < x.shape[k]!) ? get(x, [...at, ...index.slice(leading.length)]) : NaN;
  });
}

/** Adds whole slices of `source` to x; the gradient of indexSelect. */
export function indexAdd(x: Ref, axis: number, indices: Ref, source: Ref): Ref {
  const along = normalizeAxis(axis, x.shape.length);
  const out = map(x, (value) => value);
  forEachIndex(source.shape, (index, flat) => {
    accumulate(out, replaced(index, along, requirePosition(indices.data[index[along]!]!, x.shape[along]!)), source.data[flat]!);
  });
  return out;
}

/** Keeps row, column of the last two axes where column - row <= diagonal. */
export function tril(x: Ref, diagonal = 0): Ref {
  return build(x.shape, (index) => (index.at(-1)! - index.at(-2)! <= diagonal ? get(x, index) : 0));
}

/** Keeps row, column of the last two axes where column - row >= diagonal. */
export function triu(x: Ref, diagonal = 0): Ref {
  return build(x.shape, (index) => (index.at(-1)! - index.at(-2)! >= diagonal ? get(x, index) : 0));
}
