/** The file of `--output`: it appears whole or not at all. */
import { createWriteStream, type WriteStream } from 'node:fs';
import { rename, rm, stat } from 'node:fs/promises';
import { once } from 'node:events';
import { basename, dirname, join } from 'node:path';
import { InputError } from '@mudpt/tensor';

export class OutputFile {
  private isFinished = false;
  /** Settled once the stream is closed; rejected by the first error. */
  private readonly closed: Promise<void>;

  private constructor(
    private readonly path: string,
    /** The path that is written to: the output's own path where it is a pipe or a device, which cannot be replaced. */
    private readonly present: string,
    private readonly stream: WriteStream,
  ) {
    this.closed = new Promise((resolve, reject) => stream.once('close', resolve).once('error', reject));
    // finish() reports the error; until then it must not end the process as unhandled.
    this.closed.catch(() => undefined);
  }

  /** @throws InputError when it cannot be made */
  static async open(path: string): Promise<OutputFile> {
    const found = await stat(path).catch(() => undefined);
    const isFile = found?.isFile() ?? true;
    const present = isFile ? join(dirname(path), `.${basename(path)}.${crypto.randomUUID().slice(0, 13)}.tmp`) : path;
    const stream = createWriteStream(present, isFile ? { flags: 'wx', flush: true } : {});
    await once(stream, 'open').catch((cause: Error) => {
      throw new InputError('--output', `${path} cannot be written (${cause.message})`, 'choose another file', { cause });
    });
    return new OutputFile(path, present, stream);
  }

  write(text: string): void {
    this.stream.write(text);
  }

  /** Waits until everything is on the disk, and gives the file its name. @throws InputError when the disk refuses */
  async finish(): Promise<void> {
    try {
      this.stream.end();
      await this.closed;
      if (this.present !== this.path) await rename(this.present, this.path);
      this.isFinished = true;
    } catch (cause) {
      const why = cause instanceof Error ? cause.message : String(cause);
      throw new InputError('--output', `${this.path} cannot be written (${why})`, 'free some space, or choose another file', {
        cause,
      });
    }
  }

  /** Removes what was written, unless it is finished. */
  async discard(): Promise<void> {
    if (this.isFinished) return;
    this.stream.destroy();
    if (this.present !== this.path) await rm(this.present, { force: true });
  }
}
