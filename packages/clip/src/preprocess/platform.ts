/** What the loader needs from the platform besides decoding: `#platform` is platform.node.ts or platform.browser.ts. */
import type { ImageResult, ImageTask } from './task.ts';

export interface Workers {
  run(task: ImageTask): Promise<ImageResult>;
  /** Lets running tasks finish, then ends the threads. */
  close(): Promise<void>;
}

/** Starts `count` threads; 0 works on the calling thread. */
export type StartWorkers = (count: number) => Promise<Workers>;

/** Makes a folder and those above it; nothing happens when it is there. */
export type MakeFolder = (path: string) => Promise<void>;
