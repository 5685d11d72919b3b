/** Resizing, sampling and padding by definition. */
import { build, forEachIndex, get, type Ref } from './array.ts';

export type ResizeAxis = {
  output: number;
  /** Where cell i of the result lies, in cells of the input. */
  place: (i: number) => number;
  mode: 'nearest' | 'linear' | 'cubic';
  /** How many cells of the input one step of the filter spans. Default 1. */
  stretch?: number;
  a?: number;
  excludeOutside?: boolean;
  round?: (place: number) => number;
};

function cubic(x: number, a: number): number {
  const d = Math.abs(x);
  if (d <= 1) return (a + 2) * d ** 3 - (a + 3) * d ** 2 + 1;
  return d < 2 ? a * d ** 3 - 5 * a * d ** 2 + 8 * a * d - 4 * a : 0;
}

/** One axis of x resized: the sum over all cells of the line, continued by its edges, times the filter around the place. */
export function resizeAxis(x: Ref, axis: number, options: ResizeAxis): Ref {
  const { output, place, mode, stretch = 1, a = -0.75, excludeOutside = false, round = Math.round } = options;
  const cells = x.shape[axis]!;
  const inside = (at: number): number => Math.min(Math.max(at, 0), cells - 1);
  return build(x.shape.with(axis, output), (index) => {
    const at = place(index[axis]!);
    if (mode === 'nearest') return get(x, index.with(axis, inside(round(at))));
    let [sum, total] = [0, 0];
    for (let cell = -3 * cells - 8; cell < 4 * cells + 8; cell += 1) {
      if (excludeOutside && cell !== inside(cell)) continue;
      const distance = (cell - at) / stretch;
      const weight = mode === 'cubic' ? cubic(distance, a) : Math.max(0, 1 - Math.abs(distance));
      if (weight !== 0) sum += weight * get(x, index.with(axis, inside(cell)));
      total += weight;
    }
    return sum / total;
  });
}

export type SampleOptions = {
  mode?: 'linear' | 'nearest' | 'cubic';
  padding?: 'zeros' | 'border' | 'reflection';
  alignCorners?: boolean;
};

/** A place within 0 to cells - 1 by reflection at the outer middles (alignCorners) or edges. */
function reflected(at: number, cells: number, alignCorners: boolean): number {
  const [low, high] = alignCorners ? [0, cells - 1] : [-0.5, cells - 0.5];
  if (high === low) return 0;
  let place = at;
  while (place < low || place > high) place = place < low ? 2 * low - place : 2 * high - place;
  return Math.min(Math.max(place, 0), cells - 1);
}

/** x [N, C, H, W] at grid [N, H', W', 2] of (x, y) from -1 to 1. */
export function gridSample(x: Ref, grid: Ref, options: SampleOptions = {}): Ref {
  const { mode = 'linear', padding = 'zeros', alignCorners = false } = options;
  const size = [x.shape[2]!, x.shape[3]!] as const;
  const settled = (at: number, axis: 0 | 1): number => {
    if (padding === 'border') return Math.min(Math.max(at, 0), size[axis] - 1);
    return padding === 'reflection' ? reflected(at, size[axis], alignCorners) : at;
  };
  const cellOf = (at: number, axis: 0 | 1): number =>
    alignCorners ? ((at + 1) / 2) * (size[axis] - 1) : ((at + 1) * size[axis] - 1) / 2;
  const valueAt = (n: number, c: number, row: number, column: number): number =>
    row < 0 || row >= size[0] || column < 0 || column >= size[1] ? 0 : get(x, [n, c, row, column]);
  return build([x.shape[0]!, x.shape[1]!, grid.shape[1]!, grid.shape[2]!], ([n, c, i, j]) => {
    let row = cellOf(get(grid, [n!, i!, j!, 1]), 0);
    let column = cellOf(get(grid, [n!, i!, j!, 0]), 1);
    if (mode !== 'cubic') [row, column] = [settled(row, 0), settled(column, 1)];
    if (mode === 'nearest') return valueAt(n!, c!, Math.round(row), Math.round(column));
    const reach = mode === 'cubic' ? 2 : 1;
    let sum = 0;
    forEachIndex([2 * reach + 1, 2 * reach + 1], ([dy, dx]) => {
      const [y, z] = [Math.floor(row) - reach + dy!, Math.floor(column) - reach + dx!];
      const along = (distance: number): number =>
        mode === 'cubic' ? cubic(distance, -0.75) : Math.max(0, 1 - Math.abs(distance));
      const weight = along(y - row) * along(z - column);
      if (weight === 0) return;
      const [top, left] = mode === 'cubic' ? [settled(y, 0), settled(z, 1)] : [y, z];
      sum += weight * valueAt(n!, c!, top, left);
    });
    return sum;
  });
}

/** x with cells of its own around it: `amounts[axis]` before and after. */
export function padWith(
  x: Ref,
  amounts: readonly (readonly [number, number])[],
  mode: 'reflect' | 'replicate' | 'circular',
): Ref {
  const source = (at: number, cells: number): number => {
    if (mode === 'replicate') return Math.min(Math.max(at, 0), cells - 1);
    if (mode === 'circular') return ((at % cells) + cells) % cells;
    return at < 0 ? -at : at >= cells ? 2 * (cells - 1) - at : at;
  };
  // What is cropped is gone before anything is added.
  const cut = x.shape.map((cells, axis) => {
    const [before, after] = amounts[axis] ?? [0, 0];
    return {
      start: Math.max(0, -before),
      cells: cells - Math.max(0, -before) - Math.max(0, -after),
      before: Math.max(0, before),
      after: Math.max(0, after),
    };
  });
  return build(
    cut.map(({ cells, before, after }) => cells + before + after),
    (index) =>
      get(
        x,
        index.map((at, axis) => cut[axis]!.start + source(at - cut[axis]!.before, cut[axis]!.cells)),
      ),
  );
}
