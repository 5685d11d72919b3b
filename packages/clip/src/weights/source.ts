/** A model's weights as the towers want them: OpenAI's names and layouts, one tensor at a time, whatever format they lie in. */
import {
  FormatError,
  InputError,
  type SafetensorsDType,
  type SafetensorsTensor,
  type Shape,
  sizeOf,
  toFloat32,
} from '@mudpt/tensor';
import type { ClipConfig } from '../config.ts';
import { type HostTensor, type TowerName, weightShapes } from '../weight-shapes.ts';
import { WeightHash } from './hash.ts';
import { type Naming, type Recipe, ZEROS } from './names/naming.ts';
import { bytesPerNumber, type TensorFile } from './formats/tensor-file.ts';

/** What is known of a weight before it is read. */
export interface WeightEntry {
  readonly shape: Shape;
  /** As in the file; parts of several dtypes are joined as F32. */
  readonly dtype: SafetensorsDType;
  /** What it takes in the file. */
  readonly bytes: number;
}

/** Weights that are open for reading, tensor by tensor. */
export interface WeightSource {
  /** The file or folder. */
  readonly name: string;
  readonly config: ClipConfig;
  /** The towers whose weights these are. */
  readonly towers: readonly TowerName[];
  /** By OpenAI's names, in the order of weightShapes. */
  readonly weights: ReadonlyMap<string, WeightEntry>;
  /** Of all weights in the file. */
  readonly bytes: number;
  /** One weight: f16 stays f16, all other dtypes become f32. */
  read(name: string): Promise<HostTensor>;
  /**
   * SHA-256, in hexadecimal, over names, shapes and f32 values of these weights: the same for every format that holds the same numbers.
   * Weights that were not read yet are read now.
   */
  hash(): Promise<string>;
  close(): Promise<void>;
}

const OP = 'openWeights';

export interface SourceOptions {
  readonly towers: readonly TowerName[];
  /** Tensors of the file that belong to no CLIP. Default: an error that lists them. */
  readonly onExtra?: 'error' | 'ignore' | undefined;
}

/**
 * Checks a file against a config and gives its weights. The file is closed with the source.
 * @throws FormatError that lists missing, extra and wrongly shaped tensors by the names in the file
 */
export function weightSource(file: TensorFile, config: ClipConfig, naming: Naming, options: SourceOptions): WeightSource {
  const { towers } = options;
  // A file has at least a tensor a layer, so a config that promises more must not make a list of a billion names.
  if (Math.max(config.image.layers, config.text.layers) > Math.max(100, file.tensors.size))
    throw new FormatError(
      OP,
      `${file.name}: the config has more layers than the file has tensors`,
      'give weights and config of one model',
    );
  const plan = planWeights(file, config, naming, options);
  const hash = new WeightHash([...plan.keys()]);
  const read = async (name: string): Promise<HostTensor> => {
    const found = plan.get(name);
    if (!found)
      throw new InputError(
        OP,
        `${file.name} has no weight ${JSON.stringify(name)} for ${towers.join(' and ')}`,
        'use one of its names',
      );
    const tensor = await assemble(file, found);
    await hash.add(name, tensor);
    return tensor;
  };
  return {
    name: file.name,
    config,
    towers,
    weights: plan,
    bytes: [...plan.values()].reduce((sum, { bytes }) => sum + bytes, 0),
    read,
    hash: async () => {
      for (const name of hash.missing()) await read(name);
      return hash.digest();
    },
    close: () => file.close(),
  };
}

interface PlannedWeight extends WeightEntry {
  readonly recipe: Recipe;
}

function planWeights(
  file: TensorFile,
  config: ClipConfig,
  naming: Naming,
  { towers, onExtra = 'error' }: SourceOptions,
): Map<string, PlannedWeight> {
  const plan = new Map<string, PlannedWeight>();
  const [missing, misshapen]: [string[], string[]] = [[], []];
  for (const [name, shape] of weightShapes(config, towers)) {
    const recipe = naming.recipe(name);
    const parts = recipe.parts.filter((part) => part !== ZEROS);
    const entries = parts.map((part) => file.tensors.get(part));
    // A tower saved by itself needs nothing that stands between the two.
    const isOptional = (name === 'logit_scale' || name === 'logit_bias') && towers.length === 1;
    const expected = partShape(shape, recipe);
    parts.forEach((part, index) => {
      const entry = entries[index];
      if (!entry) {
        if (!isOptional) missing.push(part);
      } else if (!fits(entry.shape, expected))
        misshapen.push(`${part} [${entry.shape.join(', ')}] instead of [${expected.join(', ')}]`);
    });
    const present = entries.filter((entry) => entry !== undefined);
    if (present.length < entries.length) continue;
    const [first] = present;
    const dtype = first && present.every((entry) => entry.dtype === first.dtype) ? first.dtype : 'F32';
    const bytes = present.reduce((sum, entry) => sum + sizeOf(entry.shape) * bytesPerNumber(entry.dtype), 0);
    plan.set(name, { shape, dtype, bytes, recipe });
  }
  const extra = onExtra === 'error' ? extraNames(file, config, naming) : [];
  if (missing.length + misshapen.length + extra.length > 0) throw mismatch(file, { missing, misshapen, extra });
  return plan;
}

/** Tensors of the file that are in no tower's list. */
function extraNames(file: TensorFile, config: ClipConfig, naming: Naming): string[] {
  const known = new Set<string>();
  for (const name of weightShapes(config, naming.towers).keys()) for (const part of naming.recipe(name).parts) known.add(part);
  return [...file.tensors.keys()].filter((name) => !known.has(name) && !naming.isIgnored(name));
}

type Mismatch = { readonly missing: readonly string[]; readonly misshapen: readonly string[]; readonly extra: readonly string[] };

function mismatch(file: TensorFile, { missing, misshapen, extra }: Mismatch): FormatError {
  const told = [
    missing.length > 0 ? `missing: ${some(missing)}` : '',
    misshapen.length > 0 ? `of another shape: ${some(misshapen)}` : '',
    extra.length > 0 ? `not a CLIP's: ${some(extra)}` : '',
  ].filter((line) => line !== '');
  const fix =
    missing.length + misshapen.length > 0
      ? 'give the config that belongs to these weights, or fetch them again'
      : "leave the tensors out of the file, or ask for onExtra: 'ignore'";
  return new FormatError(OP, `${file.name} does not hold the weights of its config; ${told.join('; ')}`, fix, {
    code: 'model.mismatch',
    values: { file: file.name, found: told.join('; ') },
  });
}

/** A file may have any number of tensors; a message has not. */
function some(names: readonly string[], most = 50): string {
  const shown = names.slice(0, most).join(', ');
  return names.length > most ? `${shown} and ${names.length - most} more` : shown;
}

function partShape(shape: Shape, { parts, transposed }: Recipe): Shape {
  const [rows = 0, ...rest] = shape;
  if (transposed) return shape.toReversed();
  return parts.length === 1 ? shape : [rows / parts.length, ...rest];
}

/** Some files keep the scalar as one element of rank 1, and timm keeps what all images share with a first axis of 1. */
function fits(shape: Shape, expected: Shape): boolean {
  const lead = shape.slice(0, Math.max(0, shape.length - expected.length));
  return lead.every((extent) => extent === 1) && shape.slice(lead.length).join() === expected.join();
}

async function assemble(file: TensorFile, { shape, dtype, recipe }: PlannedWeight): Promise<HostTensor> {
  const parts: SafetensorsTensor[] = [];
  for (const part of recipe.parts) if (part !== ZEROS) parts.push(await file.read(part));
  const [first] = parts;
  if (first)
    for (const [at, part] of recipe.parts.entries())
      if (part === ZEROS) parts.splice(at, 0, { ...first, bytes: new Uint8Array(first.bytes.length) });
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
