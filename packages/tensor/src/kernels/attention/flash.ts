/** The flash variants of attention: tall tiles for GPUs, named by the rows of a workgroup. */
import {
  attentionFlashDkvWgsl,
  attentionFlashDqWgsl,
  attentionFlashForwardWgsl,
  attentionWideDkvWgsl,
  attentionWideDqWgsl,
  attentionWideForwardWgsl,
} from '@mudpt/shaders';
import type { Device } from '../../device.ts';
import { type Kernel, kernel } from '../kernel.ts';

/** The three passes. The last one forms both gradients. */
export type Pass = 'forward' | 'dq' | 'dkv';

/** Defines of the wide kernels, see attention/wide.tiles.wgsl. */
export type WideTile = {
  readonly ROWS: number;
  readonly STEP: 32 | 64;
  readonly THREADS: number;
  readonly TX: 8 | 16;
  readonly STAGES: 1 | 2;
  readonly PREFETCH: 0 | 1;
  readonly DIRECT: 0 | 1;
};
type WideVariant = 'wide64' | 'direct32' | 'direct64';

const FLASH_ROWS = { flash32: 32, flash64: 64 } as const;
export type FlashVariant = keyof typeof FLASH_ROWS | WideVariant;

/** 4 x 4 scores an invocation. */
const square = (ROWS: 32 | 64, DIRECT: 0 | 1): WideTile => ({
  ROWS,
  STEP: 32,
  THREADS: 2 * ROWS,
  TX: 8,
  STAGES: 1,
  PREFETCH: 1,
  DIRECT,
});
const everyPass = (tile: WideTile): Record<Pass, WideTile> => ({ forward: tile, dq: tile, dkv: tile });

/** Tiles of the wide variants. */
export const WIDE: Record<WideVariant, Readonly<Record<Pass, WideTile>>> = {
  // Scores of 4 x 8 leave no workgroup memory for two tiles of rows, which the backward passes need.
  wide64: { ...everyPass(square(64, 0)), forward: { ...square(64, 0), STEP: 64 } },
  direct32: everyPass(square(32, 1)),
  direct64: everyPass(square(64, 1)),
};

const isOld = (variant: string): variant is keyof typeof FLASH_ROWS => variant in FLASH_ROWS;
export const isFlash = (variant: string): variant is FlashVariant => isOld(variant) || variant in WIDE;

/** One variant of each template: these stand for the others where tests compile every pipeline for seconds. */
export const FLASH_TEMPLATES: readonly string[] = ['flash32', 'direct32'] satisfies FlashVariant[];

const flashKernels: Readonly<Record<Pass, Kernel>> = {
  forward: kernel({ name: 'attention.flash.forward', source: attentionFlashForwardWgsl }),
  dq: kernel({ name: 'attention.flash.dq', source: attentionFlashDqWgsl }),
  dkv: kernel({ name: 'attention.flash.dkv', source: attentionFlashDkvWgsl }),
};
const wideKernels: Readonly<Record<Pass, Kernel>> = {
  forward: kernel({ name: 'attention.wide.forward', source: attentionWideForwardWgsl }),
  dq: kernel({ name: 'attention.wide.dq', source: attentionWideDqWgsl }),
  dkv: kernel({ name: 'attention.wide.dkv', source: attentionWideDkvWgsl }),
};
export const flashKernel = (variant: FlashVariant, pass: Pass): Kernel => (isOld(variant) ? flashKernels : wideKernels)[pass];

/** Longest head: its sums lie in registers, its rows in workgroup memory. */
const MAX_DEPTH = 64;
/** Rows of a staged operand of the flash kernels. */
const STAGED = 32;
/** Lanes across which a row's maximum is taken by shuffles. */
const SHUFFLED = 32;

/** Heads of up to 32 elements have their own pipeline, so that half of the lanes are not wasted. */
const quadsOf = (depth: number): 8 | 16 => (depth <= 32 ? 8 : 16);

/** Defines of a pass. */
export function flashDefines(variant: FlashVariant, pass: Pass, device: Device, depth: number) {
  if (isOld(variant)) return { ROWS: FLASH_ROWS[variant], DEPTH: quadsOf(depth) };
  const tile = WIDE[variant][pass];
  const DEPTH = tile.TX === 16 ? 16 : quadsOf(depth);
  return pass === 'forward' ? { ...tile, DEPTH, SHUFFLE: device.subgroupSize >= SHUFFLED ? 1 : 0 } : { ...tile, DEPTH };
}

/** Bytes of workgroup memory: staged operands, tiles of rows, the factors of a step, maxima. */
function bytesOf(variant: FlashVariant, pass: Pass, device: Device, depth: number): number {
  const tiles = pass === 'forward' ? 1 : 2;
  if (isOld(variant)) {
    const rows = FLASH_ROWS[variant];
    return (
      16 * (STAGED * quadsOf(depth) + tiles * rows * quadsOf(depth) + (rows * STAGED) / 4 + (pass === 'forward' ? 2 * rows : 0))
    );
  }
  const {
    ROWS,
    STEP,
    TX,
    STAGES,
    DIRECT,
    DEPTH,
    SHUFFLE = 1,
  } = flashDefines(variant, pass, device, depth) as WideTile & {
    readonly DEPTH: number;
    readonly SHUFFLE?: number;
  };
  const factors = ((pass === 'dkv' ? STAGES : 1) * ROWS * STEP) / 4;
  return 16 * (STAGES * STEP * DEPTH + (DIRECT ? 0 : tiles * ROWS * DEPTH) + factors + (SHUFFLE ? 0 : (TX * ROWS) / 4));
}

/**
 * Flash variants that this device can run in every pass, the lower and simpler first. Packed sequences have no table of blocks of 64 rows: they are
 * shorter.
 */
export function flashVariants(device: Device, depth: number, packed: boolean): FlashVariant[] {
  if (depth > MAX_DEPTH) return [];
  const { maxComputeWorkgroupStorageSize, maxComputeInvocationsPerWorkgroup } = device.limits;
  const variants = [...Object.keys(FLASH_ROWS), ...Object.keys(WIDE)] as FlashVariant[];
  return variants.filter((variant) =>
    (['forward', 'dq', 'dkv'] as const).every((pass) => {
      const { ROWS } = flashDefines(variant, pass, device, depth);
      const threads = isOld(variant) ? 2 * ROWS : WIDE[variant][pass].THREADS;
      return (
        !(packed && ROWS > STAGED) &&
        bytesOf(variant, pass, device, depth) <= maxComputeWorkgroupStorageSize &&
        threads <= maxComputeInvocationsPerWorkgroup
      );
    }),
  );
}
