/** Augmentation of drawings on the host, as {@link AugmentParameters} say. */
import { nth } from '@mudpt/tensor/internal';
import { CLIP_MEAN, CLIP_STD } from '@mudpt/clip';
import type { Rendering } from '../datasets/icons/drawings.ts';
import type { AugmentParameters } from './augment-parameters.ts';

const clamp = (value: number): number => Math.min(1, Math.max(0, value));

/** Writes a drawing of `side` pixels as an image [3, size, size] into `into` from `offset` on. */
export function augmentInto(
  into: Float32Array,
  offset: number,
  { rendering, side, size }: { rendering: Rendering; side: number; size: number },
  { affine, foreground, ground, recolour, gains, lift }: AugmentParameters,
): void {
  const { kind, pixels } = rendering;
  const [a, b, c, d, e, f] = affine;
  const area = size * size;
  const step = 2 / size;
  for (let row = 0; row < size; row++) {
    const y = (row + 0.5) * step - 1;
    for (let column = 0; column < size; column++) {
      const x = (column + 0.5) * step - 1;
      const u = ((a * x + b * y + c + 1) * side) / 2 - 0.5;
      const v = ((d * x + e * y + f + 1) * side) / 2 - 0.5;
      const left = Math.floor(u);
      const top = Math.floor(v);
      const sums = [0, 0, 0];
      let alpha = 0;
      for (let corner = 0; corner < 4; corner++) {
        const [px, py] = [left + (corner & 1), top + (corner >> 1)];
        if (px < 0 || py < 0 || px >= side || py >= side) continue;
        const share = (corner & 1 ? u - left : 1 - u + left) * (corner >> 1 ? v - top : 1 - v + top);
        const place = py * side + px;
        const weight = (share * (kind === 'coverage' ? nth(pixels, place) : nth(pixels, place * 4 + 3))) / 255;
        for (let channel = 0; channel < 3; channel++)
          sums[channel] =
            nth(sums, channel) +
            weight * (kind === 'coverage' ? nth(foreground, channel) : nth(pixels, place * 4 + channel) / 255);
        alpha += weight;
      }
      const colour = sums.map((sum) => (alpha > 0 ? sum / alpha : 0));
      for (let channel = 0; channel < 3; channel++) {
        const at = 4 * channel;
        const mixed = colour.reduce((sum, value, index) => sum + nth(recolour, at + index) * value, nth(recolour, at + 3));
        const laid = clamp(mixed) * alpha + nth(ground, channel) * (1 - alpha);
        const lit = clamp(laid * nth(gains, channel) + lift);
        into[offset + channel * area + row * size + column] = (lit - nth(CLIP_MEAN, channel)) / nth(CLIP_STD, channel);
      }
    }
  }
}
