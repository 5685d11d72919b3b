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

  it('of a video frame are the same bound and copied, and a call that goes on is not changed by the next', async () => {
    const { device } = ctx;
    const image = opaque();
    const frame = new VideoFrame(drawn(image), { timestamp: 0, alpha: 'discard' });
    const planes = Uint8Array.from({ length: 96 }, (_, i) => (i < 64 ? 40 + 2 * i : i < 80 ? 90 : 160));
    const yuv = new VideoFrame(planes, { format: 'I420', codedWidth: 8, codedHeight: 8, timestamp: 1 });
    const veiled = new VideoFrame(drawn(new ImageData(Uint8ClampedArray.of(255, 0, 255, 51, 255, 255, 0, 128), 2, 1)), {
      timestamp: 2,
    });
    for (const [source, tolerance] of [
      [frame, 0],
      [yuv, 3],
    ] as const) {
      using bound = fromPixels(source, { channels: 4, video: 'external', device });
      using copied = fromPixels(source, { channels: 4, video: 'copy', device });
      const [x, y] = [await toPixels(bound), await toPixels(copied)];
      expect([x.width, x.height]).toEqual([y.width, y.height]);
      expect(Math.max(...x.data.map((byte, i) => Math.abs(byte - y.data[i]!)))).toBeLessThanOrEqual(tolerance);
    }
    using first = fromPixels(frame, { channels: 4, device });
    using second = fromPixels(yuv, { channels: 4, device });
    frame.close();
    yuv.close();
    // Chromium binds colours multiplied by alpha: such frames are copied.
    using shown = fromPixels(veiled, { channels: 4, device });
    expect([...(await toPixels(shown)).data]).toEqual([255, 0, 255, 51, 255, 255, 0, 128]);
    expect(() => fromPixels(veiled, { video: 'external', device })).toThrow(/the frame has alpha \(RGBA\)/);
    veiled.close();
    expect((await toPixels(first)).data).toEqual(image.data);
    expect((await toPixels(second)).width).toBe(8);
    expect(() => fromPixels(frame, { device })).toThrow(/^fromPixels: the image/);
  });

  it('of a video element are those that it shows', async () => {
    const { device } = ctx;
    const canvas = document.createElement('canvas');
    [canvas.width, canvas.height] = [16, 16];
    const context = canvas.getContext('2d')!;
    context.fillStyle = 'rgb(200 100 50)';
    context.fillRect(0, 0, 16, 16);
    const video = document.createElement('video');
    expect(() => fromPixels(video, { device })).toThrow(/^fromPixels: the image is 0 x 0/);
    [video.muted, video.srcObject] = [true, canvas.captureStream()];
    await video.play();
    for (const way of ['external', 'copy'] as const) {
      using x = fromPixels(video, { video: way, device });
      const { width, data } = await toPixels(x);
      expect(width, way).toBe(16);
      expect(Math.max(...[200, 100, 50].map((value, c) => Math.abs(data[4 * 136 + c]! - value))), way).toBeLessThan(8);
    }
    video.srcObject = null;
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
