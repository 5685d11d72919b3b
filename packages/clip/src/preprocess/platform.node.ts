/** The loader's platform in Node: worker threads by piscina. Reached only through `#platform`. */
import { createRequire } from 'node:module';
import { availableParallelism } from 'node:os';
import { pathToFileURL } from 'node:url';
import { FormatError, InputError } from '@mudpt/tensor';
import { Piscina } from 'piscina';
import { loadDecoder } from '#decode';
import { makeFolder as makeFolders } from '../files/make-folder.ts';
import type { MakeFolder, StartWorkers } from './platform.ts';
import { type ImageTask, runTask } from './task.ts';
import type { WorkerReply } from './worker.ts';

export const startWorkers: StartWorkers = async (count) => {
  await loadDecoder();
  if (count === 0) return { run: runTask, close: async () => undefined };
  const pool = new Piscina<ImageTask, WorkerReply>({ minThreads: count, maxThreads: count, ...workerFile() });
  return {
    run: async (task) => {
      const reply = await pool.run(task);
      if (reply.failure === undefined) return reply;
      const { isInput, op, problem, fix, ...told } = reply.failure;
      throw isInput ? new InputError(op, problem, fix, told) : new FormatError(op, problem, fix, told);
    },
    close: () => pool.close(),
  };
};

/** `#worker` is JavaScript once built; in the source tree a thread needs tsx to read TypeScript. */
function workerFile(): { filename: string; execArgv?: string[] } {
  const { resolve } = createRequire(import.meta.url);
  const path = resolve('#worker');
  const filename = pathToFileURL(path).href;
  return path.endsWith('.ts') ? { filename, execArgv: ['--import', pathToFileURL(resolve('tsx')).href] } : { filename };
}

export const makeFolder: MakeFolder = makeFolders;

/** Processors of this machine, or those that this process may use. */
export function processors(): number {
  return availableParallelism();
}
