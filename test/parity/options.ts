/** Why a golden cannot be run; the file counts as failed and the reason is printed. */
export class Unsupported extends Error {
  override readonly name = 'Unsupported';
}

/** Words in a case that explain it and ask for nothing. */
const REMARKS: ReadonlySet<string> = new Set(['note']);

/**
 * The options of a case. Each is read by name and type; `unread` tells those nobody asked for, so that an option this runner does
 * not know fails the case instead of being ignored.
 */
export class Options {
  private readonly asked = new Set<string>();

  constructor(private readonly values: Readonly<Record<string, unknown>>) {}

  has(name: string): boolean {
    return this.values[name] !== undefined;
  }

  number(name: string, otherwise?: number): number {
    return this.take(name, 'a number', (value) => typeof value === 'number', otherwise);
  }

  flag(name: string, otherwise?: boolean): boolean {
    return this.take(name, 'true or false', (value) => typeof value === 'boolean', otherwise);
  }

  text(name: string, otherwise?: string): string {
    return this.take(name, 'a string', (value) => typeof value === 'string', otherwise);
  }

  numbers(name: string, otherwise?: readonly number[]): readonly number[] {
    return this.take(
      name,
      'a list of numbers',
      (value) => Array.isArray(value) && value.every((item) => typeof item === 'number'),
      otherwise,
    );
  }

  /** The option must be absent or say `value`: the only form this runner implements. */
  only(name: string, value: string | number | boolean): void {
    this.asked.add(name);
    const found = this.values[name] ?? value;
    if (found !== value) throw new Unsupported(`${name} ${JSON.stringify(found)} (only ${JSON.stringify(value)} is known)`);
  }

  unread(): string[] {
    return Object.keys(this.values).filter((name) => !this.asked.has(name) && !REMARKS.has(name));
  }

  private take<T>(name: string, kind: string, fits: (value: unknown) => boolean, otherwise: T | undefined): T {
    this.asked.add(name);
    const value = this.values[name] ?? otherwise;
    if (!fits(value)) throw new Unsupported(`option ${name} is ${JSON.stringify(value)}, not ${kind}`);
    return value as T;
  }
}
