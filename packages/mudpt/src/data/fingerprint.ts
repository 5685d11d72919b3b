/** Fingerprints of images, to find out whether they have changed. */
import { createHash, type Hash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import type { Item } from './dataset.ts';

/** SHA-256 (hex) over ids and labels in their order. Contents are not read. */
export function fingerprint(items: readonly Item[]): string {
  const hash = createHash('sha256');
  for (const { id, label } of items) hash.update(`${JSON.stringify(id)} ${label}\n`);
  return hash.digest('hex');
}

/** Files read at once. */
const AT_ONCE = 8;

export interface ContentOptions {
  readonly signal?: AbortSignal | undefined;
  /** Called after each image. */
  readonly onItem?: (() => void) | undefined;
}

/**
 * SHA-256 (hex) over ids, labels and contents in their order. A file that is missing or cannot be read is hashed as such: the loader
 * reports it later.
 * @throws the signal's reason once it is aborted
 */
export async function contentDigest(items: readonly Item[], { signal, onItem }: ContentOptions = {}): Promise<string> {
  const hash = createHash('sha256');
  for (let at = 0; at < items.length; at += AT_ONCE) {
    signal?.throwIfAborted();
    const some = items.slice(at, at + AT_ONCE);
    const contents = await Promise.all(some.map(({ image }) => imageDigest(image)));
    for (const [index, { id, label }] of some.entries()) {
      hash.update(`${JSON.stringify(id)} ${label} ${contents[index]}\n`);
      onItem?.();
    }
  }
  return hash.digest('hex');
}

async function imageDigest(image: Item['image']): Promise<string> {
  const hash = createHash('sha256');
  if (image instanceof Uint8Array) return hash.update(image).digest('hex');
  if (image instanceof ArrayBuffer) return hash.update(new Uint8Array(image)).digest('hex');
  if (image instanceof Blob) return hash.update(new Uint8Array(await image.arrayBuffer())).digest('hex');
  if (typeof image === 'object' && 'read' in image) return hash.update(await image.read(0, image.size)).digest('hex');
  // Files on a server are identified by address: downloading them twice would cost too much.
  if (/^https?:/i.test(String(image))) return hash.update(String(image)).digest('hex');
  return fileDigest(image, hash);
}

/** Only regular files are opened: a pipe or a device would never end. */
async function fileDigest(path: string | URL, hash: Hash): Promise<string> {
  try {
    if (!(await stat(path)).isFile()) return 'not a file';
    await pipeline(createReadStream(path), hash);
    return hash.digest('hex');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === undefined) throw error;
    return `unreadable: ${code}`;
  }
}
