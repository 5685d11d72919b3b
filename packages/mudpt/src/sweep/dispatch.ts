/** All cells of a sweep on one machine, in several processes, each of which takes a new cell when it has finished one. */
import { type ChildProcess, fork } from 'node:child_process';
import type { Cell, Plan } from './cell.ts';
import type { FromChild, ToChild } from './child.ts';
import type { Outcome } from './execute.ts';
import { writeRecord } from './record.ts';
import { isDone, readCell } from './runs.ts';

/** A cell fails when its process has died this often. */
const MOST_CRASHES = 2;

export interface DispatchOptions {
  readonly jobs: number;
  readonly signal: AbortSignal;
  /** Words that start this command line as a child: `sweep child FOLDER`. */
  readonly childArguments: readonly string[];
  readonly program: string;
  /** Folder the children start in; their words have no paths that count from another. */
  readonly folder: string;
  readonly onStart: (cell: Cell, process: number) => void;
  readonly onProgress: (cell: Cell, text: string) => void;
  readonly onEnd: (cell: Cell, outcome: Outcome, reason?: string) => void;
  /** A process died without an error message; the cell is tried again unless this was its last try. */
  readonly onCrash: (cell: Cell, how: string, isTriedAgain: boolean) => void;
}

export type Tally = Record<Outcome, number>;

/** @returns the number of cells by outcome; cells that were not begun before it was asked to stop are not counted */
export async function dispatch(sweep: string, { cells }: Plan, options: DispatchOptions): Promise<Tally> {
  const tally: Tally = { done: 0, finished: 0, stopped: 0, busy: 0, failed: 0 };
  const queue: Cell[] = [];
  for (const cell of cells) {
    if (isDone(cell, await readCell(sweep, cell).catch(() => undefined))) tally.finished += 1;
    else queue.push(cell);
  }
  const crashes = new Map<string, number>();
  const running = new Set<string>();
  const line = async (): Promise<void> => {
    let last: Cell | undefined;
    let child: Child | undefined;
    try {
      for (;;) {
        if (options.signal.aborted) return;
        const cell = takeNext(queue, running, last);
        if (!cell) return;
        child ??= new Child(options);
        last = cell;
        running.add(cell.id);
        options.onStart(cell, child.pid);
        const began = performance.now();
        const ended = await child.run(cell, (text) => options.onProgress(cell, text));
        running.delete(cell.id);
        if (ended.kind === 'ended') {
          tally[ended.outcome] += 1;
          options.onEnd(cell, ended.outcome, ended.reason);
          if (ended.isLast) {
            await child.end();
            child = undefined;
          }
          continue;
        }
        child = undefined;
        if (options.signal.aborted) {
          tally.stopped += 1;
          return;
        }
        const count = (crashes.get(cell.id) ?? 0) + 1;
        crashes.set(cell.id, count);
        const isTriedAgain = count < MOST_CRASHES;
        options.onCrash(cell, ended.how, isTriedAgain);
        if (isTriedAgain) queue.unshift(cell);
        else {
          tally.failed += 1;
          const error = new Error(
            `its process ended ${count} times with ${ended.how}, without a word: was there too little memory?`,
          );
          await writeRecord(sweep, cell, { state: 'failed', seconds: (performance.now() - began) / 1000, error });
        }
      }
    } finally {
      await child?.end();
    }
  };
  await Promise.all(Array.from({ length: Math.min(options.jobs, Math.max(1, queue.length)) }, line));
  return tally;
}

/**
 * Takes the next cell out of the queue, preferably with the model and data of the last one, which are open already; else the first. A cell whose teacher is
 * not done comes after the others: its process would run the teacher itself, or wait for it.
 */
export function takeNext(queue: Cell[], running: ReadonlySet<string>, last: Cell | undefined): Cell | undefined {
  const left = new Set([...running, ...queue.map(({ id }) => id)]);
  const ready = queue.filter(({ teacher }) => teacher === undefined || !left.has(teacher));
  const among = ready.length > 0 ? ready : queue;
  const next =
    among.find(({ config, data }) => last && config['model'] === last.config['model'] && data === last.data) ?? among[0];
  if (next) queue.splice(queue.indexOf(next), 1);
  return next;
}

type Ended = Extract<FromChild, { kind: 'ended' }> | { readonly kind: 'gone'; readonly how: string };

class Child {
  private readonly process: ChildProcess;
  private readonly gone: Promise<string>;
  private readonly onStop: () => void;

  constructor(private readonly options: DispatchOptions) {
    this.process = fork(options.program, [...options.childArguments], {
      cwd: options.folder,
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
    this.gone = new Promise((resolve) => {
      this.process.once('error', (error) => resolve(error.message));
      this.process.once('exit', (code, signal) => resolve(signal ?? `exit code ${code}`));
    });
    this.onStop = () => void this.process.kill('SIGTERM');
    options.signal.addEventListener('abort', this.onStop);
    void this.gone.then(() => options.signal.removeEventListener('abort', this.onStop));
  }

  get pid(): number {
    return this.process.pid ?? 0;
  }

  /** Sends a cell and waits for its end, or the process's. */
  run(cell: Cell, onProgress: (text: string) => void): Promise<Ended> {
    return new Promise((resolve) => {
      const onMessage = (message: FromChild): void => {
        if (message.kind === 'progress') onProgress(message.text);
        if (message.kind !== 'ended') return;
        this.process.off('message', onMessage);
        resolve(message);
      };
      this.process.on('message', onMessage);
      void this.gone.then((how) => resolve({ kind: 'gone', how }));
      this.send({ cell: cell.index });
    });
  }

  async end(): Promise<void> {
    this.send({ end: true });
    await this.gone;
  }

  /** Sends a message unless the process is gone, which `gone` reports. */
  private send(message: ToChild): void {
    if (this.process.connected) this.process.send(message, () => undefined);
  }
}
