/** Ctrl-C: the first one asks to stop, the second one ends the process. */
import type { StatusLine } from '../terminal/status-line.ts';

/** How long work may go on after it was asked to stop: a step of a large model on a CPU takes longer. */
const GRACE_MS = 1500;
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

const SAVED = 'what was saved last stands: the same command with --resume goes on from there';

/** The first Ctrl-C asks to stop; a second one, or two seconds, end the process. @param left the message when it ends at once */
export function stopOnSignal(line: StatusLine, left = SAVED): { readonly signal: AbortSignal; dispose(): void } {
  const controller = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  const leave = (): void => {
    line.print(`stopped; ${left}`);
    process.exit(130);
  };
  const onSignal = (): void => {
    if (controller.signal.aborted) return leave();
    line.print('stopping (once more to leave at once)');
    controller.abort(new Error('stopped'));
    timer = setTimeout(leave, GRACE_MS);
  };
  for (const name of SIGNALS) process.on(name, onSignal);
  return {
    signal: controller.signal,
    dispose: () => {
      clearTimeout(timer);
      for (const name of SIGNALS) process.off(name, onSignal);
    },
  };
}
