/**
 * Zip archives read by ranges, for checkpoints of PyTorch: data is stored in them, not compressed, so a tensor is read from
 * its place in the file. @zip.js/zip.js reads the directory; every entry it names is checked against the size of the file.
 */
import { Reader, ZipReader } from '@zip.js/zip.js';
import { type ByteSource, FormatError } from '@mudpt/tensor';
import { crc32 } from '../../files/crc32.ts';

/** Where the bytes of one file lie and how many there are; `header` is the offset of its local header, which lies before them. */
export interface ArchiveEntry {
  readonly header: number;
  readonly size: number;
  /** CRC-32 of the bytes; 0 where the writer left it out. */
  readonly crc: number;
  /** False for compressed entries (TorchScript's code), which cannot be read. */
  readonly stored: boolean;
}

export interface Archive {
  readonly name: string;
  readonly entries: ReadonlyMap<string, ArchiveEntry>;
  /**
   * Bytes of an entry: all of them, or `length` from `offset`. The first read of an entry compares all of it with its CRC-32.
   * @throws FormatError where they differ, or the range is not in the entry
   */
  read(entry: string, offset?: number, length?: number): Promise<Uint8Array>;
  has(entry: string): boolean;
}

const OP = 'openArchive';
/** A ViT-L/14 has some 600 tensors, and TorchScript adds two files for each module. */
const MAX_ENTRIES = 100_000;
/** What is read at once of an entry that is only verified. */
const PART_BYTES = 2 ** 24;
const LOCAL_HEADER_BYTES = 30;
const LOCAL_HEADER_SIGNATURE = 0x04034b50;
const SAVE_AGAIN = 'save it again with torch.save (version 1.6 or later), or fetch the file again';

/** Reads the directory of the archive in `source`, which stays the caller's. @throws FormatError naming the entry concerned */
export async function openArchive(source: ByteSource): Promise<Archive> {
  const fail = (problem: string, cause?: unknown) => new FormatError(OP, `${source.name}: ${problem}`, SAVE_AGAIN, { cause });
  const entries = new Map<string, ArchiveEntry>();
  const zip = new ZipReader(new SourceReader(source));
  try {
    for await (const entry of zip.getEntriesGenerator()) {
      const name = entry.filename;
      if (entries.size >= MAX_ENTRIES) throw fail(`the archive has more than ${MAX_ENTRIES} entries`);
      if (entry.encrypted) throw fail(`its entry ${JSON.stringify(name)} is encrypted`);
      if (entries.has(name)) throw fail(`its entry ${JSON.stringify(name)} is there twice`);
      if (entry.directory) continue;
      const { offset, compressedSize: size } = entry;
      if (offset + LOCAL_HEADER_BYTES + size > source.size)
        throw fail(`its entry ${JSON.stringify(name)} of ${size} bytes reaches beyond the end of the file`);
      const stored = entry.compressionMethod === 0 && size === entry.uncompressedSize;
      entries.set(name, { header: offset, size, crc: (entry.signature ?? 0) >>> 0, stored });
    }
  } catch (error) {
    if (error instanceof FormatError) throw error;
    throw fail(`the zip archive cannot be read (${error instanceof Error ? error.message : String(error)})`, error);
  }
  return new SourceArchive(source, entries);
}

class SourceArchive implements Archive {
  private readonly starts = new Map<string, number>();
  private readonly verified = new Set<string>();

  constructor(
    private readonly source: ByteSource,
    readonly entries: ReadonlyMap<string, ArchiveEntry>,
  ) {}

  get name(): string {
    return this.source.name;
  }

  has(entry: string): boolean {
    return this.entries.has(entry);
  }

  async read(entry: string, offset = 0, length?: number): Promise<Uint8Array> {
    const found = this.entries.get(entry);
    const fail = (problem: string) => new FormatError(OP, `${this.name}: ${problem}`, SAVE_AGAIN);
    if (!found) throw fail(`the archive has no entry ${JSON.stringify(entry)}`);
    if (!found.stored) throw fail(`its entry ${JSON.stringify(entry)} is compressed, PyTorch stores entries of data as they are`);
    const wanted = length ?? found.size - offset;
    if (!(offset >= 0 && wanted >= 0 && offset + wanted <= found.size))
      throw fail(`bytes ${offset} to ${offset + wanted} of ${JSON.stringify(entry)} were asked for, it has ${found.size}`);
    const start = this.starts.get(entry) ?? (await this.findStart(entry, found, fail));
    const bytes = await this.source.read(start + offset, wanted);
    await this.verify(entry, found, start, wanted === found.size ? bytes : undefined);
    return bytes;
  }

  /** @param whole all bytes of the entry where they were read already; read in parts otherwise */
  private async verify(name: string, { size, crc }: ArchiveEntry, start: number, whole?: Uint8Array): Promise<void> {
    if (crc === 0 || this.verified.has(name)) return;
    const found = whole ? crc32(whole) : await this.crcInParts(start, size);
    if (found !== crc) {
      const [computed, told] = [found, crc].map((value) => value.toString(16).padStart(8, '0'));
      throw new FormatError(
        OP,
        `${this.name}: its entry ${JSON.stringify(name)} is damaged: its CRC-32 is ${computed}, the archive says ${told}`,
        'fetch the file again',
      );
    }
    this.verified.add(name);
  }

  private async crcInParts(start: number, size: number): Promise<number> {
    let crc = 0;
    for (let at = 0; at < size; at += PART_BYTES)
      crc = crc32(await this.source.read(start + at, Math.min(PART_BYTES, size - at)), crc);
    return crc;
  }

  /** The local header repeats the name and may be padded (PyTorch aligns to 64 bytes), so its length is only known from itself. */
  private async findStart(name: string, { header, size }: ArchiveEntry, fail: (problem: string) => FormatError): Promise<number> {
    const bytes = await this.source.read(header, LOCAL_HEADER_BYTES);
    const view = new DataView(bytes.buffer, bytes.byteOffset, LOCAL_HEADER_BYTES);
    if (view.getUint32(0, true) !== LOCAL_HEADER_SIGNATURE)
      throw fail(`its entry ${JSON.stringify(name)} should begin at byte ${header}, where no entry is`);
    const start = header + LOCAL_HEADER_BYTES + view.getUint16(26, true) + view.getUint16(28, true);
    if (start + size > this.source.size)
      throw fail(`its entry ${JSON.stringify(name)} of ${size} bytes reaches beyond the end of the file`);
    this.starts.set(name, start);
    return start;
  }
}

/** A ByteSource as zip.js wants it: a range that reaches beyond the end is cut. */
class SourceReader extends Reader<ByteSource> {
  constructor(private readonly source: ByteSource) {
    super(source);
    this.size = source.size;
  }

  override async readUint8Array(offset: number, length: number): Promise<Uint8Array> {
    const begin = Math.min(offset, this.size);
    return this.source.read(begin, Math.max(0, Math.min(length, this.size - begin)));
  }
}
