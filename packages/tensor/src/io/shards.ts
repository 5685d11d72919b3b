/** Checkpoints in several files: `model.safetensors.index.json` maps each tensor to its shard. */
import { FormatError } from '../errors.ts';
import type { ByteSource } from './bytes.ts';
import { MAX_HEADER_BYTES, type SafetensorsEntry } from './header.ts';
import { InexactNumber, type JsonObject, jsonKind, type JsonNode, JsonProblem, parseStrictJson, quote } from './json.ts';
import { byteSource, type ByteSourceInput } from './open.ts';
import { findTensor, openSafetensors, type SafetensorsReader, type SafetensorsTensor } from './safetensors.ts';

/** Opens the shard with this plain file name, e.g. ``(file) => join(folder, file)`` or ``(file) => new URL(file, base)``. */
export type OpenShard = (file: string) => ByteSourceInput | Promise<ByteSourceInput>;

/**
 * Reads an index and the headers of its shards, and gives one view of all tensors the index names. Shard names come from the
 * file, so only plain file names are let through: no folders, no drive, no URL syntax.
 * `metadata` holds what all shards agree on, then the index's own scalars (such as total_size) as strings.
 * @throws FormatError naming the missing or misplaced shard or tensor
 */
export async function readSafetensorsIndex(index: ByteSourceInput, openShard: OpenShard): Promise<SafetensorsReader> {
  const source = await byteSource(index);
  const { weightMap, metadata } = await readIndex(source).finally(() => source.close?.());
  const shards = new Map<string, SafetensorsReader>();
  try {
    for (const file of new Set(weightMap.values())) shards.set(file, await openOne(source.name, file, openShard));
    return new ShardedReader(source.name, weightMap, shards, { ...commonMetadata([...shards.values()]), ...metadata });
  } catch (error) {
    for (const shard of shards.values()) await shard.close();
    throw error;
  }
}

interface Index {
  readonly weightMap: ReadonlyMap<string, string>;
  readonly metadata: Readonly<Record<string, string>>;
}

const OP = 'readSafetensorsIndex';
const REPAIR = 'fetch the index again, or write it again together with its shards';
/** Letters, digits and a little punctuation; "%", ":", "/", "\" and a leading dot could lead elsewhere on disk or in a URL. */
const PLAIN_FILE_NAME = /^[\p{L}\p{N}_][\p{L}\p{N}_ .+=@,()-]*$/u;

async function readIndex(source: ByteSource): Promise<Index> {
  const fail = (problem: string) => new FormatError(OP, `${source.name}: ${problem}`, REPAIR);
  if (source.size > MAX_HEADER_BYTES) throw fail(`the index has ${source.size} bytes, the limit is ${MAX_HEADER_BYTES}`);
  const root = parseIndex(await source.read(0, source.size), fail);
  const weightMap = new Map<string, string>();
  for (const [tensor, { value }] of objectField(root, 'weight_map', fail)) {
    if (typeof value !== 'string') throw fail(`tensor ${quote(tensor)} has ${jsonKind(value)} as its shard, not a file name`);
    if (!PLAIN_FILE_NAME.test(value))
      throw fail(`tensor ${quote(tensor)} lies in ${quote(value)}, which is not a plain file name`);
    weightMap.set(tensor, value);
  }
  const scalars: [string, string][] = [];
  if (root.has('metadata')) {
    for (const [key, { value }] of objectField(root, 'metadata', fail)) {
      if (value instanceof InexactNumber) scalars.push([key, value.text]);
      else if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean')
        scalars.push([key, String(value)]);
    }
  }
  return { weightMap, metadata: Object.fromEntries(scalars) };
}

function parseIndex(bytes: Uint8Array, fail: (problem: string) => FormatError): JsonObject {
  let root: JsonNode;
  try {
    root = parseStrictJson(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (error) {
    throw fail(error instanceof JsonProblem ? `not valid JSON at character ${error.at}: ${error.problem}` : 'not UTF-8 text');
  }
  if (!(root.value instanceof Map)) throw fail(`the index is ${jsonKind(root.value)}, not an object`);
  return root.value;
}

function objectField(root: JsonObject, name: string, fail: (problem: string) => FormatError): JsonObject {
  const value = root.get(name)?.value;
  if (value === undefined) throw fail(`the index has no ${name}`);
  if (!(value instanceof Map)) throw fail(`${name} is ${jsonKind(value)}, not an object`);
  return value;
}

async function openOne(indexName: string, file: string, openShard: OpenShard): Promise<SafetensorsReader> {
  try {
    return await openSafetensors(await openShard(file));
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new FormatError(
      OP,
      `${indexName}: its shard ${quote(file)} cannot be opened (${reason})`,
      'put every shard of the index beside it',
      { cause },
    );
  }
}

function commonMetadata(shards: readonly SafetensorsReader[]): Record<string, string> {
  const [first, ...others] = shards;
  const agreed = Object.entries(first?.metadata ?? {}).filter(([key, value]) =>
    others.every(({ metadata }) => Object.hasOwn(metadata, key) && metadata[key] === value),
  );
  return Object.fromEntries(agreed);
}

class ShardedReader implements SafetensorsReader {
  readonly tensors: ReadonlyMap<string, SafetensorsEntry>;
  private readonly owners = new Map<string, SafetensorsReader>();

  constructor(
    readonly name: string,
    weightMap: ReadonlyMap<string, string>,
    private readonly shards: ReadonlyMap<string, SafetensorsReader>,
    readonly metadata: Readonly<Record<string, string>>,
  ) {
    const tensors = new Map<string, SafetensorsEntry>();
    for (const [tensor, file] of weightMap) {
      const shard = shards.get(file);
      const entry = shard?.tensors.get(tensor);
      if (shard === undefined || entry === undefined) {
        throw new FormatError(
          OP,
          `${name}: tensor ${quote(tensor)} should lie in ${quote(file)}, which does not hold it`,
          REPAIR,
        );
      }
      tensors.set(tensor, entry);
      this.owners.set(tensor, shard);
    }
    this.tensors = tensors;
  }

  async read(tensor: string): Promise<SafetensorsTensor> {
    return this.owner(tensor).read(tensor);
  }

  async *chunks(tensor: string, maxBytes: number): AsyncGenerator<Uint8Array, void, undefined> {
    yield* this.owner(tensor).chunks(tensor, maxBytes);
  }

  private owner(tensor: string): SafetensorsReader {
    findTensor(this, tensor);
    const owner = this.owners.get(tensor);
    if (owner === undefined) throw new FormatError('read', `${this.name}: tensor ${quote(tensor)} has no shard`, REPAIR);
    return owner;
  }

  async close(): Promise<void> {
    for (const shard of this.shards.values()) await shard.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
