/** The loader's platform in a browser: decoding runs beside the page anyway, resizing runs on the calling thread. */
import { InputError } from '@mudpt/tensor';
import type { MakeFolder, StartWorkers } from './platform.ts';
import { runTask } from './task.ts';

export const startWorkers: StartWorkers = async () => ({ run: runTask, close: async () => undefined });

/** Always refuses. */
export const makeFolder: MakeFolder = async (path) => {
  throw new InputError('fileCache', `a browser has no folder ${JSON.stringify(path)}`, 'use memoryCache');
};

export function processors(): number {
  return 0;
}
