/** Options of pixels, checked. */
import { expectOptions } from '../definition/options.ts';
import type { Device } from '../device.ts';
import { InputError, ShapeError } from '../errors.ts';

/** Where the channels of an image are: [height, width, channels] or [channels, height, width]. */
export type PixelLayout = 'HWC' | 'CHW';

/** How {@link fromPixels} makes a tensor of an image. */
export type FromPixelsOptions = {
  /** 'HWC' (default): [height, width, channels]; 'CHW': [channels, height, width], as convolutions and CLIP want it. */
  readonly layout?: PixelLayout;
  /** 3 (default): red, green, blue; 4: and alpha; 1: grey, by the weights of ITU-R BT.601. */
  readonly channels?: 1 | 3 | 4;
  /** Subtracted from the values in 0..1, for all channels or for each. Default 0. */
  readonly mean?: number | readonly number[];
  /** Divides what the mean left, for all channels or for each. Default 1. */
  readonly std?: number | readonly number[];
  /**
   * How frames of videos (VideoFrame, video element) are read. 'external': bound where the decoder has them, which costs no copy, by
   * importExternalTexture, or an error; 'copy': drawn into a texture first. Default: bound if possible, which frames with alpha and some formats are
   * not, else copied.
   */
  readonly video?: 'external' | 'copy';
  /** Default: the device opened first and not yet disposed. */
  readonly device?: Device;
};

const KEYS: Record<keyof Required<FromPixelsOptions>, true> = {
  layout: true,
  channels: true,
  mean: true,
  std: true,
  video: true,
  device: true,
};

/** @throws InputError unless `layout` is a known one */
export function expectLayout(op: string, layout: unknown): asserts layout is PixelLayout {
  if (layout !== 'HWC' && layout !== 'CHW')
    throw new InputError(op, `layout is ${JSON.stringify(layout)}`, "use 'HWC', channels last, or 'CHW', channels first");
}

/** The options of {@link fromPixels}, complete; mean and scale have four numbers. @throws InputError, ShapeError for what they cannot be */
export function readingOf(options: FromPixelsOptions): {
  readonly layout: PixelLayout;
  readonly channels: 1 | 3 | 4;
  readonly mean: readonly number[];
  readonly scale: readonly number[];
  readonly video: 'external' | 'copy' | undefined;
} {
  expectOptions('fromPixels', options, Object.keys(KEYS));
  const { layout = 'HWC', channels = 3, mean = 0, std = 1, video } = options;
  expectLayout('fromPixels', layout);
  if (channels !== 1 && channels !== 3 && channels !== 4)
    throw new InputError('fromPixels', `channels is ${String(channels)}`, 'use 1 for grey, 3 for RGB, 4 for RGB and alpha');
  if (video !== undefined && video !== 'external' && video !== 'copy')
    throw new InputError('fromPixels', `video is ${JSON.stringify(video)}`, "use 'external', without a copy, or 'copy'");
  const scale = perChannel('std', std, channels, 1).map((value) => 1 / value);
  if (!scale.every(Number.isFinite))
    throw new InputError('fromPixels', 'std has a 0', 'give a number other than 0 for every channel');
  return { layout, channels, mean: perChannel('mean', mean, channels, 0), scale, video };
}

/** Four numbers, the last ones `filler`. */
function perChannel(name: string, given: number | readonly number[], channels: number, filler: number): number[] {
  const list = typeof given === 'number' ? Array.from({ length: channels }, () => given) : [...given];
  if (list.length !== channels)
    throw new ShapeError(
      'fromPixels',
      `${name} has ${list.length} numbers and the image ${channels} channels`,
      'give one number, or one for each channel',
    );
  if (!list.every(Number.isFinite)) throw new InputError('fromPixels', `${name} is ${list.join(', ')}`, 'give finite numbers');
  return [...list, filler, filler, filler].slice(0, 4);
}
