import { readFile } from 'node:fs/promises';
import { pathToFileURL } from 'node:url';
import { FormatError, InputError, openSafetensors } from '@mudpt/tensor';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import crops from '@mudpt/testing/fixtures/preprocess/crops.json' with { type: 'json' };
import decoded from '@mudpt/testing/fixtures/preprocess/pictures.json' with { type: 'json' };
import upright from '@mudpt/testing/fixtures/preprocess/upright.json' with { type: 'json' };
import { factsOf, goldenPath, imageBytes, imagePath } from '@mudpt/testing/images';
import { augment } from './augment.ts';
import { decodeBytes, decodeImage } from './decode.ts';
import { resizeAndCrop } from './geometry.ts';

describe("decodes to Pillow's bytes", () => {
  it.each(Object.entries(decoded))('%s', async (name, facts) => {
    expect(factsOf(await decodeImage(imagePath(name)))).toEqual(facts);
  });

  it.each(Object.entries(upright))('%s, upright', async (name, facts) => {
    expect(factsOf(await decodeImage(imagePath(name), { exif: 'apply' }))).toEqual(facts);
  });
});

describe('takes what people have', () => {
  it('16-bit grey as its upper 8 bits', async () => {
    expect(factsOf(await decodeImage(imagePath('grey16.png')))).toEqual(decoded['grey.png']);
  });

  it('BMP and TIFF that Pillow wrote of one image', async () => {
    const [bmp, tif] = [await decodeImage(imagePath('small.bmp')), await decodeImage(imagePath('small.tif'))];
    expect([bmp.width, bmp.height]).toEqual([8, 8]);
    expect(bmp.data).toEqual(tif.data);
  });

  /** [height, width, 3] */
  const known = Uint8Array.from({ length: 5 * 3 * 3 }, (_, index) => (index * 37) % 256);
  const raw = { width: 5, height: 3, channels: 3 } as const;

  it.each(['none', 'lzw', 'deflate'] as const)('TIFF of 8 bits, %s', async (compression) => {
    const bytes = await sharp(known, { raw }).tiff({ compression }).toBuffer();
    expect((await decodeBytes(new Uint8Array(bytes))).data).toEqual(known);
  });

  it('TIFF of 16 bits as their upper 8, grey and colour, and the first of its pages', async () => {
    const deep = Uint16Array.from({ length: 15 }, (_, index) => index * 4369);
    const grey = sharp(deep, { raw: { ...raw, channels: 1 } }).toColourspace('grey16');
    const bytes = await grey.tiff({ compression: 'lzw' }).toBuffer();
    expect((await sharp(bytes).metadata()).depth).toBe('ushort');
    const expected = Uint8Array.from(deep, (value) => value >> 8);
    const { data } = await decodeBytes(new Uint8Array(bytes));
    expect(data.filter((_, index) => index % 3 === 1)).toEqual(expected);
    const pages = await sharp(Buffer.concat([known, known.map((value) => 255 - value)]), {
      raw: { ...raw, height: 6, pageHeight: 3 },
    })
      .tiff({ compression: 'none' })
      .toBuffer();
    expect((await decodeBytes(new Uint8Array(pages))).data.subarray(0, 45)).toEqual(known);
  });

  it('AVIF', async () => {
    const bytes = await sharp({ create: { width: 20, height: 10, channels: 3, background: '#f00' } })
      .avif({ lossless: true })
      .toBuffer();
    const { width, height, data } = await decodeBytes(new Uint8Array(bytes));
    expect([width, height, ...data.subarray(0, 3)]).toEqual([20, 10, 255, 0, 0]);
    await expect(decodeBytes(new Uint8Array(bytes), { maxPixels: 199 })).rejects.toThrow(/has 20 x 10 pixels/);
  });

  it('BMP of every depth, from the bottom and from the top', async () => {
    const bmp = (
      bits: number,
      height: number,
      rows: readonly number[],
      { colours = [] as number[], masks = [] as number[] } = {},
    ) => {
      const extra = [...colours, ...masks];
      const begin = 54 + extra.length * 4;
      const bytes = new Uint8Array(begin + rows.length);
      const view = new DataView(bytes.buffer);
      bytes.set([0x42, 0x4d]);
      for (const [at, value] of [
        [2, bytes.length],
        [10, begin],
        [14, 40],
        [18, 2],
        [22, height],
        [30, masks.length > 0 ? 3 : 0],
        [46, colours.length],
      ] as const)
        view.setInt32(at, value, true);
      view.setUint16(28, bits, true);
      for (const [index, value] of extra.entries()) view.setUint32(54 + index * 4, value, true);
      bytes.set(rows, begin);
      return decodeBytes(bytes).then(({ data }) => [...data]);
    };
    const [red, blue, grey] = [
      [255, 0, 0],
      [0, 0, 255],
      [9, 9, 9],
    ];
    const colours = [0xff0000, 0x0000ff, 0x090909];
    expect(await bmp(1, 2, [0x40, 0, 0, 0, 0x80, 0, 0, 0], { colours })).toEqual([blue, red, red, blue].flat());
    expect(await bmp(4, -1, [0x21, 0, 0, 0], { colours })).toEqual([grey, blue].flat());
    expect(await bmp(8, -2, [0, 1, 0, 0, 2, 0, 0, 0], { colours })).toEqual([red, blue, grey, red].flat());
    expect(await bmp(16, 1, [0x00, 0x7c, 0x1f, 0x00])).toEqual([red, blue].flat());
    expect(await bmp(16, 1, [0x00, 0xf8, 0x10, 0x04], { masks: [0xf800, 0x7e0, 0x1f] })).toEqual([255, 0, 0, 0, 129, 131]);
    expect(await bmp(24, 1, [0, 0, 255, 9, 9, 9, 0, 0])).toEqual([red, grey].flat());
    expect(await bmp(32, 1, [0, 0, 255, 7, 255, 0, 0, 0])).toEqual([red, blue].flat());
    await expect(bmp(24, 3, [0, 0, 255, 9, 9, 9, 0, 0])).rejects.toThrow(/is truncated/);
    await expect(bmp(7, 1, [0, 0, 0, 0])).rejects.toThrow(/BMP of 7 bits/);
  });

  it('not TIFF of floating-point numbers, and HEIC in words how to convert it', async () => {
    const floats = await sharp(known, { raw }).toColourspace('scrgb').tiff({ compression: 'none' }).toBuffer();
    await expect(decodeBytes(new Uint8Array(floats))).rejects.toThrow(/TIFF of signed or floating-point numbers/);
    const avif = await sharp({ create: { width: 8, height: 8, channels: 3, background: '#f00' } })
      .avif()
      .toBuffer();
    // The same boxes under another name, with what no decoder of AVIF takes.
    const heic = Buffer.from(avif.toString('latin1').replaceAll('avif', 'heic').replaceAll('av01', 'hvc1'), 'latin1');
    const decoded = decodeBytes(new Uint8Array(heic), { name: 'a.heic' });
    await expect(decoded).rejects.toThrow(/a\.heic is a HEIC image.*Convert it: `magick/);
  });
});

describe("resizes and crops to Pillow's and torchvision's bytes", () => {
  it.each(crops)('$image $kind $size', async ({ image: name, kind, size, resize, draws, ...facts }) => {
    const image = await decodeImage(imagePath(name));
    let next = 0;
    const draw = () => draws?.[next++] ?? expect.fail('more draws than torchvision made');
    expect(factsOf(kind === 'random' ? augment(image, size, draw) : resizeAndCrop(image, size, resize))).toEqual(facts);
  });

  it('goldens: no byte differs', async () => {
    await using expected = await openSafetensors(goldenPath('expected.safetensors'));
    expect(expected.tensors.size).toBe(10);
    for (const name of expected.tensors.keys()) {
      const { shape, bytes } = await expected.read(name);
      const image = resizeAndCrop(await decodeImage(goldenPath(name)), shape[0]!);
      expect(Buffer.compare(image.data, bytes), name).toBe(0);
    }
  });
});

describe('takes files from anywhere', () => {
  it('path, URL, Blob, bytes, ArrayBuffer, and a view into a larger buffer', async () => {
    const bytes = await imageBytes('rgb.png');
    const shared = new Uint8Array(bytes.length + 20);
    shared.set(bytes, 7);
    const path = imagePath('rgb.png');
    const inputs = [path, pathToFileURL(path), new Blob([bytes]), bytes, bytes.buffer, shared.subarray(7, 7 + bytes.length)];
    for (const input of inputs) expect(factsOf(await decodeImage(input))).toEqual(decoded['rgb.png']);
  });
});

describe('refuses, by name and with the reason', () => {
  const ascii = (text: string) => Uint8Array.from(text, (character) => character.charCodeAt(0));

  it.each([
    ['', /^decodeImage: memory is empty/],
    ['hello, I am a text', /memory is a text file/],
    ['<!DOCTYPE html><p>404', /an HTML or XML page/],
    ['<?xml version="1.0"?><svg xmlns="x">', /an SVG drawing/],
    ['version https://git-lfs.github.com/spec/v1\noid', /a Git LFS pointer/],
    ['%PDF-1.7', /a PDF document/],
    ['PK\x03\x04', /a ZIP archive/],
    ['\0\0\0\x18ftypheic', /is damaged: it tells no size/],
    ['\0\0\0\x18ftypavif', /is damaged: it tells no size/],
    ['II+\0', /a BigTIFF image/],
    ['\0\0\0\x18ftypisom', /an MP4 video/],
    ['\0\0\0\x0cJXL ', /a JPEG XL image/],
    ['\x93NUMPY\x01\0', /no image of a known kind/],
  ])('%j', async (start, message) => {
    await expect(decodeBytes(ascii(start))).rejects.toThrow(FormatError);
    await expect(decodeBytes(ascii(start))).rejects.toThrow(message);
  });

  it.each([['absent.png', /absent\.png cannot be opened/]])('%s', async (name, message) => {
    await expect(decodeImage(imagePath(name))).rejects.toThrow(InputError);
    await expect(decodeImage(imagePath(name))).rejects.toThrow(message);
  });

  it('images larger than allowed, before they are decoded', async () => {
    const options = { maxPixels: 61 * 47 - 1, name: 'bomb' };
    for (const name of ['rgb.png', 'q95.jpg', 'lossy.webp', 'plain.gif'])
      await expect(decodeImage(imagePath(name), options)).rejects.toThrow(/bomb has 61 x 47 pixels, more than the 2866 allowed/);
    await expect(decodeImage(imagePath('frame-beyond-screen.gif'), options)).rejects.toThrow(/bomb has 65 x 50 pixels/);
  });

  it('headers that promise more than the file can hold', async () => {
    const png = await imageBytes('rgb.png');
    new DataView(png.buffer).setUint32(16, 12000);
    new DataView(png.buffer).setUint32(20, 12000);
    await expect(decodeBytes(png)).rejects.toThrow(/is truncated: \d+ bytes cannot hold 12000 x 12000 pixels/);
    const jpeg = await imageBytes('q95.jpg');
    const frame = jpeg.findIndex((byte, at) => byte === 0xff && jpeg[at + 1] === 0xc0);
    new DataView(jpeg.buffer).setUint16(frame + 5, 12000);
    new DataView(jpeg.buffer).setUint16(frame + 7, 12000);
    await expect(decodeBytes(jpeg)).rejects.toThrow(/cannot hold 12000 x 12000 pixels/);
  });

  it.each([
    ['rgb.png', 40],
    ['q95.jpg', 2],
    ['progressive.jpg', 12],
    ['lossless.webp', 2],
    ['lossy.webp', 12],
    ['plain.gif', 12],
    ['noise.gif', 500],
  ])('%s without its last %i bytes', async (name, cut) => {
    const bytes = await imageBytes(name);
    for (const length of [bytes.length - cut, bytes.length >> 1, 30])
      await expect(decodeBytes(bytes.subarray(0, length), { name })).rejects.toThrow(/ is (truncated|damaged): /);
    await expect(decodeBytes(bytes.subarray(0, bytes.length - cut), { name })).rejects.toThrow(/ is truncated: /);
  });

  it('JPEGs of 12 bits, of 2 channels, lossless', async () => {
    const jpeg = await readFile(imagePath('q95.jpg'));
    const frame = jpeg.findIndex((byte, at) => byte === 0xff && jpeg[at + 1] === 0xc0);
    const altered = (offset: number, value: number) => {
      const copy = new Uint8Array(jpeg);
      copy[frame + offset] = value;
      return decodeBytes(copy);
    };
    await expect(altered(4, 12)).rejects.toThrow(/JPEG of 12 bits per channel/);
    await expect(altered(9, 2)).rejects.toThrow(/JPEG of 2 channels/);
    await expect(altered(1, 0xc3)).rejects.toThrow(/lossless JPEG/);
  });
});
