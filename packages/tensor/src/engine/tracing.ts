/**
 * Whether any device traces values that are not finite: what ops look at before they do more. `trace` sees their results; it is set by the entry with
 * methods, so that small bundles carry none.
 */
export const tracing: { isOn: boolean; trace?: (op: string, args: unknown, result: unknown) => void } = { isOn: false };

/** Shows the result of `op`, of a call or of a part that is no op, such as a backward. */
export function traced(op: string, args: unknown, result: unknown): void {
  if (tracing.isOn) tracing.trace?.(op, args, result);
}
