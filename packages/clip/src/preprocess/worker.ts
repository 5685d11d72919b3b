/** A worker thread of the loader: one image at a time. */
import { FormatError, InputError } from '@mudpt/tensor';
import { move, transferableSymbol, valueSymbol } from 'piscina';
import { type ImageResult, type ImageTask, runTask } from './task.ts';

/** An error loses its class on the way between threads, so its parts are sent. */
export type WorkerReply =
  | (ImageResult & { readonly failure?: undefined })
  | { readonly failure: Pick<FormatError, 'op' | 'problem' | 'fix' | 'code' | 'values'> & { readonly isInput: boolean } };

/** Called by piscina. Errors other than FormatError and InputError are bugs and arrive as piscina sends them. */
export default async function work(task: ImageTask): Promise<WorkerReply> {
  try {
    const reply = await runTask(task);
    // The square's memory is handed over instead of copied; a decoded image may lie in memory that the decoder owns.
    return move({ [valueSymbol]: reply, [transferableSymbol]: [reply.pixels.buffer] }) as unknown as WorkerReply;
  } catch (error) {
    if (!(error instanceof FormatError || error instanceof InputError)) throw error;
    const { op, problem, fix, code, values } = error;
    return { failure: { isInput: error instanceof InputError, op, problem, fix, code, values } };
  }
}
