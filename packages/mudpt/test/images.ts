/** Pictures for tests, drawn here: coloured shapes as PNG files. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { crc32, deflateSync } from 'node:zlib';

type Colour = readonly [red: number, green: number, blue: number];

/** A square PNG whose pixels `paint` gives. */
export function png(side: number, paint: (x: number, y: number) => Colour): Uint8Array {
  const rows = Buffer.alloc(side * (side * 3 + 1));
  for (let y = 0; y < side; y++) for (let x = 0; x < side; x++) rows.set(paint(x, y), y * (side * 3 + 1) + 1 + x * 3);
  const header = Buffer.alloc(13);
  header.writeUInt32BE(side, 0);
  header.writeUInt32BE(side, 4);
  header.set([8, 2], 8); // 8 bits, RGB
  const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
  return new Uint8Array(
    Buffer.concat([signature, chunk('IHDR', header), chunk('IDAT', deflateSync(rows)), chunk('IEND', Buffer.alloc(0))]),
  );
}

function chunk(kind: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(kind, 'latin1'), data]);
  const frame = Buffer.alloc(8);
  frame.writeUInt32BE(data.length, 0);
  frame.writeUInt32BE(crc32(body) >>> 0, 4);
  return Buffer.concat([frame.subarray(0, 4), body, frame.subarray(4)]);
}

/** Shapes by class name: colour and form make a class, place and size vary with `variant`. */
const SHAPES: Readonly<Record<string, { colour: Colour; inside: (x: number, y: number) => boolean }>> = {
  'red circle': { colour: [220, 30, 30], inside: (x, y) => x * x + y * y < 1 },
  'green square': { colour: [30, 180, 40], inside: (x, y) => Math.abs(x) < 0.9 && Math.abs(y) < 0.9 },
  'blue cross': {
    colour: [40, 60, 220],
    inside: (x, y) => Math.min(Math.abs(x), Math.abs(y)) < 0.3 && Math.max(Math.abs(x), Math.abs(y)) < 1,
  },
  'yellow triangle': { colour: [230, 210, 40], inside: (x, y) => Math.abs(x) < (y + 1) / 2 && y < 1 },
};

export const SHAPE_NAMES: readonly string[] = Object.keys(SHAPES);

/** The `variant`-th picture of a shape. */
export function shapeImage(name: string, variant: number, side = 32): Uint8Array {
  const shape = SHAPES[name];
  if (!shape) throw new Error(`no shape ${name}`);
  const [cx, cy, radius] = [0.4 + 0.05 * (variant % 5), 0.4 + 0.05 * (variant % 3), 0.2 + 0.02 * (variant % 7)];
  const ground = 255 - ((variant * 37) % 90);
  return png(side, (x, y) => {
    const isInside = shape.inside((x / side - cx) / radius, (y / side - cy) / radius);
    return isInside ? shape.colour : [ground, ground, ground];
  });
}

/** Class folders of shapes below `folder`. @param layout `part` to pictures per class; '' for no part */
export async function writeShapes(folder: string, layout: Readonly<Record<string, number>>, names = SHAPE_NAMES): Promise<void> {
  let variant = 0;
  for (const [part, count] of Object.entries(layout))
    for (const name of names)
      for (let index = 0; index < count; index++)
        await put(join(folder, part, name.replace(' ', '_'), `${index}.png`), shapeImage(name, variant++));
}

/** Writes a file and the folders above it. */
export async function put(path: string, contents: string | Uint8Array): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, contents);
}

/** A folder that is gone after the `await using` block. */
export async function temporaryFolder(): Promise<{ path: string } & AsyncDisposable> {
  const path = await mkdtemp(join(tmpdir(), 'mudpt-test-'));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}
