import { readFile } from 'node:fs/promises';
import { pathToFileURL } from 'node:url';
import { FormatError, openSafetensors } from '@mudpt/tensor';
import { describe, expect, it } from 'vitest';
import crops from '../../test/fixtures/preprocess/crops.json' with { type: 'json' };
import pictures from '../../test/fixtures/preprocess/pictures.json' with { type: 'json' };
import upright from '../../test/fixtures/preprocess/upright.json' with { type: 'json' };
import { factsOf, goldenPath, pictureBytes, picturePath } from '../../test/pictures.ts';
import { augment } from './augment.ts';
import { decodeBytes, decodeImage } from './decode.ts';
import { resizeAndCrop } from './geometry.ts';

describe("decodes to Pillow's bytes", () => {
  it.each(Object.entries(pictures))('%s', async (name, facts) => {
    expect(factsOf(await decodeImage(picturePath(name)))).toEqual(facts);
  });

  it.each(Object.entries(upright))('%s, upright', async (name, facts) => {
    expect(factsOf(await decodeImage(picturePath(name), { exif: 'apply' }))).toEqual(facts);
  });
});

describe("resizes and crops to Pillow's and torchvision's bytes", () => {
  it.each(crops)('$picture $kind $size', async ({ picture, kind, size, resize, draws, ...facts }) => {
    const image = await decodeImage(picturePath(picture));
    let next = 0;
    const draw = () => draws?.[next++] ?? expect.fail('more draws than torchvision made');
    expect(factsOf(kind === 'random' ? augment(image, size, draw) : resizeAndCrop(image, size, resize))).toEqual(facts);
  });

  it('goldens: no byte differs', async () => {
    await using expected = await openSafetensors(goldenPath('expected.safetensors'));
    expect(expected.tensors.size).toBe(10);
    for (const name of expected.tensors.keys()) {
      const { shape, bytes } = await expected.read(name);
      const image = resizeAndCrop(await decodeImage(goldenPath(name)), shape[0] ?? 0);
      expect(Buffer.compare(image.data, bytes), name).toBe(0);
    }
  });
});

describe('takes files from anywhere', () => {
  it('path, URL, Blob, bytes, ArrayBuffer, and a view into a larger buffer', async () => {
    const bytes = await pictureBytes('rgb.png');
    const shared = new Uint8Array(bytes.length + 20);
    shared.set(bytes, 7);
    const path = picturePath('rgb.png');
    const inputs = [path, pathToFileURL(path), new Blob([bytes]), bytes, bytes.buffer, shared.subarray(7, 7 + bytes.length)];
    for (const input of inputs) expect(factsOf(await decodeImage(input))).toEqual(pictures['rgb.png']);
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
    ['\0\0\0\x18ftypheic', /a HEIC image/],
    ['\0\0\0\x18ftypavif', /an AVIF image/],
    ['\0\0\0\x18ftypisom', /an MP4 video/],
    ['\0\0\0\x0cJXL ', /a JPEG XL image/],
    ['\x93NUMPY\x01\0', /no image of a known kind/],
  ])('%j', async (start, message) => {
    await expect(decodeBytes(ascii(start))).rejects.toThrow(FormatError);
    await expect(decodeBytes(ascii(start))).rejects.toThrow(message);
  });

  it.each([
    ['refused.bmp', /refused\.bmp is a BMP image.*PNG, JPEG, WebP or GIF/],
    ['refused.tif', /refused\.tif is a TIFF image/],
    ['refused-grey16.png', /is a 16-bit greyscale PNG.*convert it to 8 bits/i],
    ['absent.png', /absent\.png cannot be opened/],
  ])('%s', async (name, message) => {
    await expect(decodeImage(picturePath(name))).rejects.toThrow(FormatError);
    await expect(decodeImage(picturePath(name))).rejects.toThrow(message);
  });

  it('pictures larger than allowed, before they are decoded', async () => {
    const options = { maxPixels: 61 * 47 - 1, name: 'bomb' };
    for (const name of ['rgb.png', 'q95.jpg', 'lossy.webp', 'plain.gif'])
      await expect(decodeImage(picturePath(name), options)).rejects.toThrow(
        /bomb has 61 x 47 pixels, more than the 2866 allowed/,
      );
    await expect(decodeImage(picturePath('frame-beyond-screen.gif'), options)).rejects.toThrow(/bomb has 65 x 50 pixels/);
  });

  it('headers that promise more than the file can hold', async () => {
    const png = await pictureBytes('rgb.png');
    new DataView(png.buffer).setUint32(16, 12000);
    new DataView(png.buffer).setUint32(20, 12000);
    await expect(decodeBytes(png)).rejects.toThrow(/is truncated: \d+ bytes cannot hold 12000 x 12000 pixels/);
    const jpeg = await pictureBytes('q95.jpg');
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
    const bytes = await pictureBytes(name);
    for (const length of [bytes.length - cut, bytes.length >> 1, 30])
      await expect(decodeBytes(bytes.subarray(0, length), { name })).rejects.toThrow(/ is (truncated|damaged): /);
    await expect(decodeBytes(bytes.subarray(0, bytes.length - cut), { name })).rejects.toThrow(/ is truncated: /);
  });

  it('JPEGs of 12 bits, of 2 channels, lossless', async () => {
    const jpeg = await readFile(picturePath('q95.jpg'));
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
