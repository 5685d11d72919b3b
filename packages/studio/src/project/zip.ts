/** Zips, read and written on the page. */
import { pageError, StudioError } from '../worker/rpc.ts';

/** Loaded when the first zip comes. */
async function zipLibrary() {
  const library = await import('@zip.js/zip.js');
  // The page's policy allows no workers made of text.
  library.configure({ useWebWorkers: false });
  return library;
}

/** More than a browser keeps, and less than a bomb unpacks to. */
const MOST = { entries: 200_000, bytes: 8 * 2 ** 30 };

export interface ZipEntry {
  readonly path: string;
  readonly blob: Blob;
}

/** The files of a zip. @throws StudioError for what is no zip, is encrypted, or unpacks to more than a browser can keep */
export async function readZip(file: Blob & { readonly name?: string }): Promise<ZipEntry[]> {
  const { BlobReader, BlobWriter, ZipReader } = await zipLibrary();
  const name = file.name ?? 'the zip';
  const zip = new ZipReader(new BlobReader(file));
  const found: ZipEntry[] = [];
  let bytes = 0;
  try {
    for await (const entry of zip.getEntriesGenerator()) {
      if (entry.directory) continue;
      if (entry.encrypted) throw pageError('zipEncrypted', name, entry.filename);
      bytes += entry.uncompressedSize;
      if (found.length >= MOST.entries || bytes > MOST.bytes) throw pageError('zipTooLarge', name);
      found.push({ path: entry.filename, blob: await entry.getData(new BlobWriter()) });
    }
    return found;
  } catch (cause) {
    if (cause instanceof StudioError) throw cause;
    throw pageError('zipUnreadable', name, cause instanceof Error ? cause.message : String(cause));
  } finally {
    await zip.close();
  }
}

/** A zip of these files. Images are stored as they are: they are compressed already. */
export async function writeZip(files: Iterable<readonly [path: string, content: Blob | string]>): Promise<Blob> {
  const { BlobReader, BlobWriter, TextReader, ZipWriter } = await zipLibrary();
  const zip = new ZipWriter(new BlobWriter('application/zip'), { useWebWorkers: false });
  for (const [path, content] of files) {
    if (typeof content === 'string') await zip.add(path, new TextReader(content), { level: 6 });
    else await zip.add(path, new BlobReader(content), { level: 0 });
  }
  return zip.close();
}
