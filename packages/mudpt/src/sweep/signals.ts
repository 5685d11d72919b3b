/** SIGTERM and Ctrl-C: the current run saves its state and stops. */
import { EXIT_AGAIN } from './exit-codes.ts';

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** A step, or a batch of an evaluation, is not stopped in its middle; what takes longer is left, and done again. */
const LONGEST_MS = 60_000;

export interface Stop extends Disposable {
  readonly signal: AbortSignal;
  /** Asks to stop, as a signal does. */
  ask(): void;
}

/** @param onAsk called once, when a stop is asked for */
export function stopOnSignals(onAsk: () => void = () => undefined): Stop {
  const controller = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  const ask = (): void => {
    if (controller.signal.aborted) return;
    onAsk();
    controller.abort(new Error('asked to stop'));
    timer = setTimeout(() => process.exit(EXIT_AGAIN), LONGEST_MS).unref();
  };
  for (const name of SIGNALS) process.on(name, ask);
  return {
    signal: controller.signal,
    ask,
    [Symbol.dispose]: () => {
      clearTimeout(timer);
      for (const name of SIGNALS) process.off(name, ask);
    },
  };
}
