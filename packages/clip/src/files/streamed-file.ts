/** A file written part by part that appears whole or not at all (Node). */
import { type Patch, writeFileAtomic } from '@mudpt/tensor';

/** A file that is written in parts, and gets its name when it is complete. */
export class StreamedFile {
  private readonly writer: WritableStreamDefaultWriter<Uint8Array | Patch>;
  /** Settled when the file has its name; rejected by the first error. */
  private readonly written: Promise<void>;

  /** @param op what errors name */
  constructor(op: string, path: string) {
    const { readable, writable } = new TransformStream<Uint8Array | Patch, Uint8Array | Patch>();
    this.writer = writable.getWriter();
    this.written = writeFileAtomic(op, path, readable);
    this.writer.closed.catch(() => undefined);
    // write() and finish() report the error; nothing may be awaiting the promise before.
    this.written.catch(() => undefined);
  }

  /** Waits while the disk is slower. @throws InputError when the disk refuses */
  async write(part: Uint8Array | Patch): Promise<void> {
    await this.unlessRefused(this.writer.write(part));
  }

  async writeText(text: string): Promise<void> {
    await this.write(new TextEncoder().encode(text));
  }

  /** Waits until all is on the disk under its name. @throws InputError when the disk refuses */
  async finish(): Promise<void> {
    await this.unlessRefused(this.writer.close());
    await this.written;
  }

  /** Removes what was written, unless it is finished. */
  async discard(): Promise<void> {
    await this.unlessRefused(this.writer.abort(new Error('discarded'))).catch(() => undefined);
    await this.written.catch(() => undefined);
  }

  /** @throws the disk's error, once it has refused a part */
  private async unlessRefused(step: Promise<void>): Promise<void> {
    // Report the disk's error, not the one of the stream that it ended.
    step.catch(() => undefined);
    await Promise.race([step.catch(() => this.written), this.written]);
  }
}
