/** What a platform contributes: `#decode` is decode.node.ts or decode.browser.ts. */
import type { RgbImage } from './image.ts';
import type { ImageHeader } from './image-header.ts';

export interface DecodeRequest {
  readonly bytes: Uint8Array;
  readonly header: ImageHeader;
  /** What errors call the file. */
  readonly name: string;
  readonly maxPixels: number;
}

/**
 * Decodes a PNG, JPEG, WebP, TIFF, AVIF or HEIC as it is stored: EXIF orientation and colour profiles ignored, alpha dropped, first frame.
 * @throws FormatError when the file is damaged, truncated, or of a variant the platform cannot decode exactly
 */
export type DecodePixels = (request: DecodeRequest) => Promise<RgbImage>;
