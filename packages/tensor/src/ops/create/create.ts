/** Tensors from host data and constants. Random ones are in random.ts. */
import { currentDevice, type Device, engineOf } from '../../device.ts';
import { bytesPerElement, type DType, expectNumber, type HostArray, isFloat } from '../../dtype.ts';
import { expectOptions } from '../../definition/options.ts';
import { DTypeError, LimitError, ShapeError } from '../../errors.ts';
import { inNameOf } from '../../definition/op.ts';
import { fromHalf, toHalf } from '../../half.ts';
import { fill } from '../../kernels/fill.ts';
import { upload, uploadBytes } from '../../kernels/upload.ts';
import { expectShape, type Shape, showShape, sizeOf } from '../../shape.ts';
import { type Nested, Tensor } from '../../tensor.ts';
import { nth } from '../../values.ts';

/** Where and of what type a tensor is made. */
export type CreateOptions = {
  readonly dtype?: DType;
  /** Default: the device opened first and not yet disposed. */
  readonly device?: Device;
};

const CREATE: Record<keyof Required<CreateOptions>, true> = { dtype: true, device: true };

/** The options of a creation function, checked. */
function checkedOptions<O extends CreateOptions>(op: string, options: O | null | undefined, more: readonly string[] = []): O {
  // zeros(x.shape, x) is a common habit: take dtype and device of the tensor.
  if (!(options instanceof Tensor)) expectOptions(op, options, [...Object.keys(CREATE), ...more]);
  const { dtype, device, ...rest } = options ?? ({} as O);
  return { ...rest, ...(dtype && { dtype }), ...(device && { device }) } as O;
}

/**
 * A tensor of host data: a number, nested arrays, or a flat array with a shape.
 * @param options.dtype default: i32/u32 for Int32Array/Uint32Array, else f32
 * @throws ShapeError for ragged arrays or a shape that does not fit; DTypeError for values outside the dtype
 */
export function tensor(data: Nested | HostArray, options: CreateOptions & { readonly shape?: Shape } = {}): Tensor {
  return inNameOf('tensor', () => fromHost(data, checkedOptions('tensor', options, ['shape'])));
}

function fromHost(data: Nested | HostArray, options: CreateOptions & { readonly shape?: Shape }): Tensor {
  const device = options.device ?? currentDevice('tensor');
  const typed = ArrayBuffer.isView(data);
  const inferred = typed ? [data.length] : nestedShape(data as Nested);
  const shape = options.shape ?? inferred;
  expectShape('tensor', shape);
  const flat = typed ? (data as HostArray) : flatten(data as Nested);
  if (flat.length !== sizeOf(shape)) {
    throw new ShapeError(
      'tensor',
      `${flat.length} values do not fill shape ${showShape(shape)} of ${sizeOf(shape)} elements`,
      'give as many values as the shape has',
    );
  }
  const dtype = options.dtype ?? (data instanceof Int32Array ? 'i32' : data instanceof Uint32Array ? 'u32' : 'f32');
  return upload(device, shape, dtype, flat);
}

/** A tensor whose GPU bytes are given as they are (f16 as 16-bit words, bool as 32-bit 0 or 1). For weight loaders. */
export function tensorFromBytes(
  bytes: Uint8Array<ArrayBuffer>,
  shape: Shape,
  dtype: DType,
  device: Device = currentDevice('tensorFromBytes'),
): Tensor {
  expectShape('tensorFromBytes', shape);
  engineOf(device).expectDType('tensorFromBytes', dtype);
  const expected = sizeOf(shape) * bytesPerElement(dtype);
  if (bytes.byteLength !== expected) {
    throw new ShapeError(
      'tensorFromBytes',
      `${bytes.byteLength} bytes given for ${dtype} ${showShape(shape)} of ${expected}`,
      'give exactly the bytes of the tensor',
    );
  }
  const odd = bytes.byteLength % 4;
  if (odd === 0) return uploadBytes(device, shape, dtype, bytes);
  const padded = new Uint8Array(bytes.byteLength + 4 - odd);
  padded.set(bytes);
  return uploadBytes(device, shape, dtype, padded);
}

function flatten(data: Nested): number[] {
  const out: number[] = [];
  const visit = (level: Nested): void => {
    if (typeof level === 'number') out.push(level);
    else if (Array.isArray(level)) level.forEach(visit);
    else
      throw new DTypeError(
        'tensor',
        `the data holds ${level === null ? 'null' : `a value of type ${typeof level}`}`,
        'give a number, nested arrays of numbers, or a typed array and a shape',
      );
  };
  visit(data);
  return out;
}

function nestedShape(data: Nested): number[] {
  const shape: number[] = [];
  for (let level: Nested | undefined = data; Array.isArray(level); level = level[0]) shape.push(level.length);
  const check = (level: Nested, axis: number): void => {
    const isArray = Array.isArray(level);
    if (isArray !== axis < shape.length || (isArray && level.length !== shape[axis])) {
      throw new ShapeError(
        'tensor',
        `nested arrays are ragged at depth ${axis}: expected ${showShape(shape)}`,
        'give every row the same length',
      );
    }
    if (isArray) for (const item of level) check(item, axis + 1);
  };
  check(data, 0);
  return shape;
}

function repeated(op: string, shape: Shape, value: number, options: CreateOptions): Tensor {
  return inNameOf(op, () => {
    expectShape(op, shape);
    if (typeof value !== 'number') throw new DTypeError(op, `value is ${typeof value} ${String(value)}`, 'give one number');
    const { dtype = 'f32', device = currentDevice(op) } = checkedOptions(op, options);
    expectNumber(op, 'value', value, dtype);
    const stored = dtype === 'bool' ? Number(value !== 0) : dtype === 'f16' ? fromHalf(toHalf(value)) : value;
    return fill(device, shape, dtype, stored, 0);
  });
}

/** A tensor of one repeated value; f32 by default. @throws ShapeError, LimitError for a shape that cannot be, DTypeError for a value outside the dtype */
export function full(shape: Shape, value: number, options: CreateOptions = {}): Tensor {
  return repeated('full', shape, value, options);
}

/** A tensor of zeros; f32 by default. */
export function zeros(shape: Shape, options: CreateOptions = {}): Tensor {
  return repeated('zeros', shape, 0, options);
}

/** A tensor of ones; f32 by default. */
export function ones(shape: Shape, options: CreateOptions = {}): Tensor {
  return repeated('ones', shape, 1, options);
}

/** @throws DTypeError unless all numbers of an integer range are whole and fit the dtype */
function expectWhole(dtype: DType, start: number, step: number, count: number): void {
  if (dtype === 'bool') throw new DTypeError('arange', 'dtype bool cannot count', "use 'i32' and .cast('bool')");
  expectNumber('arange', 'start', start, dtype);
  if (!Number.isInteger(step)) throw new DTypeError('arange', `step ${step} is not whole`, `give a whole step, or dtype 'f32'`);
  if (count > 0) expectNumber('arange', 'the last value', start + (count - 1) * step, dtype);
}

/** Up to this many numbers of a range with fractions are computed by the host; longer ranges are filled by f32 arithmetic. */
const MOST_ON_HOST = 2 ** 16;

/**
 * `start, start + step, ...` up to `stop`, which is excluded: one axis; f32 by default. With one number, it is `stop`, and start is 0.
 * @throws LimitError when that never ends, DTypeError for integers outside the dtype
 */
export function arange(stop: number, options?: CreateOptions): Tensor;
export function arange(start: number, stop: number, step?: number, options?: CreateOptions): Tensor;
export function arange(first: number, ...rest: readonly (number | CreateOptions | null | undefined)[]): Tensor {
  const at = rest.findIndex((value) => typeof value === 'object' && value !== null);
  const numbers = [first, ...(at < 0 ? rest : rest.slice(0, at))].map((value) => value ?? undefined);
  const odd = numbers.find((value) => value !== undefined && typeof value !== 'number');
  if (numbers[0] === undefined || odd !== undefined)
    throw new DTypeError('arange', `${String(odd)} is no number`, 'give arange(stop), or arange(start, stop, step)');
  const [start, stop] = (numbers[1] === undefined ? [0, first] : numbers) as [number, number];
  const step = (numbers[2] as number | undefined) ?? 1;
  return inNameOf('arange', () => {
    const { dtype = 'f32', device = currentDevice('arange') } = checkedOptions(
      'arange',
      at < 0 ? {} : (rest[at] as CreateOptions),
    );
    if (!(step !== 0) || !Number.isFinite(step))
      throw new LimitError('arange', `step ${step} never reaches ${stop}`, 'give a finite step other than 0');
    const count = Math.max(0, Math.ceil((stop - start) / step));
    if (!isFloat(dtype)) expectWhole(dtype, start, step, count);
    // A step such as 0.1 is not exact in f32, so each number is computed in f64 and rounded once.
    if (isFloat(dtype) && !(Number.isInteger(start) && Number.isInteger(step)) && count <= MOST_ON_HOST)
      return upload(
        device,
        [count],
        dtype,
        Float64Array.from({ length: count }, (_, i) => start + i * step),
      );
    return fill(device, [count], dtype, start, step);
  });
}

/** The identity matrix [rows, columns], square by default; f32 by default. */
export function eye(rows: number, columns: number = rows, options: CreateOptions = {}): Tensor {
  const given = checkedOptions('eye', options);
  const shape = [rows, columns ?? rows];
  expectShape('eye', shape);
  const values = new Float32Array(sizeOf(shape));
  for (let i = 0; i < Math.min(...shape); i += 1) values[i * nth(shape, 1) + i] = 1;
  return inNameOf('eye', () => tensor(values, { ...given, dtype: given.dtype ?? 'f32', shape }));
}
