/** Augmentation on the device: drawings and their records become the rows of patches that the image tower reads. */
import { augmentWgsl } from '@mudpt/shaders';
import { empty, ShapeError, type Tensor } from '@mudpt/tensor';
import { nth } from '@mudpt/tensor/internal';
import { grid1d, shaderKernel } from '@mudpt/tensor/kernels';
import type { Rendering } from '../datasets/icons/collection/drawings.ts';
import { AUGMENT_NUMBERS } from './augment-parameters.ts';

const augment = shaderKernel({ name: 'augment', source: augmentWgsl });

export type AugmentInput = {
  /** u32 or i32 [B, side * side]: a drawing's pixels, as {@link stage} lays them out. */
  readonly drawings: Tensor;
  /** i32 [B]: 1 for RGBA, 0 for coverage. */
  readonly isRgba: Tensor;
  /** [B, AUGMENT_NUMBERS] */
  readonly records: Tensor;
  /** i32 [B, K]: places of the patches to make, row by row. */
  readonly patches: Tensor;
};

/**
 * Patches [B, K, 3 * patch * patch] of images of `size` pixels a side, normalised as CLIP's are, each drawn by its record as
 * `AugmentParameters` says. Bilinear; where a drawing shrinks, the mean of several samples.
 * @throws ShapeError for inputs that do not belong together
 */
export function augmentedPatches(
  { drawings, isRgba, records, patches }: AugmentInput,
  { size, patch }: { readonly size: number; readonly patch: number },
): Tensor {
  const [images = 0, kept = 0] = patches.shape;
  const side = Math.sqrt(nth(drawings.shape, 1));
  const fits =
    drawings.shape[0] === images && isRgba.size === images && records.shape.join() === [images, AUGMENT_NUMBERS].join();
  if (!fits || !Number.isInteger(side) || size % patch !== 0)
    throw new ShapeError(
      'augment',
      `drawings [${drawings.shape.join(', ')}], kinds [${isRgba.shape.join(', ')}], records [${records.shape.join(', ')}] and patches [${patches.shape.join(', ')}] of ${size} / ${patch} do not belong together`,
      `give [B, side * side], [B], [B, ${AUGMENT_NUMBERS}], [B, K], and a patch that divides the size`,
    );
  const y = empty(drawings.device, [images, kept, 3 * patch * patch]);
  const pixels = images * kept * patch * patch;
  augment.dispatch(drawings.device, {
    buffers: { drawings, is_rgba: isRgba, records, patches, y },
    params: { images, kept, across: size / patch, side },
    grid: grid1d(pixels, 64),
    defines: { PATCH: patch },
    bytes: 4 * (y.size + drawings.size),
  });
  return y;
}

/** Lays drawings out for the device, one after the other in slots of equal length. */
export function stage(
  list: readonly Rendering[],
  side: number,
): { readonly words: Uint32Array<ArrayBuffer>; readonly isRgba: Int32Array<ArrayBuffer> } {
  const words = new Uint32Array(list.length * side * side);
  const bytes = new Uint8Array(words.buffer);
  const isRgba = new Int32Array(list.length);
  for (const [index, { kind, pixels }] of list.entries()) {
    const expected = side * side * (kind === 'rgba' ? 4 : 1);
    if (pixels.length !== expected)
      throw new ShapeError(
        'augment',
        `drawing ${index} has ${pixels.length} bytes, not ${expected}`,
        `give a drawing of ${side} pixels a side`,
      );
    bytes.set(pixels, index * side * side * 4);
    isRgba[index] = kind === 'rgba' ? 1 : 0;
  }
  return { words, isRgba };
}
