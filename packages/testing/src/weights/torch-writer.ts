/**
 * Writes checkpoints as torch.save and torch.jit.save do: a stored zip archive with data.pkl and one entry for each tensor. For tests, and
 * for full-size models that no fixture can hold. Tensors are fetched when their turn comes.
 */
import { configure, Uint8ArrayReader, Uint8ArrayWriter, ZipWriter } from '@zip.js/zip.js';
import type { HostTensor } from '@mudpt/clip';
import { type Call, type Picklable, pickle } from './pickles.ts';

/** A tensor to write: a function for what is fetched late. */
export interface Written {
  readonly shape: readonly number[];
  readonly dtype: HostTensor['dtype'];
  data(): Promise<Float32Array | Uint16Array>;
}

export interface TorchFormat {
  /** TorchScript: modules instead of a dict of names. */
  readonly script?: boolean;
  /** Put before every name, e.g. `module.`. */
  readonly prefix?: string;
  /** The key under which the state dict lies beside an epoch; none for the state dict itself. */
  readonly nested?: string;
}

configure({ useWebWorkers: false });

/** The whole file in memory. */
export async function torchBytes(
  tensors: ReadonlyMap<string, Written>,
  format: TorchFormat = {},
): Promise<Uint8Array<ArrayBuffer>> {
  const zip = new ZipWriter(new Uint8ArrayWriter(), { level: 0, dataDescriptor: false, extendedTimestamp: false });
  await writeTorch(zip, tensors, format);
  return zip.close();
}

/** Adds the entries to an archive that stores them (level 0). */
export async function writeTorch(
  zip: ZipWriter<unknown>,
  tensors: ReadonlyMap<string, Written>,
  { script = false, prefix = '', nested }: TorchFormat,
): Promise<void> {
  const add = async (name: string, bytes: Uint8Array) => zip.add(`archive/${name}`, new Uint8ArrayReader(bytes));
  const records = new Map<string, Picklable>();
  let key = 0;
  for (const [name, { shape, dtype }] of tensors) records.set(prefix + name, record(String(key++), shape, dtype));
  const root = script
    ? modules(records)
    : nested === undefined
      ? records
      : new Map<string, Picklable>([
          ['epoch', 3],
          [nested, records],
        ]);
  await add('data.pkl', pickle(root));
  if (script) await add('constants.pkl', pickle([]));
  key = 0;
  for (const { data } of tensors.values()) {
    const { buffer, byteOffset, byteLength } = await data();
    await add(`data/${key++}`, new Uint8Array(buffer as ArrayBuffer, byteOffset, byteLength));
  }
  await add('version', new TextEncoder().encode('3\n'));
}

function record(key: string, shape: readonly number[], dtype: HostTensor['dtype']): Call {
  const count = shape.reduce((product, extent) => product * extent, 1);
  const strides = shape.map((_, axis) => shape.slice(axis + 1).reduce((product, extent) => product * extent, 1));
  const type: Call = { global: ['torch', dtype === 'f16' ? 'HalfStorage' : 'FloatStorage'], bare: true };
  const storage: Call = { global: ['', ''], persistent: ['storage', type, key, 'cpu', count] };
  const hooks: Call = { global: ['collections', 'OrderedDict'] };
  return { global: ['torch._utils', '_rebuild_tensor_v2'], args: [storage, 0, shape, strides, false, hooks] };
}

/** Modules inside modules, by the dots in the names. */
function modules(records: ReadonlyMap<string, Picklable>, path: readonly string[] = []): Call {
  const state = new Map<string, Picklable>([['training', false]]);
  const inside = new Map<string, Map<string, Picklable>>();
  for (const [name, value] of records) {
    const [head = '', ...rest] = name.split('.');
    if (rest.length === 0) state.set(head, value);
    else inside.set(head, (inside.get(head) ?? new Map<string, Picklable>()).set(rest.join('.'), value));
  }
  for (const [name, inner] of inside) state.set(name, modules(inner, [...path, name]));
  return { global: [`__torch__.${path.join('.') || 'clip'}`, 'Module'], state };
}
