/** A file written part by part that appears whole or not at all (Node). */
import { type Patch, writeFileAtomic } from '@mudpt/tensor';

export class StreamedFile {
  private readonly writer: WritableStreamDefaultWriter<Uint8Array | Patch>;
  /** Settled when the file has its name; rejected by the first error. */
  private readonly written: Promise<void>;

  /** @param op what errors name */
  constructor(op: string, path: string) {
    const { readable, writable } = new TransformStream<Uint8Array | Patch, Uint8Array | Patch>();
    this.writer = writable.getWriter();
    this.written = writeFileAtomic(op, path, readable);
    // Whoever writes or finishes is told; nothing may be awaiting it before.
    this.written.catch(() => undefined);
    this.writer.closed.catch(() => undefined);
  }

  /** Waits while the disk is slower. @throws InputError when the disk refuses */
  async write(part: Uint8Array | Patch): Promise<void> {
    try {
      await this.writer.write(part);
    } catch (error) {
      await this.written;
      throw error;
    }
  }

  async writeText(text: string): Promise<void> {
    await this.write(new TextEncoder().encode(text));
  }

  /** Waits until all is on the disk under its name. @throws InputError when the disk refuses */
  async finish(): Promise<void> {
    await this.writer.close().catch(() => undefined);
    await this.written;
  }

  /** Removes what was written, unless it is finished. */
  async discard(): Promise<void> {
    await this.writer.abort(new Error('discarded')).catch(() => undefined);
    await this.written.catch(() => undefined);
  }
}
