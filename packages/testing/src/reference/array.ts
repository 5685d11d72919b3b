/**
 * The dense f64 array every oracle works on, its index arithmetic and its views.
 *
 * Nothing here shares code with the engine: an error in the engine's shape rules must not be able to hide in the oracle.
 * Every function returns a fresh array ("views" copy), rows last (C order).
 */

/** A dense array of f64 values in C order. Booleans are 0 and 1, integers are whole numbers. */
export type Ref = { shape: number[]; data: Float64Array };

/** Half-open range with Python's slice rules: negative positions count from the end, a negative step walks backwards. */
export type Range = { start?: number; stop?: number; step?: number };

/** Number of elements of a shape; 1 for a scalar. */
export function sizeOf(shape: readonly number[]): number {
  return shape.reduce((product, extent) => product * extent, 1);
}

/** Makes an array; throws when the number of values is not the shape's. */
export function ref(shape: readonly number[], values: ArrayLike<number>): Ref {
  if (values.length !== sizeOf(shape)) throw new Error(`shape [${shape}] needs ${sizeOf(shape)} values, got ${values.length}`);
  return { shape: [...shape], data: Float64Array.from(values) };
}

export function scalar(value: number): Ref {
  return ref([], [value]);
}

export function full(shape: readonly number[], value: number): Ref {
  return { shape: [...shape], data: new Float64Array(sizeOf(shape)).fill(value) };
}

export function zeros(shape: readonly number[]): Ref {
  return full(shape, 0);
}

/** The values 0, 1, 2, ... in C order: every element says where it came from. */
export function iota(shape: readonly number[]): Ref {
  return ref(
    shape,
    Array.from({ length: sizeOf(shape) }, (_, i) => i),
  );
}

/** Calls `visit` for every index of the shape in C order. The index is reused between calls: copy it to keep it. */
export function forEachIndex(shape: readonly number[], visit: (index: readonly number[], flat: number) => void): void {
  const size = sizeOf(shape);
  const index = shape.map(() => 0);
  for (let flat = 0; flat < size; flat++) {
    visit(index, flat);
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      index[axis]!++;
      if (index[axis]! < shape[axis]!) break;
      index[axis] = 0;
    }
  }
}

/** Position in C order of an index. */
export function flatten(index: readonly number[], shape: readonly number[]): number {
  return index.reduce((flat, position, axis) => flat * shape[axis]! + position, 0);
}

export function get(x: Ref, index: readonly number[]): number {
  return x.data[flatten(index, x.shape)]!;
}

export function set(x: Ref, index: readonly number[], value: number): void {
  x.data[flatten(index, x.shape)] = value;
}

/** Adds to one element. */
export function accumulate(x: Ref, index: readonly number[], value: number): void {
  x.data[flatten(index, x.shape)]! += value;
}

/** Builds an array by evaluating `value` at every index. */
export function build(shape: readonly number[], value: (index: readonly number[]) => number): Ref {
  const out = zeros(shape);
  forEachIndex(shape, (index, flat) => {
    out.data[flat] = value(index);
  });
  return out;
}

export function map(x: Ref, fn: (value: number, flat: number) => number): Ref {
  return ref(
    x.shape,
    x.data.map((value, flat) => fn(value, flat)),
  );
}

/** Turns an axis from -rank to rank-1 into one from 0; throws when it is out of range. */
export function normalizeAxis(axis: number, rank: number): number {
  const positive = axis < 0 ? axis + rank : axis;
  if (positive < 0 || positive >= rank) throw new Error(`axis ${axis} is out of range for rank ${rank}`);
  return positive;
}

/** The common shape of several arrays, aligned at the last axis, where 1 stretches; throws when they do not fit. */
export function broadcastShapes(...shapes: readonly (readonly number[])[]): number[] {
  const rank = Math.max(0, ...shapes.map((shape) => shape.length));
  return Array.from({ length: rank }, (_, axis) => {
    let extent = 1;
    for (const shape of shapes) {
      const size = shape[axis - (rank - shape.length)] ?? 1;
      if (size === 1) continue;
      if (extent !== 1 && extent !== size)
        throw new Error(`shapes ${shapes.map((s) => `[${s}]`).join(' and ')} do not broadcast`);
      extent = size;
    }
    return extent;
  });
}

/** Index into an array of `shape` of the element that `index` of a broadcast result shows. */
export function broadcastIndex(index: readonly number[], shape: readonly number[]): number[] {
  const skipped = index.length - shape.length;
  return shape.map((extent, axis) => (extent === 1 ? 0 : index[axis + skipped]!));
}

/** Repeats axes of extent 1 (and new leading axes) up to `shape`; -1 keeps an extent. */
export function expand(x: Ref, shape: readonly number[]): Ref {
  const skipped = shape.length - x.shape.length;
  const target = shape.map((extent, axis) => (extent === -1 ? x.shape[axis - skipped]! : extent));
  if (String(broadcastShapes(x.shape, target)) !== String(target)) throw new Error(`[${x.shape}] does not expand to [${target}]`);
  return build(target, (index) => get(x, broadcastIndex(index, x.shape)));
}

/** Undoes a broadcast: sums every element into the one it was repeated from. The gradient of `expand`. */
export function sumTo(x: Ref, shape: readonly number[]): Ref {
  const out = zeros(shape);
  forEachIndex(x.shape, (index, flat) => accumulate(out, broadcastIndex(index, shape), x.data[flat]!));
  return out;
}

/** Same values, other shape; one extent may be -1. */
export function reshape(x: Ref, shape: readonly number[]): Ref {
  const known = sizeOf(shape.filter((extent) => extent !== -1));
  return ref(
    shape.map((extent) => (extent === -1 ? x.data.length / known : extent)),
    x.data,
  );
}

/** Axis `i` of the result is axis `order[i]` of x. */
export function permute(x: Ref, order: readonly number[]): Ref {
  const axes = order.map((axis) => normalizeAxis(axis, x.shape.length));
  const out = zeros(axes.map((axis) => x.shape[axis]!));
  forEachIndex(out.shape, (index, flat) => {
    const source = x.shape.map(() => 0);
    axes.forEach((axis, i) => {
      source[axis] = index[i]!;
    });
    out.data[flat] = get(x, source);
  });
  return out;
}

/** Swaps the last two axes. */
export function transpose(x: Ref): Ref {
  const rank = x.shape.length;
  return permute(x, [...Array(rank - 2).keys(), rank - 1, rank - 2]);
}

/** The positions a range selects on an axis of `extent` elements. */
export function positionsOf(range: Range | null | undefined, extent: number): number[] {
  const step = range?.step ?? 1;
  if (step === 0) throw new Error('slice step must not be 0');
  const [lowest, highest] = step > 0 ? [0, extent] : [-1, extent - 1];
  const place = (position: number | undefined, missing: number): number => {
    if (position === undefined) return missing;
    return Math.min(Math.max(position < 0 ? position + extent : position, lowest), highest);
  };
  const start = place(range?.start, step > 0 ? 0 : extent - 1);
  const stop = place(range?.stop, step > 0 ? extent : -1);
  const positions: number[] = [];
  for (let position = start; step > 0 ? position < stop : position > stop; position += step) positions.push(position);
  return positions;
}

/** Takes a range on each leading axis; null, or no range, takes the whole axis. */
export function slice(x: Ref, ranges: readonly (Range | null)[]): Ref {
  const positions = x.shape.map((extent, axis) => positionsOf(ranges[axis], extent));
  return build(
    positions.map((list) => list.length),
    (index) =>
      get(
        x,
        index.map((position, axis) => positions[axis]![position]!),
      ),
  );
}
