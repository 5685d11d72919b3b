/** Pixels of what a page draws: bitmaps, canvases, video frames; and tensors shown on a canvas. */
import { expect, it } from 'vitest';
import { eachDevice } from '@mudpt/testing/support';
import { fromPixels, tensor, toCanvas, toPixels } from '../index.ts';

const opaque = (): ImageData => {
  const bytes = Uint8ClampedArray.from({ length: 1024 }, (_, i) => (i % 4 === 3 ? 255 : ((i >> 2) * [1, 3, 5][i % 4]!) & 255));
  return new ImageData(bytes, 16, 16);
};

/** A canvas with pixels. */
function drawn(image: ImageData): OffscreenCanvas {
  const canvas = new OffscreenCanvas(image.width, image.height);
  canvas.getContext('2d')!.putImageData(image, 0, 0);
  return canvas;
}

eachDevice('pixels of a page', (ctx) => {
  it('are the same from ImageData, canvases, bitmaps and video frames', async () => {
    const { device } = ctx;
    const image = opaque();
    const canvas = drawn(image);
    const element = document.createElement('canvas');
    [element.width, element.height] = [16, 16];
    element.getContext('2d')!.putImageData(image, 0, 0);
    const bitmap = await createImageBitmap(image);
    const frame = new VideoFrame(canvas, { timestamp: 0 });
    for (const source of [image, canvas, element, bitmap, frame]) {
      using x = fromPixels(source, { channels: 4, device });
      if ('close' in source) source.close();
      expect((await toPixels(x)).data, source.constructor.name).toEqual(image.data);
    }
    expect(() => fromPixels(bitmap, { device })).toThrow(/^fromPixels: the image/);
  });

  it('have colours that are not multiplied by alpha', async () => {
    const { device } = ctx;
    const image = new ImageData(Uint8ClampedArray.of(255, 0, 255, 51, 255, 255, 0, 128), 2, 1);
    for (const source of [image, await createImageBitmap(image), drawn(image)]) {
      using x = fromPixels(source, { channels: 4, device });
      expect([...(await toPixels(x)).data], source.constructor.name).toEqual([...image.data]);
    }
  });

  it('of a wider colour space are converted to sRGB', async () => {
    const { device } = ctx;
    const canvas = new OffscreenCanvas(1, 1);
    const context = canvas.getContext('2d', { colorSpace: 'display-p3' })!;
    context.fillStyle = 'color(srgb 1 0.5 0)';
    context.fillRect(0, 0, 1, 1);
    using x = fromPixels(canvas, { device });
    const [red, green, blue] = (await toPixels(x)).data;
    expect(Math.abs(red! - 255) + Math.abs(green! - 128) + Math.abs(blue!)).toBeLessThan(6);
    expect(() => fromPixels(context.getImageData(0, 0, 1, 1), { device })).toThrow(/colour space display-p3/);
  });

  it('are shown on a canvas, which gets their size', async () => {
    const { device } = ctx;
    const image = opaque();
    using x = fromPixels(image, { layout: 'CHW', device });
    const canvas = new OffscreenCanvas(1, 1);
    await toCanvas(x, canvas, { layout: 'CHW' });
    const seen = new OffscreenCanvas(16, 16).getContext('2d')!;
    seen.drawImage(canvas, 0, 0);
    expect([canvas.width, canvas.height]).toEqual([16, 16]);
    expect(seen.getImageData(0, 0, 16, 16).data).toEqual(image.data);
    using half = tensor([[[1, 0, 1, 0.2]]], { device });
    await toCanvas(half, canvas);
    seen.clearRect(0, 0, 16, 16);
    seen.drawImage(canvas, 0, 0);
    expect([...seen.getImageData(0, 0, 1, 1).data]).toEqual([255, 0, 255, 51]);
    await expect(toCanvas(x, drawn(image))).rejects.toThrow(/^toCanvas: x has shape/);
    await expect(toCanvas(half, drawn(image))).rejects.toThrow(/^toCanvas: the canvas has a context of another kind/);
  });
});
