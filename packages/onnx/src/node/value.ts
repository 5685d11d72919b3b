/** Values that flow through a graph: on the device, in host memory, or both. */
import { type DataArray, type Device, InputError, keep, reshape, type Tensor, tensor } from '@mudpt/tensor';
import { dtypeOf, type ElementType, isFloatType } from '../format/types.ts';
import { type HostTensor, hostTensor } from '../host/tensor.ts';

/** A tensor with its ONNX type. Host numbers are uploaded when an operator first needs them on the device. */
export class Value {
  private constructor(
    readonly type: ElementType,
    readonly shape: readonly number[],
    private numbers: HostTensor | undefined,
    private handle: Tensor | undefined,
    private readonly isBorrowed = false,
  ) {}

  static host(numbers: HostTensor): Value {
    return new Value(numbers.type, numbers.shape, numbers, undefined);
  }

  /** Takes the handle over. */
  static device(type: ElementType, handle: Tensor): Value {
    return new Value(type, handle.shape, undefined, keep(handle));
  }

  /** A value whose tensor belongs to the caller, who disposes it. */
  static borrowed(type: ElementType, handle: Tensor): Value {
    return new Value(type, handle.shape, undefined, handle, true);
  }

  /** What is known on the host without reading from the device. */
  get host(): HostTensor | undefined {
    return this.numbers;
  }

  get isOnDevice(): boolean {
    return this.handle !== undefined;
  }

  /** The device tensor, which belongs to this value. @throws InputError for an integer beyond 32 bits */
  tensor(device: Device): Tensor {
    if (!this.handle) {
      const { type, shape, data } = this.numbers as HostTensor;
      expectFits(this.numbers as HostTensor);
      const dtype = dtypeOf(type, device);
      this.handle = keep(tensor(data, { shape, dtype, device }));
    }
    return this.handle;
  }

  /** What `tensor(device)` has read from the device. */
  remember(data: DataArray): HostTensor {
    this.numbers = hostTensor(this.type, this.shape, data);
    return this.numbers;
  }

  /** A second value of the same memory. */
  share(): Value {
    return new Value(this.type, this.shape, this.numbers, this.handle && keep(secondHandle(this.handle)));
  }

  /** Whether the engine's integers, of 32 bits, hold all numbers. */
  get fits(): boolean {
    return this.numbers === undefined || firstBeyond(this.numbers) < 0;
  }

  /** Uploads the numbers and forgets them on the host. */
  moveTo(device: Device): Tensor {
    const handle = this.tensor(device);
    this.numbers = undefined;
    return handle;
  }

  dispose(): void {
    if (!this.isBorrowed) this.handle?.dispose();
    this.handle = undefined;
  }
}

/** Another handle of the same memory, made by an op, so that a tape follows it. */
export const secondHandle = (x: Tensor): Tensor => reshape(x, x.shape);

/** Numbers that an integer has on the device. */
const deviceRange = (type: ElementType): readonly [number, number] =>
  type.startsWith('u') ? [0, 2 ** 32 - 1] : [-(2 ** 31), 2 ** 31 - 1];

/** Index of the first integer that 32 bits do not hold, or -1. */
function firstBeyond({ type, data }: HostTensor): number {
  if (isFloatType(type) || !(data instanceof Float64Array)) return -1;
  const [low, high] = deviceRange(type);
  return data.findIndex((value) => !(value >= low && value <= high));
}

function expectFits(numbers: HostTensor): void {
  const index = firstBeyond(numbers);
  if (index < 0) return;
  const { type, data } = numbers;
  const [low, high] = deviceRange(type);
  throw new InputError(
    'onnx',
    `value ${data[index]} at index ${index} of an ${type} tensor does not fit into 32 bits, which is what the engine's integers have`,
    `keep such numbers from ${low} to ${high}`,
  );
}
