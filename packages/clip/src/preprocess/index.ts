export { augment, type AugmentOptions, type Box, randomResizedCropBox } from './augment.ts';
export { fileCache, type ImageCache, memoryCache } from './cache.ts';
export { decodeImage, type DecodeOptions } from './decode.ts';
export { CLIP_RESIZING, resizeAndCrop, type Resizing } from './geometry.ts';
export { crop, flipHorizontally, orient, type RgbImage } from './image.ts';
export {
  createImageLoader,
  type ImageLoader,
  type ImageLoaderOptions,
  type ImageSource,
  type IterateOptions,
  type LoadedImage,
} from './loader.ts';
export { CLIP_MEAN, CLIP_STD, type Normalization, normalize } from './normalize.ts';
export type { RandAugmentOptions } from './rand-augment.ts';
export { type Draw, type DrawPlace, drawsFor } from './random.ts';
export { type Interpolation, resizeBicubic, resizeImage, type ResizeOptions, type Window } from './resize.ts';
