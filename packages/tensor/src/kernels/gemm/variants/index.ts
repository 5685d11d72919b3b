/**
 * The variants of the gemm family. A new one is an object in a file of this folder and a line here, or, with a numeric gate, in its check (check.ts):
 * planner, tuner, bench and tests read this list.
 */
import { block } from './block.ts';
import { broadcast } from './broadcast.ts';
import { dot } from './dot.ts';
import { plain } from './plain.ts';
import { tile } from './tile.ts';
import type { GemmVariant } from './variant.ts';

export type { GemmParams, GemmVariant, NumericGate, Step, SumsStep, Tiling } from './variant.ts';

const variants: GemmVariant[] = [
  broadcast,
  plain,
  tile,
  dot,
  // Names say rows x columns of the tile. `_wide` has as many sums in more invocations; `_one` has one buffer, so that a processor holds more workgroups;
  // in `_sliced` invocations share the steps of k, too. The last two have not been timed yet, so an estimate puts their kin first and only a tuner chooses them.
  block('block128x128', { rows: 128, columns: 128, sumRows: 8, sumColumns: 8, efficiency: 0.5 }),
  block('block64x128', { rows: 64, columns: 128, sumRows: 8, sumColumns: 8, efficiency: 0.4 }),
  block('block64x64', { rows: 64, columns: 64, sumRows: 8, sumColumns: 4, efficiency: 0.39 }),
  block('block64x128_one', { rows: 64, columns: 128, sumRows: 8, sumColumns: 4, buffers: 1, efficiency: 0.38 }),
  block('block64x64_one', { rows: 64, columns: 64, sumRows: 8, sumColumns: 4, buffers: 1, efficiency: 0.37 }),
  block('block64x64_sliced', { rows: 64, columns: 64, sumRows: 8, sumColumns: 4, buffers: 1, slices: 2, efficiency: 0.36 }),
  block('block64x64_wide', { rows: 64, columns: 64, sumRows: 4, sumColumns: 4, efficiency: 0.36 }),
  block('block32x64', { rows: 32, columns: 64, sumRows: 4, sumColumns: 4, efficiency: 0.4 }),
  block('block32x32', { rows: 32, columns: 32, sumRows: 4, sumColumns: 4, efficiency: 0.36 }),
  block('block16x64', { rows: 16, columns: 64, sumRows: 4, sumColumns: 4, efficiency: 0.18 }),
];

/** All variants, in the order in which CPU adapters prefer them; on GPUs `gpuRank` and the times of `model` decide. */
export const GEMM_VARIANTS: readonly GemmVariant[] = variants;

/** Adds a variant with a numeric gate. The module of its check calls this, so that bundles without the check carry no such variant. */
export function addVariant(variant: GemmVariant): void {
  if (!variants.includes(variant)) variants.push(variant);
}
