/** The picture fixtures, for tests in Node. */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import type { RgbImage } from '../src/preprocess/image.ts';

const FOLDER = new URL('./fixtures/preprocess/', import.meta.url);

/** What Pillow made of a picture. */
export interface PictureFacts {
  readonly width: number;
  readonly height: number;
  readonly sha256: string;
}

export function picturePath(name: string): string {
  return fileURLToPath(new URL(`pictures/${name}`, FOLDER));
}

export function goldenPath(name: string): string {
  return fileURLToPath(new URL(`golden/${name}`, FOLDER));
}

/** The bytes of a file, in memory of their own. */
export async function pictureBytes(name: string): Promise<Uint8Array<ArrayBuffer>> {
  return new Uint8Array(await readFile(picturePath(name)));
}

export function factsOf({ width, height, data }: RgbImage): PictureFacts {
  return { width, height, sha256: createHash('sha256').update(data).digest('hex') };
}
