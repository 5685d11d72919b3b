/** Tensors: strided views of GPU memory. */
import { COPY, THIS_COPY } from './copies.ts';
import { type Device, engineOf } from './device.ts';
import { bytesPerElement, type DataArray, type DType, fromBytes } from './dtype.ts';
import { adopt, forget } from './engine/ownership.ts';
import { ENDED, type Storage } from './engine/storage.ts';
import { DisposedError, ShapeError } from './errors.ts';
import { contiguousStrides, isContiguous, type Shape, showShape, sizeOf } from './shape.ts';
import { nth } from './values.ts';

/** Nested arrays of numbers, as deep as the tensor has axes. */
export type Nested = number | Nested[];

let nextTensorId = 1;

/** The number of tensors made so far; tensors made later have larger ids. */
export function tensorsMade(): number {
  return nextTensorId - 1;
}

/**
 * A strided view of GPU memory. Operations are functions of this package (`matmul(a, b)`) and methods of the same names
 * (`a.matmul(b)`); they record work and return at once. Only reading waits: {@link data}, {@link item}, {@link array}.
 *
 * A tensor holds memory until {@link dispose} (or `using`, or the end of a {@link scope}).
 */
export class Tensor {
  readonly id: number = nextTensorId++;
  private released = false;
  /** The generation of its memory when the handle was made: see {@link Storage.generation}. */
  private readonly generation: number;

  /** Takes over one reference of `storage`; for packages that build views. Users call {@link tensor}, {@link zeros} and ops. */
  constructor(
    readonly device: Device,
    readonly storage: Storage,
    readonly dtype: DType,
    readonly shape: Shape,
    readonly strides: readonly number[],
    /** First element, counted in elements from the start of the storage. */
    readonly offset: number,
  ) {
    this.generation = storage.generation;
    engineOf(this.device).stats.liveTensors += 1;
    this.device.leaks?.track(this);
    adopt(this);
  }

  /** Which copy of this package made it; two copies tell their tensors apart by it. @internal */
  get [COPY](): string {
    return THIS_COPY;
  }

  /** Number of elements. */
  get size(): number {
    return sizeOf(this.shape);
  }

  get rank(): number {
    return this.shape.length;
  }

  get isContiguous(): boolean {
    return isContiguous(this.shape, this.strides);
  }

  get isDisposed(): boolean {
    return this.released;
  }

  /** Whether a later call of a captured function has overwritten its memory. */
  get isOverwritten(): boolean {
    return this.generation !== this.storage.generation;
  }

  /** Throws a DisposedError that names `op` if this tensor was released, or its memory overwritten by a captured function. */
  expectLive(op: string): void {
    if (this.isOverwritten) {
      throw new DisposedError(
        op,
        `a tensor of shape ${showShape(this.shape)}, the result of a captured function, was used after a later call or the function's end overwrote it`,
        'read it, or keep contiguousCopy(x), before the next call',
      );
    }
    if (this.released) {
      throw new DisposedError(
        op,
        `a tensor of shape ${showShape(this.shape)} was used after it was disposed`,
        'dispose it later, or return it from its scope or captured function',
      );
    }
  }

  /**
   * Releases this view's reference to its memory; a second call does nothing.
   * @throws DisposedError for the result of an earlier call of a captured function, which that function has released itself
   */
  dispose(): void {
    if (this.released) {
      if (this.isOverwritten && this.storage.generation !== ENDED) this.expectLive('dispose');
      return;
    }
    this.released = true;
    engineOf(this.device).stats.liveTensors -= 1;
    this.device.leaks?.untrack(this);
    forget(this);
    this.storage.release();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  /**
   * Elements in row-major order. f16 comes back as Float32Array, bool as Uint8Array.
   * @throws CaptureError at once, inside of a captured function; DeviceError when a kernel failed or the device was lost since the last read
   */
  data(): Promise<DataArray> {
    // Not async: inside of capture() the error must reach the caller, not an unhandled promise.
    engineOf(this.device).expectNoCapture('data');
    return this.read();
  }

  private async read(): Promise<DataArray> {
    this.expectLive('data');
    if (this.size === 0) {
      await this.device.settle();
      return fromBytes(this.dtype, new ArrayBuffer(0), 0);
    }
    const width = bytesPerElement(this.dtype);
    const reach = (sign: number): number =>
      this.shape.reduce((sum, size, axis) => sum + Math.min(0, sign * nth(this.strides, axis) * (size - 1)) * sign, this.offset);
    const [low, high] = [reach(1), reach(-1)];
    const begin = Math.floor((low * width) / 4) * 4;
    const end = Math.ceil(((high + 1) * width) / 4) * 4;
    const bytes = await engineOf(this.device).readBytes(this.storage.buffer, begin, end - begin);
    const skip = low * width - begin;
    const values = fromBytes(this.dtype, skip === 0 ? bytes : bytes.slice(skip), high + 1 - low);
    return this.isContiguous ? values : rowMajor(this, values, this.offset - low);
  }

  /** The only element. @throws ShapeError when there is not exactly one; CaptureError as {@link data} */
  item(): Promise<number> {
    engineOf(this.device).expectNoCapture('item');
    return this.readItem();
  }

  private async readItem(): Promise<number> {
    if (this.size !== 1)
      throw new ShapeError(
        'item',
        `shape ${showShape(this.shape)} has ${this.size} elements`,
        'read data(), or reduce to one element first',
        { shapes: { x: this.shape } },
      );
    return nth(await this.data(), 0);
  }

  /**
   * Elements as nested arrays; a number for a scalar.
   * @typeParam T the nesting that the caller knows: `x.array<number[][]>()` of a matrix
   */
  array<T extends Nested = Nested>(): Promise<T> {
    engineOf(this.device).expectNoCapture('array');
    return this.readNested() as Promise<T>;
  }

  private async readNested(): Promise<Nested> {
    const values = await this.data();
    const strides = contiguousStrides(this.shape);
    const build = (axis: number, offset: number): Nested =>
      axis === this.rank
        ? nth(values, offset)
        : Array.from({ length: nth(this.shape, axis) }, (_, i) => build(axis + 1, offset + i * nth(strides, axis)));
    return build(0, 0);
  }

  toString(): string {
    return `Tensor(${this.dtype} ${showShape(this.shape)}${this.released ? ', disposed' : ''})`;
  }

  /** What `console.log` shows in Node: dtype, shape and where it is. The values are on the device: `await x.array()`. */
  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return `Tensor(${this.dtype} ${showShape(this.shape)} on ${this.device.adapter.name}${this.released ? ', disposed' : ''})`;
  }

  /** What JSON says of a tensor: dtype, shape and where it is, no values. To keep values, {@link writeSafetensors}, or `await x.array()`. */
  toJSON(): { readonly dtype: DType; readonly shape: Shape; readonly device: string } {
    return { dtype: this.dtype, shape: this.shape, device: this.device.adapter.name };
  }
}

/** Elements of a strided view in row-major order; `values[origin]` is the first. */
function rowMajor({ shape, strides, rank, size }: Tensor, values: DataArray, origin: number): DataArray {
  const out = values.slice(0, 0).constructor as new (length: number) => DataArray;
  const result = new out(size);
  const index = shape.map(() => 0);
  let from = origin;
  for (let i = 0; i < result.length; i += 1) {
    result[i] = nth(values, from);
    for (let axis = rank - 1; axis >= 0; axis -= 1) {
      const stride = nth(strides, axis);
      index[axis] = nth(index, axis) + 1;
      from += stride;
      if (nth(index, axis) < nth(shape, axis)) break;
      from -= stride * nth(index, axis);
      index[axis] = 0;
    }
  }
  return result;
}
