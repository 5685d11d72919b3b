/** Fingerprints of images, to find out whether they have changed. */
import { createHash, type Hash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import { fileURLToPath } from 'node:url';
import type { Item } from './dataset.ts';

/** SHA-256 (hex) over ids and labels in their order. Contents are not read. */
export function fingerprint(items: readonly Item[]): string {
  const hash = createHash('sha256');
  for (const { id, label } of items) hash.update(`${JSON.stringify(id)} ${label}\n`);
  return hash.digest('hex');
}

/** Files read at once. */
const AT_ONCE = 8;

/** Fields by which a changed file is recognised: a part of Node's `BigIntStats`, whose types a page's program lacks. */
export interface FileFacts {
  readonly size: bigint;
  readonly ino: bigint;
  readonly mtimeMs: bigint;
  readonly ctimeMs: bigint;
  readonly mtimeNs: bigint;
  readonly ctimeNs: bigint;
}

/** Keeps the SHA-256 of files by what the file system reports of them. */
export interface KnownDigests {
  get(path: string, facts: FileFacts): Promise<string | undefined>;
  set(path: string, facts: FileFacts, digest: string): Promise<void>;
  /** Saves what was set. */
  save(): Promise<void>;
}

export interface ContentOptions {
  readonly signal?: AbortSignal | undefined;
  /** Digests of files that need not be read again. Default: every file is read. */
  readonly known?: KnownDigests | undefined;
  /** Called after each image. */
  readonly onItem?: (() => void) | undefined;
}

/**
 * SHA-256 (hex) over ids, labels and contents in their order. A file that is missing or cannot be read is hashed as such: the loader
 * reports it later.
 * @throws the signal's reason once it is aborted
 */
export async function contentDigest(items: readonly Item[], options: ContentOptions = {}): Promise<string> {
  const hash = createHash('sha256');
  for await (const [{ id, label }, contents] of contentsOf(items, options))
    hash.update(`${JSON.stringify(id)} ${label} ${contents}\n`);
  return hash.digest('hex');
}

/**
 * SHA-256 (hex) over contents alone, in their order: equal for the same images, however they are named and labelled. Undefined where the
 * contents of one are not known: it lies on a server, or cannot be read.
 * @throws the signal's reason once it is aborted
 */
export async function imagesDigest(items: readonly Item[], options: ContentOptions = {}): Promise<string | undefined> {
  if (items.some(({ image }) => isAddress(image))) return undefined;
  const hash = createHash('sha256');
  let isKnown = true;
  for await (const [, contents] of contentsOf(items, options)) {
    isKnown &&= /^[0-9a-f]{64}$/.test(contents);
    hash.update(`${contents}\n`);
  }
  return isKnown ? hash.digest('hex') : undefined;
}

/** Each item with the SHA-256 of its contents, or the reason why there is none. */
export async function* contentsOf(
  items: readonly Item[],
  { signal, known, onItem }: ContentOptions = {},
): AsyncGenerator<readonly [Item, string]> {
  try {
    for (let at = 0; at < items.length; at += AT_ONCE) {
      signal?.throwIfAborted();
      const some = items.slice(at, at + AT_ONCE);
      const contents = await Promise.all(some.map(({ image }) => imageDigest(image, known)));
      for (const [index, item] of some.entries()) {
        yield [item, contents[index] as string];
        onItem?.();
      }
    }
  } finally {
    await known?.save();
  }
}

async function imageDigest(image: Item['image'], known: KnownDigests | undefined): Promise<string> {
  const hash = createHash('sha256');
  if (image instanceof Uint8Array) return hash.update(image).digest('hex');
  if (image instanceof ArrayBuffer) return hash.update(new Uint8Array(image)).digest('hex');
  if (image instanceof Blob) return hash.update(new Uint8Array(await image.arrayBuffer())).digest('hex');
  if (typeof image === 'object' && 'read' in image) return hash.update(await image.read(0, image.size)).digest('hex');
  // Files on a server are identified by address: downloading them twice would cost too much.
  if (isAddress(image)) return hash.update(String(image)).digest('hex');
  return fileDigest(image instanceof URL ? fileURLToPath(image) : image, hash, known);
}

function isAddress(image: Item['image']): boolean {
  return (typeof image === 'string' || image instanceof URL) && /^https?:/i.test(String(image));
}

/** Only regular files are opened: a pipe or a device would never end. */
async function fileDigest(path: string, hash: Hash, known: KnownDigests | undefined): Promise<string> {
  try {
    const facts = await stat(path, { bigint: true });
    if (!facts.isFile()) return 'not a file';
    const remembered = await known?.get(path, facts);
    if (remembered !== undefined) return remembered;
    await pipeline(createReadStream(path), hash);
    const digest = hash.digest('hex');
    await known?.set(path, facts, digest);
    return digest;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === undefined) throw error;
    return `unreadable: ${code}`;
  }
}
