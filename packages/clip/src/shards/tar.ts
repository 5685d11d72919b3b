/** The images of a webdataset archive: members whose names end like an image's, in the order of the archive. Nothing is unpacked to the disk. */
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { FormatError } from '@mudpt/tensor';
import { createTarDecoder } from 'modern-tar';
import { MAX_IMAGE_BYTES, type ShardImage, tooLarge } from './image.ts';

const IMAGE = /\.(jpe?g|jpe|jfif|png|webp|gif|tiff?|bmp|dib|avif|hei[cf])$/i;
/** Files that macOS adds to archives. */
const LITTER = /(^|\/)(\._[^/]*|__MACOSX\/.*)$/;

/** @throws FormatError for an archive that is broken or cut off */
export async function* tarImages(path: string): AsyncGenerator<ShardImage, void, undefined> {
  const { size } = await stat(path);
  const file = createReadStream(path);
  const archive = (Readable.toWeb(file) as ReadableStream<Uint8Array>).pipeThrough(createTarDecoder({ strict: true }));
  const members = archive[Symbol.asyncIterator]();
  const read = async <T>(what: Promise<T>): Promise<T> => {
    try {
      return await what;
    } catch (cause) {
      const why = cause instanceof Error ? cause.message : String(cause);
      throw new FormatError('shards', `${path} is no whole tar file (${why})`, 'fetch or write it again', { cause });
    }
  };
  try {
    for (;;) {
      const { value: member, done } = await read(members.next());
      if (done) return;
      const { name: id, type, size: bytes } = member.header;
      const isImage = type === 'file' && IMAGE.test(id) && !LITTER.test(id);
      if (!isImage || bytes > MAX_IMAGE_BYTES) await read(member.body.cancel());
      if (!isImage) continue;
      const image =
        bytes > MAX_IMAGE_BYTES
          ? { why: tooLarge(bytes) }
          : { source: new Uint8Array(await read(new Response(member.body).arrayBuffer())) };
      yield { id, part: file.bytesRead / Math.max(1, size), ...image };
    }
  } finally {
    // A consumer that stops early leaves no file open.
    file.destroy();
  }
}
