/** The tally of tensors that no scope owns, and the one warning when they pile up. */
import { creatingCall } from './leaks.ts';

/** Live tensors made outside of scopes, neither disposed nor kept, above which the warning is printed. */
export const UNSCOPED_WARNING = 1000;

export class Unscoped {
  /** Live tensors that no scope owns and nobody kept. */
  live = 0;
  /** Tensors whose memory was released because they were collected as garbage. */
  collected = 0;
  private hasWarned = false;

  constructor(private readonly limit: number) {}

  /** Counts one more. A stack trace is taken once, when the limit is passed. */
  add(): void {
    this.live += 1;
    if (this.live > this.limit && !this.hasWarned) this.warn();
  }

  private warn(): void {
    this.hasWarned = true;
    console.warn(
      `tensors: more than ${this.limit} are live that were made outside of a scope; the last one ${creatingCall()}. ` +
        'GPU memory is released at dispose(), at the end of a scope(() => ...) or `using`, and else only when JavaScript collects the handle. ' +
        'Tensors that shall live: keep(x). Another limit: Device.open({ unscopedWarning: 10_000 }), or Infinity for none.',
    );
  }
}
