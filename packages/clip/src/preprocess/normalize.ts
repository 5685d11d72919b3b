/** Bytes of images to the input of the image tower. */
import { ShapeError } from '@mudpt/tensor';

/** The means of CLIP's training images: red, green, blue, in units of 0 to 1. */
export const CLIP_MEAN: readonly number[] = [0.48145466, 0.4578275, 0.40821073];
/** The standard deviations of CLIP's channels: red, green, blue, in units of 0 to 1. */
export const CLIP_STD: readonly number[] = [0.26862954, 0.26130258, 0.27577711];

/** Mean that is subtracted from each channel, and deviation that divides it. */
export interface Normalization {
  /** Per channel, in units of 0 to 1. Default CLIP's. */
  readonly mean?: readonly number[];
  readonly std?: readonly number[];
}

/**
 * `ToTensor` and `Normalize`: `images` of [size, size, 3] bytes become f32 [images, 3, size, size], (byte / 255 - mean) / std, each step
 * rounded to f32 as PyTorch does, so equal bytes give equal bits.
 */
export function normalize(
  images: readonly Uint8Array[],
  size: number,
  { mean = CLIP_MEAN, std = CLIP_STD }: Normalization = {},
): Float32Array {
  const area = size * size;
  const values = new Float32Array(images.length * 3 * area);
  const tables = [0, 1, 2].map((channel) => levels(mean[channel], std[channel]));
  images.forEach((bytes, index) => {
    if (bytes.length !== area * 3) {
      const fix = 'give images that were cropped to this size';
      throw new ShapeError('normalize', `image ${index} has ${bytes.length} bytes, not ${size} x ${size} x 3`, fix);
    }
    tables.forEach((table, channel) => {
      const start = (index * 3 + channel) * area;
      for (let pixel = 0; pixel < area; pixel++) values[start + pixel] = table[bytes[pixel * 3 + channel]!]!;
    });
  });
  return values;
}

/** The normalised value of each of the 256 bytes. */
function levels(mean: number | undefined, std: number | undefined): Float32Array {
  if (mean === undefined || std === undefined || !Number.isFinite(mean) || !(std > 0)) {
    throw new ShapeError('normalize', `a channel has mean ${mean} and std ${std}`, 'give three means and three positive stds');
  }
  const { fround } = Math;
  return Float32Array.from({ length: 256 }, (_, byte) => fround(fround(fround(byte / 255) - fround(mean)) / fround(std)));
}
