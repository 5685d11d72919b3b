/** Inputs of a run, checked against the declarations of the graph. */
import { type Device, type HostArray, InputError, type Shape, sizeOf, Tensor, tensor } from '@mudpt/tensor';
import { elementTypeOf } from './host/constant.ts';
import type { Dimensions, ValueInfo } from './format/proto.ts';
import { dtypeOf, type ElementType, isFloatType } from './format/types.ts';
import { hostTensor } from './host/tensor.ts';
import { Value } from './node/value.ts';

/** Numbers of an input: a plain array has the shape that the model tells, of which one size may be open. */
export type ArrayInput = HostArray | BigInt64Array | BigUint64Array | readonly bigint[] | readonly boolean[];
/** An input: a tensor, numbers, or numbers with their shape. Integers and truth values that are given as numbers are known to the host. */
export type ModelInput = Tensor | number | boolean | ArrayInput | { readonly data: ArrayInput; readonly shape: Shape };

/** The declaration of an input or output. */
export type ModelValue = {
  readonly name: string;
  readonly type: ElementType;
  /** Numbers, names of sizes that are open ("batch"), undefined for those without a name; undefined where the rank is open. */
  readonly shape: Dimensions | undefined;
};

export function describe(info: ValueInfo): ModelValue {
  if (info.kind !== 'tensor')
    throw new InputError(
      'loadOnnx',
      `"${info.name}" is a ${info.kind}`,
      'only tensors are supported: export the model without it',
    );
  return { name: info.name, type: elementTypeOf(info.type, `"${info.name}"`), shape: info.shape };
}

const show = (shape: Dimensions): string => `[${shape.map((size) => size ?? '?').join(', ')}]`;

/** Values for the inputs of a graph. @throws InputError for names, types and shapes that do not fit */
export function inputValues(
  device: Device,
  expected: readonly ModelValue[],
  given: Readonly<Record<string, ModelInput>>,
): Value[] {
  const unknown = Object.keys(given).find((name) => !expected.some((one) => one.name === name));
  const names = expected.map(({ name }) => name).join(', ') || 'none';
  if (unknown !== undefined) throw new InputError('onnx', `the model has no input "${unknown}"`, `its inputs are ${names}`);
  const sizes = new Map<string, number>();
  const prepared = expected.map((one) => {
    const input = Object.hasOwn(given, one.name) ? given[one.name] : undefined;
    if (input === undefined) throw new InputError('onnx', `input "${one.name}" is missing`, `give ${names}`);
    const { value, shape } = valueOf(device, one, input);
    expectSizes(one, shape, sizes);
    return value;
  });
  const values: Value[] = [];
  try {
    for (const make of prepared) values.push(make());
    return values;
  } catch (error) {
    for (const value of values) value.dispose();
    throw error;
  }
}

type Prepared = { readonly shape: Shape; readonly value: () => Value };

function valueOf(device: Device, expected: ModelValue, input: ModelInput): Prepared {
  const { name, type } = expected;
  if (input instanceof Tensor) {
    const dtype = dtypeOf(type, device);
    if (input.dtype !== dtype)
      throw new InputError(
        'onnx',
        `input "${name}" is a tensor of ${input.dtype}`,
        `the model takes ${type}: give one of ${dtype}`,
      );
    return { shape: input.shape, value: () => Value.borrowed(type, input) };
  }
  const { data, shape } = numbersOf(expected, input);
  if (data.length !== sizeOf(shape))
    throw new InputError(
      'onnx',
      `input "${name}" has ${data.length} numbers, and its shape ${show(shape)} takes ${sizeOf(shape)}`,
      'give { data, shape } with as many numbers as the shape has',
    );
  const list = plainNumbers(data);
  return {
    shape,
    value: () =>
      isFloatType(type)
        ? Value.device(type, tensor(list as HostArray, { shape, dtype: dtypeOf(type, device), device }))
        : Value.host(hostTensor(type, shape, list)),
  };
}

function plainNumbers(data: ArrayInput): ArrayLike<number> {
  const [first] = data;
  return typeof first === 'bigint' || typeof first === 'boolean'
    ? Float64Array.from(data as ArrayLike<bigint>, Number)
    : (data as HostArray);
}

function numbersOf(
  { name, shape }: ModelValue,
  input: Exclude<ModelInput, Tensor>,
): { readonly data: ArrayInput; readonly shape: Shape } {
  if (typeof input === 'number' || typeof input === 'boolean')
    return { data: [Number(input)], shape: shape?.length === 1 ? [1] : [] };
  if (typeof input !== 'object' || input === null)
    throw new InputError('onnx', `input "${name}" is ${String(input)}`, 'give a tensor, numbers, or { data, shape }');
  if ('data' in input) return input;
  const open = shape?.filter((size) => typeof size !== 'number').length ?? 2;
  const known = shape?.reduce<number>((product, size) => (typeof size === 'number' ? product * size : product), 1) ?? 1;
  if (!shape || open > 1)
    throw new InputError(
      'onnx',
      `the model leaves the shape of input "${name}" open${shape ? `: ${show(shape)}` : ''}`,
      'give { data, shape }, or a tensor',
    );
  return { data: input, shape: shape.map((size) => (typeof size === 'number' ? size : input.length / known)) };
}

/** Sizes as the model tells them; one name stands for one size in all inputs. */
function expectSizes({ name, shape }: ModelValue, given: Shape, sizes: Map<string, number>): void {
  if (!shape) return;
  const isRight =
    given.length === shape.length &&
    shape.every((size, axis) => {
      const actual = given[axis] ?? 0;
      if (typeof size === 'string' && !sizes.has(size)) sizes.set(size, actual);
      const wanted = typeof size === 'string' ? sizes.get(size) : size;
      return wanted === undefined || wanted === actual;
    });
  if (isRight) return;
  const named = [...sizes].filter(([size]) => shape.includes(size)).map(([size, value]) => `${size} = ${value}`);
  throw new InputError(
    'onnx',
    `input "${name}" has shape ${show(given)}, and the model takes ${show(shape)}${named.length > 0 ? ` with ${named.join(', ')}` : ''}`,
    'give one of that shape',
  );
}
