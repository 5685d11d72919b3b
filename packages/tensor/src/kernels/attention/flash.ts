/** The flash variants of attention: tall tiles for GPUs, named by the rows of a workgroup. */
import { attentionFlashDkvWgsl, attentionFlashDqWgsl, attentionFlashForwardWgsl, attentionWideForwardWgsl } from '@mudpt/shaders';
import type { Device } from '../../device.ts';
import { type Kernel, kernel } from '../kernel.ts';

/** The three passes. The last one forms both gradients. */
export type Pass = 'forward' | 'dq' | 'dkv';

/** Rows of a workgroup; it has two invocations for each. */
const ROWS = { flash32: 32, flash64: 64, wide64: 64 } as const;
export type FlashVariant = keyof typeof ROWS;

/** The simpler first. The backward passes have two tiles of rows, beside which scores as wide as those of wide64 leave no workgroup memory. */
const VARIANTS: Readonly<Record<Pass, readonly FlashVariant[]>> = {
  forward: ['flash32', 'flash64', 'wide64'],
  dq: ['flash32', 'flash64'],
  dkv: ['flash32', 'flash64'],
};

export const isFlash = (variant: string): variant is FlashVariant => variant in ROWS;

/** One variant of each template: these stand for the others where tests compile every pipeline for seconds. */
export const FLASH_TEMPLATES: readonly string[] = ['flash32', 'wide64'] satisfies FlashVariant[];

const flashKernels: Readonly<Record<Pass, Kernel>> = {
  forward: kernel({ name: 'attention.flash.forward', source: attentionFlashForwardWgsl }),
  dq: kernel({ name: 'attention.flash.dq', source: attentionFlashDqWgsl }),
  dkv: kernel({ name: 'attention.flash.dkv', source: attentionFlashDkvWgsl }),
};
const wideKernel = kernel({ name: 'attention.wide.forward', source: attentionWideForwardWgsl });
export const flashKernel = (variant: FlashVariant, pass: Pass): Kernel =>
  variant === 'wide64' ? wideKernel : flashKernels[pass];

/** Longest head: its sums lie in registers, its rows in workgroup memory. */
const MAX_DEPTH = 64;
/** Rows of a staged operand of the flash kernels, and of the wide one. */
const STAGED = 32;
const WIDELY_STAGED = 64;
/** Lanes of which the wide kernel takes a row's maximum by shuffles. */
const SHUFFLED = 32;

/** Heads of up to 32 elements have their own pipeline, so that half of the lanes are not wasted. */
const quadsOf = (depth: number): 8 | 16 => (depth <= 32 ? 8 : 16);

/** Defines of a variant. */
export function flashDefines(variant: FlashVariant, device: Device, depth: number) {
  return {
    ROWS: ROWS[variant],
    DEPTH: quadsOf(depth),
    ...(variant === 'wide64' && { SHUFFLE: device.subgroupSize >= SHUFFLED ? 1 : 0 }),
  };
}

/** Bytes of workgroup memory: a staged operand, tiles of rows, the factors of a step, maxima. */
function bytesOf(variant: FlashVariant, pass: Pass, depth: number): number {
  const rows = ROWS[variant];
  const quads = quadsOf(depth);
  if (variant === 'wide64') return 16 * (WIDELY_STAGED * quads + rows * quads + (rows * WIDELY_STAGED) / 4);
  const tiles = pass === 'forward' ? 1 : 2;
  return 16 * (STAGED * quads + tiles * rows * quads + (rows * STAGED) / 4 + (pass === 'forward' ? 2 * rows : 0));
}

/**
 * Flash variants of a pass that this device can run, the simpler first. Packed sequences have no table of blocks of 64 rows: they are shorter.
 */
export function flashVariants(device: Device, pass: Pass, depth: number, packed: boolean): FlashVariant[] {
  if (depth > MAX_DEPTH) return [];
  const { maxComputeWorkgroupStorageSize, maxComputeInvocationsPerWorkgroup } = device.limits;
  return VARIANTS[pass].filter(
    (variant) =>
      !(packed && ROWS[variant] > STAGED) &&
      bytesOf(variant, pass, depth) <= maxComputeWorkgroupStorageSize &&
      2 * ROWS[variant] <= maxComputeInvocationsPerWorkgroup,
  );
}
