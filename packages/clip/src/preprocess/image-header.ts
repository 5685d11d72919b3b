/** The header of an image file, read from its first bytes. */

export type ImageFormat = 'png' | 'jpeg' | 'webp' | 'gif' | 'bmp' | 'tiff' | 'avif' | 'heic';

export interface ImageHeader {
  readonly format: ImageFormat;
  readonly width: number;
  readonly height: number;
  /** Whether pixels may be transparent. The alpha is dropped, as Pillow's convert('RGB') does; colours under it stay as they are. */
  readonly hasAlpha: boolean;
  /** A JPEG of four inks. */
  readonly isCmyk: boolean;
  /** The least number of bytes a whole file of this size can have. */
  readonly leastBytes: number;
}
