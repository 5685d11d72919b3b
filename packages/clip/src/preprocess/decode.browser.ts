/** Decoding in a browser by createImageBitmap. Reached only through `#decode`. */
import type { DecodePixels, DecodeRequest } from './decoder.ts';
import { withoutExif } from './exif.ts';
import { emptyImage, type RgbImage } from './image.ts';
import { damaged, refused } from './reader.ts';

/** Nothing to load: the decoder is the browser. */
export async function loadDecoder(): Promise<void> {}

export const decodePixels: DecodePixels = async (request) => {
  const { bytes, header, name } = request;
  if (header.isCmyk)
    throw refused(
      name,
      `is a CMYK ${header.format.toUpperCase()}, and browsers differ in what they make of it`,
      'convert it to RGB first',
      { code: 'image.cmyk', values: { name } },
    );
  if (header.format === 'tiff' || header.format === 'heic')
    throw refused(name, `is a ${header.format.toUpperCase()} image, which browsers do not decode alike`, undefined, {
      code: 'image.format',
      values: { name, format: header.format.toUpperCase() },
    });
  // Browsers rotate images by their EXIF tag in spite of the option, so the tag is removed first.
  const blob = new Blob([withoutExif(bytes, header.format)], { type: `image/${header.format}` });
  const bitmap = await createImageBitmap(blob, { colorSpaceConversion: 'none', premultiplyAlpha: 'none' }).catch(
    (cause: unknown) => {
      throw damaged(name, `the browser does not decode it (${cause instanceof Error ? cause.message : String(cause)})`, cause);
    },
  );
  try {
    return header.hasAlpha ? readThroughWebgl(bitmap, request) : readThroughCanvas(bitmap);
  } finally {
    bitmap.close();
  }
};

function readThroughCanvas(bitmap: ImageBitmap): RgbImage {
  const { width, height } = bitmap;
  const context = new OffscreenCanvas(width, height).getContext('2d', { willReadFrequently: true, alpha: false });
  if (!context) throw new Error('this browser gives no 2D canvas');
  context.drawImage(bitmap, 0, 0);
  return withoutAlpha(width, height, context.getImageData(0, 0, width, height).data);
}

/** A 2D canvas multiplies colours by alpha and loses their last bits; a texture does not. */
function readThroughWebgl(bitmap: ImageBitmap, { name }: DecodeRequest): RgbImage {
  const { width, height } = bitmap;
  const gl = new OffscreenCanvas(1, 1).getContext('webgl2');
  if (!gl) throw refused(name, 'has transparency, which takes WebGL 2 to read exactly, and this browser has none');
  try {
    const largest: unknown = gl.getParameter(gl.MAX_TEXTURE_SIZE);
    if (typeof largest === 'number' && Math.max(width, height) > largest)
      throw refused(name, `has ${width} x ${height} pixels and transparency; this browser reads at most ${largest} a side`);
    gl.pixelStorei(gl.UNPACK_PREMULTIPLY_ALPHA_WEBGL, false);
    gl.pixelStorei(gl.UNPACK_COLORSPACE_CONVERSION_WEBGL, gl.NONE);
    gl.bindTexture(gl.TEXTURE_2D, gl.createTexture());
    gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA, gl.RGBA, gl.UNSIGNED_BYTE, bitmap);
    gl.bindFramebuffer(gl.FRAMEBUFFER, gl.createFramebuffer());
    gl.framebufferTexture2D(gl.FRAMEBUFFER, gl.COLOR_ATTACHMENT0, gl.TEXTURE_2D, gl.getParameter(gl.TEXTURE_BINDING_2D), 0);
    const pixels = new Uint8Array(width * height * 4);
    gl.readPixels(0, 0, width, height, gl.RGBA, gl.UNSIGNED_BYTE, pixels);
    return withoutAlpha(width, height, pixels);
  } finally {
    gl.getExtension('WEBGL_lose_context')?.loseContext();
  }
}

function withoutAlpha(width: number, height: number, rgba: ArrayLike<number>): RgbImage {
  const image = emptyImage(width, height);
  for (let from = 0, to = 0; to < image.data.length; from += 4) {
    for (let channel = 0; channel < 3; channel++) image.data[to++] = rgba[from + channel]!;
  }
  return image;
}
