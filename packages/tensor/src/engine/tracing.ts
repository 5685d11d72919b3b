/**
 * Whether any device traces values that are not finite. Every op checks this flag first, so that it costs nothing otherwise. `trace` gets the results; the
 * main entry sets it, so that small bundles carry none.
 */
export const tracing: { isOn: boolean; trace?: (op: string, args: unknown, result: unknown) => void } = { isOn: false };

/** Shows the result of `op`, of a call or of a part that is no op, such as a backward. */
export function traced(op: string, args: unknown, result: unknown): void {
  if (tracing.isOn) tracing.trace?.(op, args, result);
}
