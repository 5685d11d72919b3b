/** A weight assembled from the tensors of a file: joined, transposed, with the origin of each number. */
import { InputError, type SafetensorsDType, type SafetensorsTensor, type Shape, sizeOf, toFloat32 } from '@mudpt/tensor';
import type { HostTensor } from '../weight-shapes.ts';
import { bytesPerNumber, type TensorFile } from './formats/tensor-file.ts';
import { type Recipe, ZEROS } from './names/recipe.ts';

/** A weight that is about to be read. */
export type PlannedWeight = {
  readonly shape: Shape;
  /** As in the file; parts of several dtypes are joined as F32. */
  readonly dtype: SafetensorsDType;
  readonly recipe: Recipe;
};

/** The shape of each part in the file. */
export function partShapes(shape: Shape, { parts, shares = parts.map(() => 1), transposed }: Recipe): Shape[] {
  if (transposed) return [shape.toReversed()];
  if (parts.length === 1) return [shape];
  const [rows = 0, ...rest] = shape;
  const all = shares.reduce((sum, share) => sum + share, 0);
  return shares.map((share) => [(rows * share) / all, ...rest]);
}

/** Where a number of the weight lies: in which tensor of the file, and as which number of it. */
export function locateNumber({ shape, recipe }: PlannedWeight, index: number): { tensor: string; index: number } {
  const [first = ''] = recipe.parts;
  if (recipe.transposed) {
    const [rows = 0, columns = 1] = shape;
    return { tensor: first, index: (index % columns) * rows + Math.floor(index / columns) };
  }
  let before = 0;
  for (const [at, part] of partShapes(shape, recipe).entries()) {
    const count = sizeOf(part);
    if (index < before + count) return { tensor: recipe.parts[at] ?? first, index: index - before };
    before += count;
  }
  throw new InputError(
    'locate',
    `there is no number ${index} in ${first} of shape [${shape.join(', ')}]`,
    `use one below ${before}`,
  );
}

/** Reads the parts. */
export async function assemble(file: TensorFile, { shape, dtype, recipe }: PlannedWeight): Promise<HostTensor> {
  const shapes = partShapes(shape, recipe);
  const zeros = (of: Shape): SafetensorsTensor => ({
    dtype,
    shape: of,
    bytes: new Uint8Array(sizeOf(of) * bytesPerNumber(dtype)),
  });
  const parts: SafetensorsTensor[] = [];
  for (const [at, part] of recipe.parts.entries())
    parts.push(part === ZEROS ? zeros(shapes[at] as Shape) : await file.read(part));
  if (dtype === 'F16') {
    const data = join(
      parts.map(({ bytes }) => halves(bytes)),
      (count) => new Uint16Array(count),
    );
    return { shape, dtype: 'f16', data: recipe.transposed ? transpose(data, shape, new Uint16Array(data.length)) : data };
  }
  const data = join(
    parts.map((part) => toFloat32(part.dtype, part.bytes)),
    (count) => new Float32Array(count),
  );
  return { shape, dtype: 'f32', data: recipe.transposed ? transpose(data, shape, new Float32Array(data.length)) : data };
}

/** The 16-bit words of bytes that may be unaligned. */
function halves(bytes: Uint8Array): Uint16Array {
  const aligned = bytes.byteOffset % 2 === 0 ? bytes : new Uint8Array(bytes);
  return new Uint16Array(aligned.buffer, aligned.byteOffset, aligned.byteLength / 2);
}

function join<A extends Float32Array | Uint16Array>(parts: readonly A[], create: (count: number) => A): A {
  const [only] = parts;
  if (only && parts.length === 1) return only;
  const joined = create(parts.reduce((count, part) => count + part.length, 0));
  let at = 0;
  for (const part of parts) {
    joined.set(part, at);
    at += part.length;
  }
  return joined;
}

/** A matrix of `shape` from its transpose. */
export function transpose<A extends Float32Array | Uint16Array>(from: A, [rows = 0, columns = 0]: Shape, to: A): A {
  for (let row = 0; row < rows; row += 1)
    for (let column = 0; column < columns; column += 1) to[row * columns + column] = from[column * rows + row]!;
  return to;
}
