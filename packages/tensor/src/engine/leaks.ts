/** Leak detection: tensors that were not released, by the line that created them. */

/** Tracked objects: tensors, with dtype and shape for messages. */
type Tracked = { toString(): string };

export type Leak = { readonly tensor: string; readonly created: string };

/** Remembers where every live tensor was created. */
export class LeakDetector {
  private readonly origins = new Map<Tracked, Error>();

  track(tensor: Tracked): void {
    this.origins.set(tensor, new Error('created'));
  }

  untrack(tensor: Tracked): void {
    this.origins.delete(tensor);
  }

  /** Live tensors created since `earlier` (a result of {@link mark}), each with the first source line outside the engine. */
  since(earlier: ReadonlySet<Tracked>): Leak[] {
    return [...this.origins]
      .filter(([tensor]) => !earlier.has(tensor))
      .map(([tensor, origin]) => ({ tensor: tensor.toString(), created: callers(origin) }));
  }

  mark(): ReadonlySet<Tracked> {
    return new Set(this.origins.keys());
  }
}

/** Lines of the packages themselves, as they are here and as they are published. */
const INSIDE = /\/(?:packages|@mudpt)\/(?:tensor|autograd)\/(?:src|dist)\/(?!.*\.test\.)|node:/;

function callers(origin: Error, most = 3): string {
  const lines = (origin.stack ?? '')
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => /^at |@/.test(line));
  const outside = lines.filter((line) => !INSIDE.test(line));
  return (outside.length > 0 ? outside : lines).slice(0, most).join(' < ');
}

/** The line outside of the engine from which the present call came, as `at name (file:line:column)`. Slow. */
export function creatingCall(): string {
  const kinds = Error as { stackTraceLimit?: number };
  const before = kinds.stackTraceLimit;
  kinds.stackTraceLimit = 50;
  const origin = new Error('created');
  kinds.stackTraceLimit = before;
  return callers(origin, 1);
}
