/** `pnpm clip zeroshot|embed ...`; see `pnpm clip --help`. */
import { Device, TensorError } from '@mudpt/tensor';
import { CommanderError } from 'commander';
import { printable } from '../printable.ts';
import { createProgram } from './program.ts';

/** The exit status: 0, 1 for an error or no file read, 2 for wrong arguments, 3 for some files not read, 130 after Ctrl-C. */
async function main(words: readonly string[]): Promise<number> {
  const controller = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM'] as const)
    process.once(name, () => {
      controller.abort(new Error('interrupted'));
      // A batch of a large model takes longer than that on a CPU.
      setTimeout(() => process.exit(130), 1500).unref();
    });
  // A reader that needs no more (`| head`) closes the pipe.
  process.stdout.once('error', (error) => controller.abort(error));
  let code = 0;
  let device: Promise<Device> | undefined;
  const program = createProgram({
    stdout: (text) => void process.stdout.write(process.stdout.isTTY ? text.replace(/[^\r\n]+/g, printable) : text),
    stderr: (text) => void process.stderr.write(text),
    isTerminal: process.stderr.isTTY,
    signal: controller.signal,
    onUnreadable: (count, of) => {
      code = count < of ? 3 : 1;
      process.stderr.write(`${count} of ${of} images could not be read\n`);
    },
    open: () => (device ??= Device.open()),
  });
  try {
    await program.parseAsync(words, { from: 'user' });
    return code;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    if (controller.signal.aborted) return 130;
    const isKnown = error instanceof TensorError || (error instanceof Error && 'code' in error);
    console.error(isKnown ? printable(error.message) : error);
    return 1;
  } finally {
    (await device)?.dispose();
  }
}

process.exitCode = await main(process.argv.slice(2));
