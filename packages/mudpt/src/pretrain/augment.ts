/** Cheap augmentation of drawings: every number comes from one random stream, so that a step can be made again exactly. */
import { nth } from '@mudpt/tensor/internal';
import type { Random } from '@mudpt/autograd';
import { CLIP_MEAN, CLIP_STD } from '@mudpt/clip';

/** Largest change of each kind, for strength 1. */
const LOG_SCALE = 0.25;
const ROTATION = 0.25; // radians
const SHIFT = 0.125; // of the half side
const CONTRAST = 0.15;
const BRIGHTNESS = 0.075;

/**
 * Draws an image [side, side, 4] (RGBA, not premultiplied) turned, scaled, shifted, perhaps mirrored, onto a coloured ground (white in
 * half of the cases), with other colours, and writes it normalised as CLIP's images are into `into` [3, size, size] from `offset` on.
 * Bilinear.
 */
export function augmentInto(
  into: Float32Array,
  offset: number,
  { pixels, side, size, strength }: { pixels: Uint8Array; side: number; size: number; strength: number },
  random: Random,
): void {
  const swing = (limit: number): number => (2 * random() - 1) * limit * strength;
  const scale = 1.03 * Math.exp(swing(LOG_SCALE));
  const angle = swing(ROTATION);
  const mirror = random() < 0.5 ? -1 : 1;
  const [dx, dy] = [swing(SHIFT), swing(SHIFT)];
  const isWhite = random() < 0.5;
  const ground = [0, 1, 2].map(() => (isWhite ? 1 : 0.3 + 0.7 * random()));
  const gains = [0, 1, 2].map(() => 1 + swing(CONTRAST));
  const lift = swing(BRIGHTNESS);
  const [cos, sin] = [scale * Math.cos(angle), scale * Math.sin(angle)];
  const area = size * size;
  const step = 2 / size;
  for (let row = 0; row < size; row++) {
    const y = (row + 0.5) * step - 1;
    for (let column = 0; column < size; column++) {
      const x = (column + 0.5) * step - 1;
      const u = ((mirror * (cos * x - sin * y) + dx + 1) * side) / 2 - 0.5;
      const v = ((sin * x + cos * y + dy + 1) * side) / 2 - 0.5;
      const left = Math.floor(u);
      const top = Math.floor(v);
      let [red, green, blue, alpha] = [0, 0, 0, 0];
      for (let corner = 0; corner < 4; corner++) {
        const [px, py] = [left + (corner & 1), top + (corner >> 1)];
        if (px < 0 || py < 0 || px >= side || py >= side) continue;
        const place = (py * side + px) * 4;
        const weight = (corner & 1 ? u - left : 1 - u + left) * (corner >> 1 ? v - top : 1 - v + top) * nth(pixels, place + 3);
        red += weight * nth(pixels, place);
        green += weight * nth(pixels, place + 1);
        blue += weight * nth(pixels, place + 2);
        alpha += weight;
      }
      const covered = alpha / 255;
      const colours = [red, green, blue];
      for (let channel = 0; channel < 3; channel++) {
        const colour = nth(colours, channel) / (255 * 255) + nth(ground, channel) * (1 - covered);
        const lit = Math.min(1, Math.max(0, colour * nth(gains, channel) + lift));
        into[offset + channel * area + row * size + column] = (lit - nth(CLIP_MEAN, channel)) / nth(CLIP_STD, channel);
      }
    }
  }
}
