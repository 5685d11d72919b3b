/**
 * Error classes of the engine. Each message says where it happened, what is wrong and how to fix it; ops check before they record GPU work.
 */

/** Values in the text of an error by name, so that a sentence in another language can use them too. */
export type ErrorValues = Readonly<Record<string, string | number>>;

/** Options of an error, besides its cause. */
export interface TensorErrorOptions extends ErrorOptions {
  /** Identifier of the error, such as `image.empty`; errors that only a programmer meets have none. */
  readonly code?: string | undefined;
  readonly values?: ErrorValues;
}

/** What all errors of the engine share. */
export class TensorError extends Error {
  /** Identifier of the error, such as `image.empty`, by which a program can tell it or translate it. */
  readonly code: string | undefined;
  readonly values: ErrorValues;

  /**
   * @param op operation, kernel or file that failed
   * @param problem what is wrong, with the shapes, names or bytes concerned
   * @param fix what the caller can do about it
   */
  constructor(
    readonly op: string,
    readonly problem: string,
    readonly fix: string,
    options?: TensorErrorOptions,
  ) {
    super(`${op}: ${problem}. ${fix.charAt(0).toUpperCase()}${fix.slice(1)}.`, options);
    this.name = new.target.name;
    this.code = options?.code;
    this.values = options?.values ?? {};
  }
}

/** Shapes by the name of an argument: `x`, `tensors[0]`, `options.mask`. */
export type NamedShapes = Readonly<Record<string, readonly number[]>>;

/** Shapes, axes or sizes that do not fit together. */
export class ShapeError extends TensorError {
  private known: NamedShapes | undefined;

  /** @param options.shapes those concerned, by name; an error of an op gets the shapes of its arguments by itself */
  constructor(
    op: string,
    problem: string,
    fix: string,
    { shapes, ...options }: TensorErrorOptions & { shapes?: NamedShapes } = {},
  ) {
    super(op, problem, fix, options);
    this.known = shapes;
  }

  /** The shapes that did not fit: those of all tensors among the arguments of the op, by argument; {} where no tensor took part. */
  get shapes(): NamedShapes {
    return this.known ?? {};
  }

  /** Names the shapes, unless they are named already. @internal */
  naming(shapes: NamedShapes): this {
    this.known ??= shapes;
    return this;
  }
}
/** A dtype the operation or the adapter does not take. */
export class DTypeError extends TensorError {}
/** A tensor, device or plan used after it was released. */
export class DisposedError extends TensorError {}
/** Something larger than the adapter, the engine or the memory allows. */
export class LimitError extends TensorError {}
/** A tensor for which the adapter has no buffer. */
export class AllocationError extends LimitError {
  /** The same in the name of the op that needed it. */
  in(op: string): AllocationError {
    return new AllocationError(op, this.problem, this.fix, { cause: this.cause, code: this.code, values: this.values });
  }
}
/** No adapter, a lost device, a shader or a command the device refused. */
export class DeviceError extends TensorError {}
/** A broken file: one that is not what its format promises. */
export class FormatError extends TensorError {}
/** Input from the user that cannot be used: a path, an option, a setting, a class name, images that do not make a data set. */
export class InputError extends TensorError {}
/** Something that cannot be part of a captured step. */
export class CaptureError extends TensorError {}
