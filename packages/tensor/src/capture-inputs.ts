/** Inputs of captured functions, and schemas: their dtypes by name, which types and calls are checked against. */
import { type DType, expectDTypeName, type HostArray } from './dtype.ts';
import { CaptureError, DTypeError } from './errors.ts';
import type { Shape } from './shape.ts';
import { Tensor } from './tensor.ts';

/** Host data for an input, uploaded straight into the captured function's own tensor. */
export type HostInput = { readonly data: HostArray; readonly shape: Shape; readonly dtype?: DType };
/** A tensor is copied in, a number becomes a scalar tensor (learning rate, step, seed). */
export type CaptureInput = Tensor | number | HostInput;
/** The properties of an input that a plan depends on: its shape and dtype. */
export type InputShape = { readonly shape: Shape; readonly dtype?: DType };

/** The dtype of each input, by name. */
export type CaptureSchema = Readonly<Record<string, DType>>;

/** @throws CaptureError, DTypeError for a value that is not a schema */
export function expectSchema(schema: CaptureSchema): void {
  if (typeof schema !== 'object' || schema === null)
    throw new CaptureError(
      'capture',
      'the body is no function',
      "give capture(({ x }) => ...), or capture({ x: 'f32' }, ({ x }) => ...)",
    );
  for (const dtype of Object.values(schema)) expectDTypeName('capture', dtype);
}

/**
 * Inputs with the dtypes of the schema: host data takes its dtype from there, and so does a number.
 * @throws CaptureError for a name that is missing, or not in the schema; DTypeError for a tensor of another dtype
 */
export function withSchema(
  schema: CaptureSchema,
  inputs: Readonly<Record<string, CaptureInput | InputShape>>,
): Record<string, CaptureInput | InputShape> {
  const names = Object.keys(schema);
  for (const name of Object.keys(inputs))
    if (!Object.hasOwn(schema, name))
      throw new CaptureError('capture', `there is no input "${name}" in the schema`, `its inputs are ${names.join(', ')}`);
  return Object.fromEntries(
    Object.entries(schema).map(([name, dtype]) => {
      const input = inputs[name];
      if (input === undefined)
        throw new CaptureError('capture', `the input "${name}" is missing`, `give all of ${names.join(', ')}`);
      if (typeof input === 'number') return [name, { data: [input], shape: [], dtype }];
      if (input.dtype === undefined) return [name, { ...input, dtype }];
      if (input.dtype === dtype) return [name, input];
      throw new DTypeError(
        'capture',
        `the input "${name}" is ${input.dtype}, the schema says ${dtype}`,
        `give x.cast('${dtype}')`,
      );
    }),
  );
}

/** Whether an input is a tensor, not host data. */
export function isTensor(input: CaptureInput): input is Tensor {
  return input instanceof Tensor;
}

/** The shape of an input; [] for a number. */
export function shapeOf(input: CaptureInput | InputShape): Shape {
  return typeof input === 'number' ? [] : input.shape;
}

/** The dtype of an input; f32 where it does not say. */
export function dtypeOf(input: CaptureInput | InputShape): DType {
  return typeof input === 'number' ? 'f32' : (input.dtype ?? 'f32');
}

/** @throws CaptureError for a value that cannot be an input */
export function expectInputs(inputs: Readonly<Record<string, unknown>>): void {
  if (typeof inputs !== 'object' || inputs === null)
    throw new CaptureError('capture', `its inputs are ${String(inputs)}`, 'give an object of inputs by name: { x }');
  for (const [name, input] of Object.entries(inputs)) {
    if (typeof input === 'number' || input instanceof Tensor) continue;
    const { data, shape } = (input ?? {}) as Partial<HostInput>;
    if ((Array.isArray(data) || ArrayBuffer.isView(data)) && Array.isArray(shape)) continue;
    throw new CaptureError('capture', `input ${name} is no tensor`, 'give a tensor, a number, or { data, shape } of host data');
  }
}

/** The shapes and dtypes of inputs as a key of plans. */
export function signature(input: CaptureInput): string {
  return `${dtypeOf(input)}[${shapeOf(input).join()}]`;
}
