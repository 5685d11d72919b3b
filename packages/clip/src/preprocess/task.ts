/** The work for one image, as plain data that can go to another thread. */
import { type AugmentOptions, augment } from './augment.ts';
import { type DecodeOptions, decodeBytes } from './decode.ts';
import { CLIP_RESIZING, type Resizing, toSquare } from './geometry.ts';
import type { RgbImage } from './image.ts';
import { type DrawPlace, drawsFor } from './random.ts';

export interface ImageTask {
  /** A file, or what was decoded from it earlier. */
  readonly input: Uint8Array | RgbImage;
  readonly decode: DecodeOptions;
  /** Side of the square that comes out. */
  readonly size: number;
  /** Short side before the centre crop. */
  readonly resize: number;
  /** Default CLIP's. */
  readonly resizing?: Resizing;
  /** A random crop and flip instead of the centre crop. */
  readonly augment?: AugmentOptions & DrawPlace;
  /** Whether the decoded image comes back as well. */
  readonly wantsDecoded: boolean;
}

export interface ImageResult {
  /** [size, size, 3]. */
  readonly pixels: Uint8Array;
  readonly decoded?: RgbImage;
}

/** Decodes, then crops. @throws FormatError when the file cannot be decoded */
export async function runTask(task: ImageTask): Promise<ImageResult> {
  const { input, size, resize, resizing = CLIP_RESIZING } = task;
  const decoded = input instanceof Uint8Array ? await decodeBytes(input, task.decode) : input;
  const { data: pixels } = task.augment
    ? augment(decoded, size, drawsFor(task.augment), task.augment, resizing.interpolation)
    : toSquare(decoded, size, resize, resizing);
  return task.wantsDecoded ? { pixels, decoded } : { pixels };
}
