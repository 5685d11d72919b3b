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

function callers(origin: Error): string {
  const lines = (origin.stack ?? '')
    .split('\n')
    .slice(1)
    .map((line) => line.trim());
  const outside = lines.filter((line) => !/\/tensor\/src\/(?!.*\.test\.)/.test(line) && !line.includes('node:'));
  return (outside.length > 0 ? outside : lines).slice(0, 3).join(' < ');
}
