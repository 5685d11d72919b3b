/** Icons as pixels: an Iconify file's icon as SVG, and SVG as RGBA or a PNG. */
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { InputError } from '@mudpt/tensor';
import type { Sharp } from 'sharp';
import { VARIATIONS, variationOf } from './variations.ts';
import type { IconFile, SizedIcon } from '../sources/icon.ts';
import { packageOf } from '../sources/styles.ts';
import { THINGS, thingsFile } from './things.ts';

/** How an icon becomes a picture. */
export type View = {
  /** Pixels of a side. */
  readonly size: number;
  /** Colour of the ground. */
  readonly background: string;
  /** Part of the side that the drawing's box fills. */
  readonly scale: number;
};

/** One installed icon set. */
export class IconSet {
  private constructor(
    readonly style: string,
    private readonly file: IconFile,
  ) {}

  /**
   * Reads a set, or the drawings that come with this package.
   * @param from a file of the package that has it installed: a folder's package.json, or this package
   * @throws InputError when it is not installed there
   */
  static async open(style: string, from: string | URL = import.meta.url): Promise<IconSet> {
    if (style === THINGS) return new IconSet(style, thingsFile());
    let path: string;
    try {
      path = createRequire(from).resolve(`${packageOf(style)}/icons.json`);
    } catch (cause) {
      throw new InputError('icons', `the icon set ${packageOf(style)} is not installed`, 'run pnpm install', { cause });
    }
    return new IconSet(style, JSON.parse(await readFile(path, 'utf8')) as IconFile);
  }

  /** The icon as the set has it, with its size. @throws InputError for an unknown name */
  icon(name: string): SizedIcon {
    const icon = this.file.icons[name];
    if (!icon) throw new InputError('icons', `${this.style} has no icon "${name}"`, 'write the manifest anew');
    return { ...icon, width: icon.width ?? this.file.width ?? 16, height: icon.height ?? this.file.height ?? 16 };
  }

  /** The icon, perhaps with a variation, as an SVG document of `size` pixels. @throws InputError for an unknown name */
  svg(name: string, size: number): string {
    const { icon: plain, variation } = variationOf(name);
    const icon = this.icon(plain);
    const { width, height } = icon;
    const box = `${icon.left ?? 0} ${icon.top ?? 0} ${width} ${height}`;
    const spaces = 'xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"';
    const body = variation === undefined ? icon.body : VARIATIONS[variation](icon.body, { width, height });
    return `<svg ${spaces} viewBox="${box}" width="${size}" height="${size}">${body}</svg>`;
  }

  /** The icon's pixels, [size, size, 4], not premultiplied. */
  async rgba(name: string, size: number): Promise<Uint8Array> {
    const { default: sharp } = await import('sharp');
    const { data } = await sharp(Buffer.from(this.svg(name, size)))
      .resize(size, size)
      .ensureAlpha()
      .raw()
      .toBuffer({ resolveWithObject: true });
    return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  }

  /** Pixels [size, size, 3] of a picture of the icon; see {@link png}. */
  async rgb(name: string, view: View): Promise<Uint8Array> {
    const { data } = await (await viewOf(Buffer.from(this.svg(name, innerSize(view))), view))
      .raw()
      .toBuffer({ resolveWithObject: true });
    return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  }

  /** A picture of the icon as a PNG. */
  async png(name: string, view: View): Promise<Uint8Array> {
    return pngOf(Buffer.from(this.svg(name, innerSize(view))), view);
  }
}

/** An image, in a format that sharp reads, in the middle of a ground, as a PNG. */
export async function pngOf(image: Uint8Array, view: View): Promise<Uint8Array> {
  return (await viewOf(image, view)).png().toBuffer();
}

/** Pixels of a side that a drawing's box fills. */
const innerSize = ({ size, scale }: View): number => Math.max(1, Math.round(size * scale));

async function viewOf(image: Uint8Array, view: View): Promise<Sharp> {
  const { default: sharp } = await import('sharp');
  const { size, background } = view;
  const inner = innerSize(view);
  const before = Math.floor((size - inner) / 2);
  const after = size - inner - before;
  const drawn = await sharp(image)
    .resize(inner, inner, { fit: 'contain', background })
    .flatten({ background })
    .extend({ top: before, left: before, bottom: after, right: after, background })
    .png()
    .toBuffer();
  return sharp(drawn).removeAlpha();
}
