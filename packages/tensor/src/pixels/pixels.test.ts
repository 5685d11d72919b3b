/** Pixels of host data, in Node and in pages: exact bytes both ways, layouts, channels, normalisation, and what is refused. */
import { expect, it } from 'vitest';
import { eachDevice } from '@mudpt/testing/support';
import { capture, fromPixels, InputError, ShapeError, tensor, toPixels } from '../index.ts';
import type { PixelData } from './source.ts';

/** 16 x 16 pixels: every byte in every channel, each in another order. */
const EVERY: PixelData = {
  width: 16,
  height: 16,
  data: Uint8ClampedArray.from({ length: 1024 }, (_, i) => ((i >> 2) * [1, 3, 5, 7][i % 4]! + 11 * (i % 4)) & 255),
};

eachDevice('pixels of host data', (ctx) => {
  it('gives the float nearest to byte / 255, and the bytes come back', async () => {
    const { device } = ctx;
    using x = fromPixels(EVERY, { channels: 4, device });
    expect(x.shape).toEqual([16, 16, 4]);
    expect(await x.data()).toEqual(Float32Array.from(EVERY.data, (byte) => byte / 255));
    const back = await toPixels(x);
    expect([back.width, back.height, back.data]).toEqual([16, 16, EVERY.data]);
  });

  it('puts channels first, normalises, and leaves alpha out', async () => {
    const { device } = ctx;
    const mean = [0.48145466, 0.4578275, 0.40821073];
    const std = [0.26862954, 0.26130258, 0.27577711];
    const image: PixelData = { width: 3, height: 2, data: new Uint8Array(EVERY.data.slice(40, 64)) };
    using x = fromPixels(image, { layout: 'CHW', mean, std, device });
    expect(x.shape).toEqual([3, 2, 3]);
    const expected = mean.flatMap((m, c) => Array.from({ length: 6 }, (_, i) => (image.data[4 * i + c]! / 255 - m) / std[c]!));
    (await x.data()).forEach((value, i) => expect(value).toBeCloseTo(expected[i]!, 5));
    using plain = fromPixels(image, { layout: 'CHW', device });
    const { data } = await toPixels(plain, { layout: 'CHW' });
    expect(data).toEqual(Uint8ClampedArray.from(image.data, (byte, i) => (i % 4 === 3 ? 255 : byte)));
  });

  it('greys are those of BT.601, and exact where red, green and blue are equal', async () => {
    const { device } = ctx;
    using x = fromPixels(EVERY, { channels: 1, device });
    const { data } = EVERY;
    const grey = (i: number): number => (0.299 * data[4 * i]! + 0.587 * data[4 * i + 1]! + 0.114 * data[4 * i + 2]!) / 255;
    (await x.data()).forEach((value, i) => expect(value).toBeCloseTo(grey(i), 6));
    const greys = { ...EVERY, data: Uint8Array.from({ length: 1024 }, (_, i) => i >> 2) };
    using y = fromPixels(greys, { channels: 1, device });
    expect(await y.data()).toEqual(Float32Array.from({ length: 256 }, (_, i) => i / 255));
  });

  it('writes any view, rounds to the nearest byte and clips', async () => {
    const { device } = ctx;
    using x = tensor(
      [
        [0, -1, 2],
        [0.5, 0.2, 1],
      ],
      { device },
    ); // prettier-ignore
    using turned = x.transpose();
    const { width, height, data } = await toPixels(turned);
    expect([width, height]).toEqual([2, 3]);
    expect([...data].filter((_, i) => i % 4 === 0)).toEqual([0, 128, 0, 51, 255, 255]);
    expect([...data].filter((_, i) => i % 4 === 3)).toEqual([255, 255, 255, 255, 255, 255]);
  });

  it('refuses what is no image, by name', () => {
    const { device } = ctx;
    const read = (source: unknown, options = {}): unknown => fromPixels(source as PixelData, { device, ...options });
    const data = new Uint8Array(16);
    const wrong: readonly (readonly [() => unknown, RegExp])[] = [
      [() => read(null), /^fromPixels: the source is null\. Give an ImageBitmap/],
      [() => read('a.png'), /the source is a string/],
      [() => read({ width: 2, height: 0, data }), /the image is 2 x 0/],
      [() => read({ width: 2, height: 1, data }), /16 bytes are not 2 x 1 pixels of 4/],
      [() => read({ width: 2, height: 2, data: [...data] }), /data is no array of bytes/],
      [() => read({ width: 2, height: 2, data, colorSpace: 'display-p3' }), /colour space display-p3/],
      [() => read({ width: 2, height: 2, data }, { channels: 2 }), /channels is 2/],
      [() => read({ width: 2, height: 2, data }, { layout: 'NCHW' }), /layout is "NCHW"/],
      [() => read({ width: 2, height: 2, data }, { mean: [0, 0] }), /mean has 2 numbers and the image 3 channels/],
      [() => read({ width: 2, height: 2, data }, { video: 'zero' }), /video is "zero"/],
      [() => read({ width: 2, height: 2, data }, { std: 0 }), /std has a 0/],
      [() => read({ width: 2, height: 2, data }, { size: 4 }), /there is no option "size"/],
    ];
    for (const [call, message] of wrong) expect(call).toThrow(message);
    expect(() => read({ width: 2, height: 2, data }, { channels: 2 })).toThrow(InputError);
    using x = tensor([[[1, 2]]], { device });
    expect(() => toPixels(x)).toThrow(ShapeError);
    expect(() => toPixels(x)).toThrow(/x has shape \[1, 1, 2\], which is no image of layout HWC/);
    using whole = tensor([[1]], { dtype: 'i32', device });
    expect(() => toPixels(whole)).toThrow(/x has dtype i32/);
    using captured = capture(() => fromPixels(EVERY, { device }), { device });
    expect(() => captured({})).toThrow(/^fromPixels: a captured function is replayed/);
  });
});
