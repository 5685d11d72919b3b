/** The flash variants of attention: tall tiles for GPUs, named by the rows of a workgroup. */
import type { Device } from '../../device.ts';

const ROWS = { flash32: 32, flash64: 64 } as const;
export type FlashVariant = keyof typeof ROWS;

export const isFlash = (variant: string): variant is FlashVariant => variant in ROWS;

/** Longest head: its sums lie in registers, its rows in workgroup memory. */
const MAX_DEPTH = 64;
/** Rows of a staged operand. */
const STAGED = 32;

/** Defines of the kernels; heads of up to 32 elements have their own pipeline, so that half of the lanes are not wasted. */
export function flashDefines(variant: FlashVariant, depth: number): { readonly ROWS: number; readonly DEPTH: number } {
  return { ROWS: ROWS[variant], DEPTH: depth <= 32 ? 8 : 16 };
}

/** Bytes of workgroup memory of the backward kernels, which need most: a staged operand, two tiles of rows, the factors of a step. */
function bytesOf(variant: FlashVariant, depth: number): number {
  const { ROWS: rows, DEPTH: quads } = flashDefines(variant, depth);
  return 16 * (STAGED * quads + 2 * rows * quads + (rows * STAGED) / 4);
}

/** Flash variants that this device can run, the lower first. Packed sequences have no table of blocks of 64 rows: they are shorter. */
export function flashVariants(device: Device, depth: number, packed: boolean): FlashVariant[] {
  if (depth > MAX_DEPTH) return [];
  const { maxComputeWorkgroupStorageSize, maxComputeInvocationsPerWorkgroup } = device.limits;
  return (['flash32', 'flash64'] as const).filter(
    (variant) =>
      !(packed && variant === 'flash64') &&
      bytesOf(variant, depth) <= maxComputeWorkgroupStorageSize &&
      2 * ROWS[variant] <= maxComputeInvocationsPerWorkgroup,
  );
}
