/**
 * Checkpoints of PyTorch 1.6 and later: a zip archive with the pickle `data.pkl` and one entry `data/KEY` for each storage. TorchScript
 * archives (OpenAI's .pt files) have the same two parts; the code beside them is not looked at.
 */
import { type ByteSource, FormatError, InputError, type SafetensorsDType, type SafetensorsTensor } from '@mudpt/tensor';
import { type Archive, openArchive } from './archive.ts';
import { unpickle } from './pickle.ts';
import { findStateDict } from './state-dict.ts';
import { bytesPerNumber, type TensorFile } from './tensor-file.ts';
import { type TensorRecord, torchNames } from './torch-globals.ts';

const OP = 'openTorch';
const FETCH_AGAIN = 'save it again with torch.save, or fetch the file again';

/** Opens an archive; the source is closed with it, and at once when the archive is refused. @throws FormatError */
export async function openTorch(source: ByteSource): Promise<TensorFile> {
  try {
    const archive = await openArchive(source);
    const root = rootOf(archive);
    await checkByteOrder(archive, root);
    const script = archive.has(`${root}constants.pkl`);
    const pickle = unpickle(await archive.read(`${root}data.pkl`), source.name, torchNames(script));
    const records = findStateDict(pickle, source.name);
    const tensors = new Map<string, CheckedTensor>();
    for (const [name, record] of records) tensors.set(name, checkTensor(archive, root, name, record));
    return {
      name: source.name,
      tensors,
      read: (name) => readTensor(archive, tensors, name),
      close: async () => source.close?.(),
    };
  } catch (error) {
    await source.close?.();
    throw error;
  }
}

/** All entries lie in one folder named after the file; its name does not matter. */
function rootOf(archive: Archive): string {
  const pickles = [...archive.entries.keys()].filter((name) => /^(?:[^/]+\/)?data\.pkl$/.test(name));
  const [pickle] = pickles;
  if (pickle !== undefined && pickles.length === 1) return pickle.slice(0, -'data.pkl'.length);
  throw new FormatError(
    OP,
    `${archive.name}: a PyTorch checkpoint has one data.pkl, this zip archive has ${pickles.length}`,
    'give a file written by torch.save or torch.jit.save',
  );
}

async function checkByteOrder(archive: Archive, root: string): Promise<void> {
  const entry = `${root}byteorder`;
  const found = archive.entries.get(entry);
  if (!found) return;
  const order = new TextDecoder().decode(await archive.read(entry, 0, Math.min(16, found.size)));
  if (order.trim() !== 'little')
    throw new FormatError(
      OP,
      `${archive.name}: its numbers are ${JSON.stringify(order)}-endian`,
      'save it on a little-endian machine',
    );
}

interface CheckedTensor {
  readonly dtype: SafetensorsDType;
  readonly shape: readonly number[];
  readonly strides: readonly number[];
  readonly entry: string;
  /** First byte of the span that holds the tensor, and the span's length. */
  readonly begin: number;
  readonly span: number;
}

/** A stride of 0 repeats numbers (a bias by expand()), and could do so without end: no table of a CLIP has more numbers than this. */
const MAX_REPEATED = 2 ** 26;

/** The view must lie inside its storage; what it repeats is bounded. */
function checkTensor(archive: Archive, root: string, name: string, record: TensorRecord): CheckedTensor {
  const { storage, offset, shape, strides } = record;
  const width = bytesPerNumber(storage.dtype);
  const entry = `${root}data/${storage.key}`;
  const fail = (problem: string) =>
    new FormatError(OP, `${archive.name}: tensor ${JSON.stringify(name)} of shape [${shape.join(', ')}] ${problem}`, FETCH_AGAIN);
  const stored = archive.entries.get(entry)?.size;
  if (stored === undefined) throw fail(`lies in ${JSON.stringify(entry)}, which the archive does not have`);
  if (storage.count * width > stored)
    throw fail(`lies in a storage of ${storage.count} numbers (${storage.dtype}), for which ${stored} bytes are there`);
  const isEmpty = shape.includes(0);
  const last = isEmpty ? 0 : shape.reduce((sum, extent, axis) => sum + (extent - 1) * strides[axis]!, 1);
  const count = shape.reduce((product, extent) => product * extent, 1);
  if (!(offset + last <= storage.count)) throw fail(`reaches beyond its storage of ${storage.count} numbers`);
  if (!(count <= Math.max(storage.count, MAX_REPEATED))) throw fail(`repeats a storage of ${storage.count} numbers too often`);
  return { dtype: storage.dtype, shape, strides, entry, begin: offset * width, span: last * width };
}

async function readTensor(
  archive: Archive,
  tensors: ReadonlyMap<string, CheckedTensor>,
  name: string,
): Promise<SafetensorsTensor> {
  const found = tensors.get(name);
  if (!found) throw new InputError('read', `${archive.name} has no tensor ${JSON.stringify(name)}`, 'use one of its names');
  const { dtype, shape, strides, entry, begin, span } = found;
  const bytes = await archive.read(entry, begin, span);
  return { dtype, shape, bytes: gather(bytes, shape, strides, bytesPerNumber(dtype)) };
}

/** The numbers in C order; the very bytes when they lie so already. */
function gather(bytes: Uint8Array, shape: readonly number[], strides: readonly number[], width: number): Uint8Array {
  if (isContiguous(shape, strides)) return bytes;
  const count = shape.reduce((product, extent) => product * extent, 1);
  const result = new Uint8Array(count * width);
  const index = shape.map(() => 0);
  let from = 0;
  for (let to = 0; to < result.byteLength; to += width) {
    for (let i = 0; i < width; i += 1) result[to + i] = bytes[from * width + i]!;
    for (let axis = shape.length - 1; axis >= 0; axis -= 1) {
      const next = index[axis]! + 1;
      from += strides[axis]!;
      index[axis] = next;
      if (next < shape[axis]!) break;
      from -= next * strides[axis]!;
      index[axis] = 0;
    }
  }
  return result;
}

/** Whether numbers lie in row-major order; strides of axes of size 1 do not matter. */
function isContiguous(shape: readonly number[], strides: readonly number[]): boolean {
  let step = 1;
  for (let axis = shape.length - 1; axis >= 0; axis -= 1) {
    const extent = shape[axis]!;
    if (extent !== 1 && strides[axis] !== step) return shape.includes(0);
    step *= extent;
  }
  return true;
}
