import type { Device } from './device.ts';
import { bytesPerElement, type DataArray, type DType, fromBytes } from './dtype.ts';
import { CaptureError, DeviceError, DisposedError, ShapeError, TensorError } from './errors.ts';
import { defineOp, inNameOf, noteWork } from './definition/op.ts';
import { adopt, forget } from './scope.ts';
import { contiguousStrides, expectShape, isContiguous, sameShape, type Shape, showShape, sizeOf } from './shape.ts';
import { ENDED, type Storage } from './engine/storage.ts';

/** Nested arrays of numbers, as deep as the tensor has axes. */
export type Nested = number | Nested[];

let nextTensorId = 1;

/** The number of tensors made so far: what is made later has a larger id. */
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
  /** What its memory held when the handle was made. */
  private readonly generation: number;

  /** Takes over one reference of `storage`; for packages that build views. Users call {@link tensor}, {@link zeros} and ops. */
  constructor(
    readonly storage: Storage,
    readonly dtype: DType,
    readonly shape: Shape,
    readonly strides: readonly number[],
    /** First element, counted in elements from the start of the storage. */
    readonly offset: number,
  ) {
    this.generation = storage.generation;
    this.device.stats.liveTensors += 1;
    this.device.leaks?.track(this);
    adopt(this);
  }

  get device(): Device {
    return this.storage.device;
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
    this.device.stats.liveTensors -= 1;
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
    // Not async: inside of capture() the error must reach the caller, not a promise that nobody awaits.
    this.device.expectNoCapture('data');
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
      this.shape.reduce(
        (sum, size, axis) => sum + Math.min(0, sign * (this.strides[axis] ?? 0) * (size - 1)) * sign,
        this.offset,
      );
    const [low, high] = [reach(1), reach(-1)];
    const begin = Math.floor((low * width) / 4) * 4;
    const end = Math.ceil(((high + 1) * width) / 4) * 4;
    const bytes = await this.device.readBytes(this.storage.buffer, begin, end - begin);
    const skip = low * width - begin;
    const values = fromBytes(this.dtype, skip === 0 ? bytes : bytes.slice(skip), high + 1 - low);
    return this.isContiguous ? values : rowMajor(this, values, this.offset - low);
  }

  /** The only element. @throws ShapeError when there is not exactly one; CaptureError as {@link data} */
  item(): Promise<number> {
    this.device.expectNoCapture('item');
    return this.readItem();
  }

  private async readItem(): Promise<number> {
    if (this.size !== 1)
      throw new ShapeError(
        'item',
        `shape ${showShape(this.shape)} has ${this.size} elements`,
        'read data(), or reduce to one element first',
      );
    return (await this.data())[0] ?? Number.NaN;
  }

  /** Elements as nested arrays; a number for a scalar. */
  array(): Promise<Nested> {
    this.device.expectNoCapture('array');
    return this.readNested();
  }

  private async readNested(): Promise<Nested> {
    const values = await this.data();
    const strides = contiguousStrides(this.shape);
    const build = (axis: number, offset: number): Nested =>
      axis === this.rank
        ? (values[offset] ?? Number.NaN)
        : Array.from({ length: this.shape[axis] ?? 0 }, (_, i) => build(axis + 1, offset + i * (strides[axis] ?? 0)));
    return build(0, 0);
  }

  toString(): string {
    return `Tensor(${this.dtype} ${showShape(this.shape)}${this.released ? ', disposed' : ''})`;
  }
}

/** Elements of a strided view in row-major order; `values[origin]` is the first. */
function rowMajor({ shape, strides, rank, size }: Tensor, values: DataArray, origin: number): DataArray {
  const out = values.slice(0, 0).constructor as new (length: number) => DataArray;
  const result = new out(size);
  const index = shape.map(() => 0);
  let from = origin;
  for (let i = 0; i < result.length; i += 1) {
    result[i] = values[from] ?? 0;
    for (let axis = rank - 1; axis >= 0; axis -= 1) {
      const stride = strides[axis] ?? 0;
      index[axis] = (index[axis] ?? 0) + 1;
      from += stride;
      if ((index[axis] ?? 0) < (shape[axis] ?? 0)) break;
      from -= stride * (index[axis] ?? 0);
      index[axis] = 0;
    }
  }
  return result;
}

/** @throws DeviceError unless both live on one device */
export function expectOneDevice(op: string, a: Tensor, b: Tensor): void {
  if (a.device === b.device) return;
  throw new DeviceError(
    op,
    `tensors of shapes ${showShape(a.shape)} and ${showShape(b.shape)} live on two devices`,
    'make both on one (option device), or carry one over: tensor(await y.data(), { shape: y.shape, device: x.device })',
  );
}

/** A view of the same memory with another geometry; the caller guarantees that it stays inside. */
export function view(source: Tensor, geometry: { shape: Shape; strides: readonly number[]; offset?: number }): Tensor {
  source.expectLive('view');
  expectShape('view', geometry.shape);
  const made = new Tensor(
    source.storage.retain(),
    source.dtype,
    [...geometry.shape],
    [...geometry.strides],
    geometry.offset ?? source.offset,
  );
  try {
    noteWork('view', () => ({ reads: [source], writes: [made] }));
  } catch (error) {
    made.dispose();
    throw error;
  }
  return made;
}

/** A second handle of the same view, with its own lifetime. */
export const alias = defineOp('alias', (source: Tensor): Tensor => view(source, source));

/** An uninitialised contiguous tensor. */
export function empty(device: Device, shape: Shape, dtype: DType = 'f32'): Tensor {
  if (typeof device?.expectDType !== 'function')
    throw new TensorError(
      'empty',
      `device is ${Array.isArray(device) ? 'an array' : typeof device}`,
      'give empty(device, shape)',
    );
  expectShape('empty', shape);
  device.expectDType('empty', dtype);
  const storage = inNameOf('empty', () => device.allocate(sizeOf(shape) * bytesPerElement(dtype)));
  return new Tensor(storage, dtype, [...shape], contiguousStrides(shape), 0);
}

/** @throws CaptureError when a captured function uses the memory of `tensor`, or one is being captured: see {@link rebind} */
export function expectMovable(tensor: Tensor): void {
  if (tensor.device.isCapturing || tensor.storage.buffer.pins > 0) {
    throw new CaptureError(
      'rebind',
      `the memory of ${tensor.toString()} belongs to a captured function, which would go on with its old values`,
      'make the optimizer before anything is captured that uses its parameters, or dispose the captured function first',
    );
  }
}

/**
 * Lets the handle `tensor` show the memory of `place`, a view of equal shape and dtype; its own memory is released. For packing parameters
 * side by side: other handles keep the old memory.
 * @throws CaptureError when a captured function uses the memory, or one is being captured
 */
export function rebind(tensor: Tensor, place: Tensor): void {
  tensor.expectLive('rebind');
  place.expectLive('rebind');
  if (!sameShape(tensor.shape, place.shape) || tensor.dtype !== place.dtype)
    throw new ShapeError(
      'rebind',
      `${tensor.toString()} cannot show ${place.toString()}`,
      'give a view of equal shape and dtype',
    );
  expectMovable(tensor);
  const target = tensor as unknown as { -readonly [K in keyof Tensor]: Tensor[K] } & { generation: number };
  const before = tensor.storage;
  target.storage = place.storage.retain();
  target.generation = place.storage.generation;
  target.strides = [...place.strides];
  target.offset = place.offset;
  before.release();
}
