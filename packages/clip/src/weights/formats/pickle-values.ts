/** Values of a pickle: plain data, objects of the caller's, and placeholders for everything else. */

/** Base of the objects that the caller's functions make. */
export abstract class PickleInstance {
  /** Takes the state that BUILD gives; refused unless overridden. */
  setState?(state: PickleValue): void;
}

/** What the caller offers for a name in the file. */
export class PickleGlobal {
  /**
   * @param name "module name", for messages
   * @param call for a function: makes the value of a call
   * @param create for a class: makes an instance, to be filled by `setState`
   */
  constructor(
    readonly name: string,
    readonly call?: (args: readonly PickleValue[]) => PickleValue,
    readonly create?: (args: readonly PickleValue[]) => PickleInstance,
  ) {}
}

/**
 * Stands for what Python would make of a name that is not offered here. It does nothing: it may be called, instantiated and given state,
 * and becomes another placeholder or drops it. Items are kept, for dicts of other classes (a defaultdict, a dict's subclass).
 */
export class Placeholder extends PickleInstance {
  readonly items = new Map<PickleValue, PickleValue>();

  /** @param name the name in the file that it stands for, or what came of it */
  constructor(readonly name: string) {
    super();
  }

  override setState(): void {
    // Attributes of an unknown class are not needed.
  }
}

/** A name without meaning here: calls and instances of it are placeholders. */
export function placeholderFor(name: string): PickleGlobal {
  const make = (): Placeholder => new Placeholder(name);
  return new PickleGlobal(name, make, make);
}

/** Lists and tuples are arrays, dicts are Maps, bytes are views of the file; integers beyond 2^53 are BigInts. */
export type PickleValue =
  | null
  | boolean
  | number
  | bigint
  | string
  | Uint8Array
  | readonly PickleValue[]
  | ReadonlyMap<PickleValue, PickleValue>
  | ReadonlySet<PickleValue>
  | PickleGlobal
  | PickleInstance;

export interface PickleNames {
  /** The value for a global name, or undefined when the file is to be refused for it. */
  find(module: string, name: string): PickleGlobal | undefined;
  /** The object that a persistent id stands for. @throws Error with the reason */
  persistent(id: PickleValue): PickleValue;
}
