/** Which patches of an augmented image are worth computing: those where the drawing is, found on a coarse grid before any pixel is made. */
import { nth } from '@mudpt/tensor/internal';
import type { Random } from '@mudpt/autograd';
import type { Rendering } from '../datasets/icons/collection/drawings.ts';
import type { AugmentParameters } from './augment-parameters.ts';

/** Cells of a side of the coarse grid. */
export const CELLS = 18;

/** Points that are looked up along a side of a patch. */
const POINTS = 4;

/** Alpha, of 255, from which on a pixel counts as drawn. */
const DRAWN = 16;

/** Where a drawing has something: [CELLS, CELLS], 1 or 0. */
export function drawnCells({ kind, pixels }: Rendering, side: number): Uint8Array {
  const cells = new Uint8Array(CELLS * CELLS);
  const [step, first] = kind === 'rgba' ? [4, 3] : [1, 0];
  for (let y = 0; y < side; y++) {
    const row = Math.floor((y * CELLS) / side) * CELLS;
    for (let x = 0; x < side; x++)
      if (nth(pixels, (y * side + x) * step + first) >= DRAWN) cells[row + Math.floor((x * CELLS) / side)] = 1;
  }
  return cells;
}

/**
 * Draws `kept` of the patches of an image of `across` x `across`, in order: any of those where the drawing is before any of the blank ones,
 * which hold the ground's colour and nothing else. (Li et al., "Scaling Language-Image Pre-training via Masking", 2023, drop any.)
 */
export function drawPatches(
  cells: Uint8Array,
  { affine: [a, b, c, d, e, f] }: Pick<AugmentParameters, 'affine'>,
  { across, kept }: { readonly across: number; readonly kept: number },
  random: Random,
): number[] {
  const order = Array.from({ length: across * across }, (_, place) => {
    const isDrawn = isSomewhere(POINTS, (i, j) => {
      const x = ((place % across) + (i + 0.5) / POINTS) * (2 / across) - 1;
      const y = (Math.floor(place / across) + (j + 0.5) / POINTS) * (2 / across) - 1;
      const column = Math.floor(((a * x + b * y + c + 1) * CELLS) / 2);
      const row = Math.floor(((d * x + e * y + f + 1) * CELLS) / 2);
      return column >= 0 && row >= 0 && column < CELLS && row < CELLS && nth(cells, row * CELLS + column) === 1;
    });
    return { place, rank: random() + (isDrawn ? 0 : 1) };
  });
  const chosen = order.sort((one, other) => one.rank - other.rank).slice(0, kept);
  return chosen.map(({ place }) => place).sort((one, other) => one - other);
}

function isSomewhere(count: number, test: (i: number, j: number) => boolean): boolean {
  for (let i = 0; i < count; i++) for (let j = 0; j < count; j++) if (test(i, j)) return true;
  return false;
}
