// What programs/use.mjs reads and prints.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** A red square, 2 x 2 pixels. */
const PNG = 'iVBORw0KGgoAAAANSUhEUgAAAAIAAAACCAIAAAD91JpzAAAAEElEQVR42mP4z8AARAwQCgAf7gP9Y167WwAAAABJRU5ErkJggg==';

/** Writes the image that programs read. @param {string} folder */
export const writeSquare = (folder) => writeFileSync(join(folder, 'square.png'), Buffer.from(PNG, 'base64'));

export const USED =
  /^gradient \[\[16,20\]\]\nonnx \[\[2\.5\],\[6\.5\]\]\nimage 192 bytes\ntokens 49406 320 1125 539 320 2368 49407\nmethod mudpt$/;
