/** Banded matrices: rows of a few neighbouring weights. A resize is one along each axis. */
import { nth } from '../../values.ts';

/** A matrix [rows, columns] with up to `width` neighbouring weights a row, on the host. */
export type Band = {
  readonly rows: number;
  readonly columns: number;
  readonly width: number;
  /** First column and number of weights of every row. */
  readonly spans: Uint32Array;
  /** [rows, width], zeros after a row's last. */
  readonly weights: Float32Array;
};

/** A weight at a column. */
export type Tap = readonly [column: number, weight: number];

/** The matrix of `rows`, whose taps of one column add up. */
export function bandOf(columns: number, rows: readonly (readonly Tap[])[]): Band {
  const ends = rows.map((taps) => {
    const at = taps.map(([column]) => column);
    return taps.length === 0 ? ([0, 0] as const) : ([Math.min(...at), Math.max(...at) + 1] as const);
  });
  const width = Math.max(1, ...ends.map(([first, end]) => end - first));
  const spans = new Uint32Array(rows.length * 2);
  const sums = new Float64Array(rows.length * width);
  for (const [row, taps] of rows.entries()) {
    const [first, end] = nth(ends, row);
    spans.set([first, end - first], row * 2);
    for (const [column, weight] of taps) {
      const at = row * width + column - first;
      sums[at] = (sums[at] ?? 0) + weight;
    }
  }
  return { rows: rows.length, columns, width, spans, weights: Float32Array.from(sums) };
}

export function transposedBand({ rows, columns, width, spans, weights }: Band): Band {
  const taps: Tap[][] = Array.from({ length: columns }, () => []);
  for (let row = 0; row < rows; row += 1) {
    const [first = 0, count = 0] = spans.subarray(row * 2, row * 2 + 2);
    for (let t = 0; t < count; t += 1) {
      const weight = weights[row * width + t] ?? 0;
      if (weight !== 0) taps[first + t]?.push([row, weight]);
    }
  }
  return bandOf(rows, taps);
}
