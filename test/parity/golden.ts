/**
 * Golden files of operations: safetensors whose metadata string `cases` is a JSON list, and whose tensors are named
 * `<case>.in.<arg>`, `<case>.cot`, `<case>.out`, `<case>.grad.<arg>` (optimizers: `<case>.init.<p>`, `<case>.step<k>.grad.<p>`,
 * `<case>.step<k>.param.<p>`, `<case>.state.<name>.<p>`).
 */
import { type SafetensorsDType, type SafetensorsReader, toFloat32, toInt32 } from '@mudpt/tensor';

/** A tensor on the host. */
export interface HostTensor {
  readonly shape: readonly number[];
  readonly values: Float32Array | Int32Array;
}

export interface GoldenCase {
  readonly name: string;
  /** The `options` of the case. */
  readonly options: Readonly<Record<string, unknown>>;
  /** The whole entry of the case, for what stands beside the options (lr_per_step). */
  readonly entry: Readonly<Record<string, unknown>>;
  /** By what follows the case's name: `in.x`, `out`, `grad.x`, ... */
  readonly tensors: ReadonlyMap<string, HostTensor>;
  /** The largest error of torch's own float32 result against float64, by the same names; absent where not measured. */
  readonly measuredError: ReadonlyMap<string, number>;
}

export interface GoldenFile {
  readonly op: string;
  readonly cases: readonly GoldenCase[];
}

/** Reads all cases. @throws Error naming the case or tensor that does not follow the format: nothing is skipped in silence */
export async function readGolden(reader: SafetensorsReader): Promise<GoldenFile> {
  const { op, cases } = reader.metadata;
  if (op === undefined || cases === undefined) throw new Error('the metadata has no "op" or no "cases"');
  const entries: unknown = JSON.parse(cases);
  if (!Array.isArray(entries) || entries.length === 0) throw new Error('"cases" is not a list with entries');
  const headings = entries.map(readEntry);
  const tensorsOf = await readTensors(
    reader,
    headings.map(({ name }) => name),
  );
  return { op, cases: headings.map((heading) => ({ ...heading, tensors: tensorsOf.get(heading.name) ?? new Map() })) };
}

type Heading = Omit<GoldenCase, 'tensors'>;

function readEntry(entry: unknown, index: number): Heading {
  if (!isRecord(entry) || typeof entry['name'] !== 'string') throw new Error(`case ${index} has no name`);
  const { name, options = {}, f32_vs_f64_max_abs_err: measured = {} } = entry;
  if (!isRecord(options) || !isRecord(measured)) throw new Error(`case ${name} has options or errors that are not an object`);
  const measuredError = new Map<string, number>();
  for (const [tensor, error] of Object.entries(measured)) {
    if (typeof error === 'number') measuredError.set(tensor, error);
  }
  return { name: String(name), options, entry, measuredError };
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

async function readTensors(reader: SafetensorsReader, cases: readonly string[]): Promise<Map<string, Map<string, HostTensor>>> {
  const tensorsOf = new Map(cases.map((name) => [name, new Map<string, HostTensor>()]));
  if (tensorsOf.size !== cases.length) throw new Error('two cases have the same name');
  // Names may hold dots ("std0.02"), so one may begin like another: the longest that fits owns the tensor.
  const longestFirst = cases.toSorted((a, b) => b.length - a.length);
  for (const tensor of reader.tensors.keys()) {
    const owner = longestFirst.find((name) => tensor.startsWith(`${name}.`));
    if (owner === undefined) throw new Error(`tensor ${tensor} belongs to no case`);
    const { dtype, shape, bytes } = await reader.read(tensor);
    tensorsOf.get(owner)?.set(tensor.slice(owner.length + 1), { shape, values: hostValues(dtype, bytes) });
  }
  for (const [name, tensors] of tensorsOf) if (tensors.size === 0) throw new Error(`case ${name} has no tensors`);
  return tensorsOf;
}

function hostValues(dtype: SafetensorsDType, bytes: Uint8Array): Float32Array | Int32Array {
  return dtype.startsWith('F') || dtype === 'BF16' ? toFloat32(dtype, bytes) : toInt32(dtype, bytes);
}

/** The tensors of a case whose names begin with `prefix`, by the rest of their names. */
export function tensorsUnder(golden: GoldenCase, prefix: string): Map<string, HostTensor> {
  const found = [...golden.tensors].filter(([name]) => name.startsWith(prefix));
  return new Map(found.map(([name, tensor]) => [name.slice(prefix.length), tensor]));
}
