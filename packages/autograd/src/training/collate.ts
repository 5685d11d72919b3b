/** Batches from items: host arrays in the form that captured functions take. */
import {
  type DType,
  DTypeError,
  type HostArray,
  type HostInput,
  type Shape,
  ShapeError,
  sizeOf,
  TensorError,
} from '@mudpt/tensor/functions';

/** Values of an item that a batch can hold: a number, a typed array (one axis), or data with its shape. */
export type ItemValue = number | Float32Array | Float64Array | Int32Array | Uint32Array | HostInput;
/** A batch's values side by side on the first axis, an input of a captured function. */
export type HostBatch = { readonly data: HostArray; readonly shape: Shape; readonly dtype: DType };
/** What {@link collate} makes of items: one {@link HostBatch}, or one for each name. */
export type Collated<T> = T extends ItemValue ? HostBatch : { readonly [K in keyof T]: HostBatch };

/** dtypes of batches: one for items of one value, or by name. Default: f32 for numbers and float arrays, i32 and u32 for arrays of these. */
export type CollateTypes<T> = T extends ItemValue ? DType : { readonly [K in keyof T]?: DType };

/**
 * Puts items side by side: values of one name become [B, ...their shape].
 * @throws ShapeError when items differ in shape, TensorError when they differ in names, DTypeError when their dtypes differ
 */
export function collate<T>(items: readonly T[], dtypes?: CollateTypes<T>): Collated<T> {
  const [first] = items;
  if (first === undefined) throw new TensorError('collate', 'there are no items', 'give at least one');
  if (isValue(first)) return batchOf('items', items as readonly ItemValue[], dtypes as DType | undefined) as Collated<T>;
  if (typeof first !== 'object' || first === null || Array.isArray(first))
    throw new TensorError(
      'collate',
      `an item is ${Array.isArray(first) ? 'an array' : `a ${typeof first}`}`,
      'give numbers, typed arrays, { data, shape }, or objects of these; or a collate function to the loader',
    );
  const names = Object.keys(first);
  const byName = dtypes as Readonly<Record<string, DType>> | undefined;
  for (const item of items as readonly Readonly<Record<string, ItemValue>>[])
    if (Object.keys(item).length !== names.length || names.some((name) => !(name in item)))
      throw new TensorError(
        'collate',
        `one item has ${names.join(', ')}, another ${Object.keys(item).join(', ')}`,
        'give all items the same names',
      );
  const batch = names.map((name) => {
    const values = (items as readonly Readonly<Record<string, ItemValue>>[]).map((item) => item[name] as ItemValue);
    return [name, batchOf(name, values, byName?.[name])];
  });
  return Object.fromEntries(batch) as Collated<T>;
}

function isValue(item: unknown): item is ItemValue {
  if (typeof item === 'number' || ArrayBuffer.isView(item)) return true;
  return typeof item === 'object' && item !== null && 'data' in item && 'shape' in item;
}

type Part = { readonly data: ArrayLike<number>; readonly shape: Shape; readonly dtype: DType };

function partOf(name: string, value: ItemValue): Part {
  if (typeof value === 'number') return { data: [value], shape: [], dtype: 'f32' };
  if (!isValue(value))
    throw new TensorError('collate', `${name} of an item is no value`, 'give a number, a typed array, or { data, shape }');
  if (!('shape' in value)) return { data: value, shape: [value.length], dtype: dtypeOf(value) };
  const { data, shape, dtype = dtypeOf(data) } = value;
  if (data.length !== sizeOf(shape))
    throw new ShapeError(
      'collate',
      `${name} of an item has ${data.length} numbers and shape [${shape.join(', ')}]`,
      `give ${sizeOf(shape)} numbers, or the shape that they have`,
    );
  return { data, shape, dtype };
}

function dtypeOf(data: HostArray): DType {
  if (data instanceof Int32Array) return 'i32';
  if (data instanceof Uint32Array) return 'u32';
  return data instanceof Uint8Array ? 'bool' : 'f32';
}

function batchOf(name: string, values: readonly ItemValue[], dtype: DType | undefined): HostBatch {
  const parts = values.map((value) => partOf(name, value));
  const { shape, dtype: natural } = parts[0] as Part;
  for (const part of parts) {
    if (part.shape.join() !== shape.join())
      throw new ShapeError(
        'collate',
        `${name} has shape [${shape.join(', ')}] in one item and [${part.shape.join(', ')}] in another`,
        'pad them to one shape, or give the loader a collate function',
      );
    if (part.dtype !== natural)
      throw new DTypeError(
        'collate',
        `${name} is ${natural} in one item and ${part.dtype} in another`,
        'give all items one dtype',
      );
  }
  const kind = dtype ?? natural;
  const size = sizeOf(shape);
  const data = new ARRAYS[kind](values.length * size);
  for (const [index, part] of parts.entries()) data.set(part.data, index * size);
  return { data, shape: [values.length, ...shape], dtype: kind };
}

const ARRAYS = { f32: Float32Array, f16: Float32Array, i32: Int32Array, u32: Uint32Array, bool: Uint8Array } as const;
