/** Parts of grids larger than WebGPU's limit along a dimension, launched one after the other with different offsets. */
import type { Device } from '../../device.ts';
import type { Geometry } from './quads.ts';

/** Workgroups along one dimension that every device takes. */
export const MOST_WORKGROUPS = 65535;

/** A part of a grid of row blocks by heads by batches: where it begins, and its own grid. */
export type Part = { readonly block: number; readonly head: number; readonly batch: number; readonly grid: readonly number[] };

/**
 * The parts of `grid`, one where it fits. Of packed rows only heads are cut: their blocks are numbered across x and z, and fit.
 * Tests force smaller parts with `tuner.force('attention.grid', '2')`.
 */
export function partsOf(
  device: Device,
  grid: readonly [blocks: number, heads: number, batches: number],
  packed: boolean,
): Part[] {
  const most = Number(device.tuner.forcedVariant('attention.grid') ?? MOST_WORKGROUPS);
  const [blocks, heads, batches] = grid;
  const cut = (size: number, length: number): { start: number; size: number }[] =>
    Array.from({ length: Math.max(1, Math.ceil(size / length)) }, (_, i) => ({
      start: i * length,
      size: Math.min(length, size - i * length),
    }));
  const across = packed ? MOST_WORKGROUPS : most;
  return cut(batches, across).flatMap((z) =>
    cut(heads, most).flatMap((y) =>
      cut(blocks, across).map((x) => ({ block: x.start, head: y.start, batch: z.start, grid: [x.size, y.size, z.size] })),
    ),
  );
}

/** Where a tensor begins for a part whose first row is `row`. */
export function shifted([offset, batch, row, head]: Geometry, part: Part, firstRow: number): Geometry {
  return [(offset + part.batch * batch + firstRow * row + part.head * head) >>> 0, batch, row, head];
}
