/** A child process of a sweep: it runs the cells that its parent names, one after the other, with one device and one base model. */
import { printable } from '@mudpt/clip';
import { Device, TensorError } from '@mudpt/tensor';
import { RunCache } from '../runs/index.ts';
import type { Plan } from './cell.ts';
import { executeCell, type Outcome, Workplace } from './execute.ts';
import { isRefusal } from './runs.ts';
import { stopOnSignals } from './signals.ts';

/** Message from the parent: the index of the next cell, or `end`. */
export type ToChild = { readonly cell: number } | { readonly end: true };
/** Message to the parent. */
export type FromChild =
  | { readonly kind: 'ready' }
  | { readonly kind: 'progress'; readonly text: string }
  | {
      readonly kind: 'ended';
      readonly cell: number;
      readonly outcome: Outcome;
      /** Whether the process takes no further cell. */
      readonly isLast: boolean;
      readonly reason?: string;
    };

/**
 * Serves the parent until it says that there is no more, or is gone.
 * @param cache see {@link RunCache.ofUser}
 */
export async function serveParent(sweep: string, plan: Plan, cache?: string): Promise<void> {
  const send = (message: FromChild): void => void (process.connected && process.send?.(message));
  using stop = stopOnSignals();
  const workplace = new Workplace(() => Device.open(), RunCache.ofUser(cache, tellNote));
  // The parent is gone: save the cell in progress and end.
  process.once('disconnect', () => stop.ask());
  try {
    send({ kind: 'ready' });
    for await (const index of orders(stop.signal)) {
      const cell = plan.cells[index];
      if (!cell) throw new RangeError(`there is no cell ${index}`);
      let reason: string | undefined;
      let isDeviceSound = true;
      const outcome = await executeCell(sweep, cell, {
        workplace,
        plan,
        signal: stop.signal,
        wait: false,
        observer: progressObserver((text) => send({ kind: 'progress', text })),
        onFollowUp: ({ name, classes }) => send({ kind: 'progress', text: `evaluation on ${name}, ${classes} classes` }),
        onFailure: (error) => {
          reason = reasonOf(error);
          isDeviceSound = isRefusal(error);
        },
      });
      const isLast = outcome === 'stopped' || !isDeviceSound;
      send({ kind: 'ended', cell: index, outcome, isLast, ...(reason !== undefined && { reason }) });
      // Only a refusal is sure to leave the device intact; after any other error the next cell starts in a new process.
      if (isLast) break;
    }
  } finally {
    await workplace.close();
    if (process.connected) process.disconnect();
  }
}

/** The cells that the parent names. */
async function* orders(signal: AbortSignal): AsyncGenerator<number> {
  const waiting: ToChild[] = [];
  let wake: () => void = () => undefined;
  const onMessage = (message: ToChild): void => {
    waiting.push(message);
    wake();
  };
  const onStop = (): void => wake();
  process.on('message', onMessage);
  signal.addEventListener('abort', onStop);
  try {
    for (;;) {
      const next = waiting.shift();
      if (signal.aborted || (next && 'end' in next)) return;
      if (next) yield next.cell;
      else await new Promise<void>((resolve) => (wake = resolve));
    }
  } finally {
    process.off('message', onMessage);
    signal.removeEventListener('abort', onStop);
  }
}

/** Progress of a run in one short line, at most once a second. */
export function progressObserver(tell: (text: string) => void) {
  let told = -Infinity;
  const seldom = (text: () => string): void => {
    if (performance.now() - told < 1000) return;
    told = performance.now();
    tell(text());
  };
  return {
    onPart: (what: string, done: number, total: number): void => seldom(() => `${what} ${done}/${total}`),
    onProgress: (at: { epoch: number; epochs: number; step: number; steps: number; loss: number }): void =>
      seldom(() => `epoch ${at.epoch + 1}/${at.epochs}, step ${at.step}/${at.steps}, loss ${at.loss.toFixed(3)}`),
  };
}

/** A note in the log of the process. */
export function tellNote(note: string): void {
  process.stderr.write(`${printable(note)}\n`);
}

/** What went wrong, in one line. */
export function reasonOf(error: unknown): string {
  if (error instanceof TensorError) return `${error.op}: ${error.problem}`;
  return error instanceof Error ? error.message : String(error);
}
