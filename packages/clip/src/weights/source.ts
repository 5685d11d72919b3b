/** A model's weights as the towers want them: OpenAI's names and layouts, one tensor at a time, whatever format they lie in. */
import { FormatError, InputError, type SafetensorsDType, type Shape, sizeOf } from '@mudpt/tensor';
import type { ClipConfig } from '../config.ts';
import { type HostTensor, type TowerName, weightShapes } from '../weight-shapes.ts';
import { assemble, locateNumber, partShapes, type PlannedWeight } from './assemble.ts';
import { WeightHash } from './hash.ts';
import type { Naming, NamingStyle } from './names/naming.ts';
import { ZEROS } from './names/recipe.ts';
import { bytesPerNumber, type TensorFile } from './formats/tensor-file.ts';

/** What is known of a weight before it is read. */
export interface WeightEntry {
  readonly shape: Shape;
  /** As in the file; parts of several dtypes are joined as F32. */
  readonly dtype: SafetensorsDType;
  /** Bytes that it takes in the file. */
  readonly bytes: number;
}

/** Weights that are open for reading, tensor by tensor. */
export interface WeightSource {
  /** The file or folder. */
  readonly name: string;
  readonly config: ClipConfig;
  /** Whose names the file has. */
  readonly style: NamingStyle;
  /** The towers whose weights these are. */
  readonly towers: readonly TowerName[];
  /** By OpenAI's names, in the order of weightShapes. */
  readonly weights: ReadonlyMap<string, WeightEntry>;
  /** Bytes of all these weights in the file. */
  readonly bytes: number;
  /** Where a number of a weight lies in the file: in which tensor, and as which number of it. */
  locate(name: string, index: number): { readonly tensor: string; readonly index: number };
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
  const planned = (name: string): Planned => {
    const found = plan.get(name);
    if (found) return found;
    throw new InputError(
      OP,
      `${file.name} has no weight ${JSON.stringify(name)} for ${towers.join(' and ')}`,
      'use one of its names',
    );
  };
  const read = async (name: string): Promise<HostTensor> => {
    const tensor = await assemble(file, planned(name));
    await hash.add(name, tensor);
    return tensor;
  };
  return {
    name: file.name,
    config,
    style: naming.style,
    towers,
    weights: plan,
    bytes: [...plan.values()].reduce((sum, { bytes }) => sum + bytes, 0),
    locate: (name, index) => locateNumber(planned(name), index),
    read,
    hash: async () => {
      for (const name of hash.missing()) await read(name);
      return hash.digest();
    },
    close: () => file.close(),
  };
}

type Planned = WeightEntry & PlannedWeight;

function planWeights(
  file: TensorFile,
  config: ClipConfig,
  naming: Naming,
  { towers, onExtra = 'error' }: SourceOptions,
): Map<string, Planned> {
  const plan = new Map<string, Planned>();
  const [missing, misshapen, unreadable]: [string[], string[], string[]] = [[], [], []];
  for (const [name, shape] of weightShapes(config, towers)) {
    const recipe = naming.recipe(name);
    const shapes = partShapes(shape, recipe);
    const parts = recipe.parts.flatMap((part, at) => (part === ZEROS ? [] : [{ part, expected: shapes[at] as Shape }]));
    const entries = parts.map(({ part }) => file.tensors.get(part));
    // A tower saved by itself needs nothing that stands between the two.
    const isOptional = (name === 'logit_scale' || name === 'logit_bias') && towers.length === 1;
    parts.forEach(({ part, expected }, index) => {
      const entry = entries[index];
      if (!entry) {
        if (!isOptional) missing.push(part);
      } else if (!fits(entry.shape, expected)) misshapen.push(`${part} ${shapeGap(entry.shape, expected)}`);
      else if (!FLOATS.includes(entry.dtype)) unreadable.push(`${part} ${entry.dtype}`);
    });
    const present = entries.filter((entry) => entry !== undefined);
    if (present.length < entries.length) continue;
    const [first] = present;
    const dtype = first && present.every((entry) => entry.dtype === first.dtype) ? first.dtype : 'F32';
    const bytes = present.reduce((sum, entry) => sum + sizeOf(entry.shape) * bytesPerNumber(entry.dtype), 0);
    plan.set(name, { shape, dtype, bytes, recipe });
  }
  const extra = onExtra === 'error' ? extraNames(file, config, naming) : [];
  if (missing.length + misshapen.length + unreadable.length + extra.length > 0)
    throw mismatch(file, { missing, misshapen, unreadable, extra });
  return plan;
}

/** Tensors of the file that are in no tower's list. */
function extraNames(file: TensorFile, config: ClipConfig, naming: Naming): string[] {
  const known = new Set<string>();
  for (const name of weightShapes(config, naming.towers).keys()) for (const part of naming.recipe(name).parts) known.add(part);
  return [...file.tensors.keys()].filter((name) => !known.has(name) && !naming.isIgnored(name));
}

/** What weights may be stored as; integers are those of a quantized model, which have factors beside them. */
const FLOATS: readonly SafetensorsDType[] = ['F16', 'BF16', 'F32', 'F64'];

type Mismatch = Readonly<Record<'missing' | 'misshapen' | 'unreadable' | 'extra', readonly string[]>>;

function mismatch(file: TensorFile, { missing, misshapen, unreadable, extra }: Mismatch): FormatError {
  const told = [
    missing.length > 0 ? `missing: ${firstNames(missing)}` : '',
    misshapen.length > 0 ? `of another shape: ${firstNames(misshapen)}` : '',
    unreadable.length > 0 ? `of integers: ${firstNames(unreadable)}` : '',
    extra.length > 0 ? `not a CLIP's: ${firstNames(extra)}` : '',
  ].filter((line) => line !== '');
  const fix =
    missing.length + misshapen.length > 0
      ? 'give the config that belongs to these weights, or fetch them again'
      : unreadable.length > 0
        ? `give weights of ${FLOATS.join(', ')}: quantized ones are not read`
        : "leave the tensors out of the file, or ask for onExtra: 'ignore'";
  return new FormatError(OP, `${file.name} does not hold the weights of its config; ${told.join('; ')}`, fix, {
    code: 'model.mismatch',
    values: { file: file.name, found: told.join('; ') },
  });
}

/** A file may have any number of tensors; a message has not. */
function firstNames(names: readonly string[], most = 50): string {
  const shown = names.slice(0, most).join(', ');
  return names.length > most ? `${shown} and ${names.length - most} more` : shown;
}

function shapeGap(found: Shape, expected: Shape): string {
  const isTransposed = found.length === 2 && found.toReversed().join() === expected.join();
  return `[${found.join(', ')}] instead of [${expected.join(', ')}]${isTransposed ? ' (transposed)' : ''}`;
}

/** Some files keep the scalar as one element of rank 1, and timm keeps what all images share with a first axis of 1. */
function fits(shape: Shape, expected: Shape): boolean {
  const lead = shape.slice(0, Math.max(0, shape.length - expected.length));
  return lead.every((extent) => extent === 1) && shape.slice(lead.length).join() === expected.join();
}
